// SPDX-License-Identifier: Apache-2.0

import TensorFiles

/// Tensors in files, which state their own shape and dtype: parameters may repeat them, and must not contradict.
extension InputReader {
    func npyTensor(_ bytes: ArraySlice<UInt8>, _ stated: RawTensorParameters) throws(Problem) -> TensorArray {
        let tensor = try bytes.read(stated) { (raw, dtypes) throws(NPYError) in
            try readNPY(raw, maximumElements: maximumElements, dtypes: dtypes)
        }
        try stated.checkShape(of: tensor)
        return tensor
    }

    func npzTensor(
        _ bytes: ArraySlice<UInt8>,
        _ stated: RawTensorParameters,
        _ inflatableBytes: inout Int
    ) throws(Problem) -> TensorArray {
        let tensor = try bytes.read(stated) { (raw, dtypes) throws(NPZError) in
            try readNPZ(
                "latents",
                in: raw,
                maximumElements: maximumElements,
                inflatableBytes: &inflatableBytes,
                dtypes: dtypes
            )
        }
        try stated.checkShape(of: tensor)
        return tensor
    }

    func safetensorsTensor(
        _ bytes: ArraySlice<UInt8>,
        _ stated: RawTensorParameters
    ) throws(Problem) -> (TensorArray, LatentStatement) {
        let (tensor, statement) = try bytes.read(stated) { (raw, dtypes) throws(SafetensorsError) in
            let index = try SafetensorsIndex(raw, headerLimit: 1_000_000)
            guard let name = index.tensorName(preferring: "latents") else {
                throw .missingTensor("latents", found: index.entries.keys.sorted())
            }
            let tensor = try index.tensor(name, in: raw, maximumElements: maximumElements, dtypes: dtypes)
            return (tensor, LatentStatement(index.metadata["uae_latent"]))
        }
        try stated.checkShape(of: tensor)
        return (tensor, statement)
    }
}

extension RawTensorParameters {
    fileprivate func checkShape(of tensor: TensorArray) throws(Problem) {
        guard let shape, shape != tensor.shape else { return }
        throw .conflict("shape", "\(shape) is given and the shape in the file is \(tensor.shape); leave it out")
    }
}

/// The error of a tensor file's reader.
private protocol TensorFileError: ProblemConvertible {
    /// The file's own name of its dtype, if that is not among those to accept.
    var refusedDType: String? { get }
}

extension NPYError: TensorFileError {
    fileprivate var refusedDType: String? {
        if case .dtypeUnsupported(let name) = self { name } else { nil }
    }
}

extension NPZError: TensorFileError {
    fileprivate var refusedDType: String? {
        if case .array(_, let error) = self { error.refusedDType } else { nil }
    }
}

extension SafetensorsError: TensorFileError {
    fileprivate var refusedDType: String? {
        if case .unreadableDType(_, let code) = self { code } else { nil }
    }
}

extension ArraySlice<UInt8> {
    /// Calls a reader of raw memory with the dtypes to accept; `withUnsafeBytes` of a slice does not carry typed errors
    /// out.
    fileprivate func read<Value, Failure: TensorFileError>(
        _ stated: RawTensorParameters,
        _ body: (UnsafeRawBufferPointer, [TensorDType]) throws(Failure) -> Value
    ) throws(Problem) -> Value {
        let dtypes = stated.statesDType ? [stated.dtype.tensor] : TensorDType.floatingPoint
        let outcome = withUnsafeBytes { raw -> Result<Value, Failure> in
            do throws(Failure) {
                return .success(try body(raw, dtypes))
            } catch {
                return .failure(error)
            }
        }
        switch outcome {
        case .success(let value): return value
        case .failure(let error):
            guard stated.statesDType, let found = error.refusedDType else { throw error.problem }
            throw .conflict(
                "dtype",
                "\(stated.dtype.rawValue) is given and the dtype in the file is '\(printable(found, limit: 64))'; "
                    + "leave it out"
            )
        }
    }
}
