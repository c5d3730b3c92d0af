// SPDX-License-Identifier: Apache-2.0

/// The element types that this project computes with or sends.
package enum TensorDType: String, Sendable, CaseIterable {
    /// Read only: nothing here computes with it or sends it.
    case float64
    case float32
    case float16
    case bfloat16
    case uint8

    package static let floatingPoint: [TensorDType] = [.float64, .float32, .float16, .bfloat16]

    package var byteCount: Int {
        switch self {
        case .float64: 8
        case .float32: 4
        case .float16, .bfloat16: 2
        case .uint8: 1
        }
    }

    /// The name in a safetensors header.
    package var safetensorsCode: String {
        switch self {
        case .float64: "F64"
        case .float32: "F32"
        case .float16: "F16"
        case .bfloat16: "BF16"
        case .uint8: "U8"
        }
    }

    /// The `descr` of an npy header; nil where numpy has no such type.
    package var npyDescription: String? {
        switch self {
        case .float64: "<f8"
        case .float32: "<f4"
        case .float16: "<f2"
        case .bfloat16: nil
        case .uint8: "|u1"
        }
    }

    package init?(safetensorsCode code: String) {
        guard let dtype = TensorDType.allCases.first(where: { $0.safetensorsCode == code }) else { return nil }
        self = dtype
    }
}

/// A tensor in memory, row-major.
package struct TensorArray: Sendable, Equatable {
    package var shape: [Int]
    package var values: [Float]

    package init(shape: [Int], values: [Float]) {
        self.shape = shape
        self.values = values
    }
}

/// The number of elements of a shape; nil if it overflows or an axis is negative.
package func elementCount(_ shape: [Int]) -> Int? {
    var count = 1
    for axis in shape {
        let (product, overflow) = count.multipliedReportingOverflow(by: axis)
        guard axis >= 0, !overflow else { return nil }
        count = product
    }
    return count
}
