// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import TensorFiles

/// The dtypes of tensors in requests and responses.
enum WireDType: String, Sendable, CaseIterable {
    case float32
    case float16
    case bfloat16

    var tensor: TensorDType {
        switch self {
        case .float32: .float32
        case .float16: .float16
        case .bfloat16: .bfloat16
        }
    }
}

/// The layout of a raw tensor in a request: `shape`, `dtype`.
///
/// Tensors in npy, npz and safetensors files bring their own, which these may repeat.
struct RawTensorParameters: Sendable {
    static let names = ["shape", "dtype"]

    /// nil: the body is no raw tensor.
    let shape: [Int]?
    let dtype: WireDType
    /// Whether the request names the dtype.
    let statesDType: Bool

    init(_ given: ParameterSet) throws(Problem) {
        statesDType = given.text("dtype") != nil
        dtype = try given.choice("dtype", WireDType.self) ?? .float32
        shape = try given.shape()
    }

    /// The bytes that `shape` and `dtype` describe; nil: more than can be counted, or no shape is given.
    var byteCount: Int? {
        guard let shape else { return nil }
        var count = dtype.tensor.byteCount
        for axis in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: axis)
            if overflow { return nil }
            count = product
        }
        return count
    }
}

/// The parameter `normalize`: whether latents are normalised.
enum Normalize: String, Sendable, CaseIterable {
    case auto
    case yes = "true"
    case no = "false"

    init(_ given: ParameterSet) throws(Problem) {
        self = try given.choice("normalize", Normalize.self) ?? .auto
    }

    /// Whether latents of `model` are normalised.
    ///
    /// - Throws: a `Problem` of kind `feature-unavailable` if it is asked of a model without statistics.
    func applies(to model: AutoencoderModel) throws(Problem) -> Bool {
        switch self {
        case .auto: return model.statistics != nil
        case .no: return false
        case .yes:
            guard model.statistics != nil else {
                throw .featureUnavailable("normalize=true needs statistics, which this model lacks.", missing: "stats")
            }
            return true
        }
    }
}
