// SPDX-License-Identifier: Apache-2.0

import Foundation
import TensorFiles
import TensorKernels

/// Reads tensors of a mapped safetensors file in the form that the kernels use.
///
/// Large tensors are packed directly from the mapped pages. The pages are released at once, so that the process never
/// holds a second copy of the weights.
struct WeightReader: Sendable {
    let file: SafetensorsFile
    let path: String
    let storage: WeightStorage
    let product: MatrixProduct

    init(
        path: String,
        storage: WeightStorage,
        product: MatrixProduct = .packed
    ) throws(ModelError) {
        self.path = path
        self.storage = storage
        self.product = product
        do {
            file = try SafetensorsFile(path: path)
        } catch {
            throw .weights(path: path, error)
        }
    }

    /// The same file, its layers multiplied by `product`.
    func multiplying(by product: MatrixProduct) -> WeightReader {
        WeightReader(file: file, path: path, storage: storage, product: product)
    }

    private init(file: SafetensorsFile, path: String, storage: WeightStorage, product: MatrixProduct) {
        self.file = file
        self.path = path
        self.storage = storage
        self.product = product
    }

    /// The linear layers and dense convolutions of the file, judged by the shapes of its tensors.
    var linearShapes: [LinearShape] {
        file.index.entries.values.compactMap { entry in
            // Neither a vector nor a depthwise convolution; an empty tensor may claim axes whose product overflows.
            guard entry.shape.count == 2 || entry.shape.count == 4, entry.shape[0] > 0, entry.shape[1] > 1,
                let inputs = elementCount(Array(entry.shape.dropFirst())), inputs > 0
            else { return nil }
            return LinearShape(outputs: entry.shape[0], inputs: inputs)
        }
    }

    /// Bytes in memory of all tensors of the file.
    var loadedBytes: Int {
        let width = storage == .float16 ? 2 : 4
        return file.index.entries.values.reduce(0) { sum, entry in
            sum + (entry.dtype.map { entry.byteRange.count / $0.byteCount * width } ?? 0)
        }
    }

    /// The folder of the file.
    var directory: String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    /// A tensor's floats, its shape checked, all finite.
    func tensor(_ name: String, shape: [Int]) throws(ModelError) -> [Float] {
        let values = try anyTensor(name, shape: shape)
        try values.withUnsafeBufferPointer { values throws(ModelError) in try checkFinite(values, of: name) }
        return values
    }

    /// The weights of a product.
    func weights(_ name: String, shape: [Int]) throws(ModelError) -> [Float] {
        let values = try anyTensor(name, shape: shape)
        try values.withUnsafeBufferPointer { values throws(ModelError) in try checkWeights(values, of: name) }
        return values
    }

    /// The same as ``tensor(_:shape:)``, for a caller that has its own check of the values.
    func anyTensor(_ name: String, shape: [Int]) throws(ModelError) -> [Float] {
        let values: [Float]
        do {
            values = try file.floats(name, shape: shape)
        } catch {
            throw .weights(path: path, error)
        }
        release(name)
        return values
    }

    private func checkFinite(_ values: UnsafeBufferPointer<Float>, of name: String) throws(ModelError) {
        guard let index = firstBeyond(.greatestFiniteMagnitude, in: values) else { return }
        throw .weightNotFinite(path: path, tensor: name, index: index, value: values[index])
    }

    /// Checks the weights of a product; those in half precision would become infinite beyond its range.
    private func checkWeights(_ values: UnsafeBufferPointer<Float>, of name: String) throws(ModelError) {
        try checkFinite(values, of: name)
        // The next value is rounded to infinity.
        let largest = Float(65520).nextDown
        guard storage == .float16, let index = firstBeyond(largest, in: values) else { return }
        throw .weightTooLargeForHalf(path: path, tensor: name, index: index, value: values[index])
    }

    func vector(_ name: String, count: Int) throws(ModelError) -> ConstantVector {
        ConstantVector(try tensor(name, shape: [count]))
    }

    func layerNorm(_ prefix: String, width: Int, epsilon: Double) throws(ModelError) -> LayerNorm {
        LayerNorm(
            weight: try vector(prefix + ".weight", count: width),
            bias: try vector(prefix + ".bias", count: width),
            width: width,
            epsilon: Float(epsilon)
        )
    }

    /// A linear map `prefix.weight`, `prefix.bias`, each output multiplied by `scale` where given.
    func linear(
        _ prefix: String,
        outputs: Int,
        inputs: Int,
        scale: [Float]? = nil
    ) throws(ModelError) -> Linear {
        let bias = try tensor(prefix + ".bias", shape: [outputs])
        guard let scale else {
            return try withTensor(prefix + ".weight", shape: [outputs, inputs]) { weight in
                Linear(
                    weight: weight,
                    bias: bias,
                    outputs: outputs,
                    inputs: inputs,
                    storage: storage,
                    product: product
                )
            }
        }
        var weight = try tensor(prefix + ".weight", shape: [outputs, inputs])
        for output in 0..<outputs {
            for index in output * inputs..<(output + 1) * inputs { weight[index] *= scale[output] }
        }
        try weight.withUnsafeBufferPointer { values throws(ModelError) in
            try checkWeights(values, of: prefix + ".weight")
        }
        let scaledBias = zip(bias, scale).map { $0 * $1 }
        return Linear(
            weight: weight,
            bias: scaledBias,
            outputs: outputs,
            inputs: inputs,
            storage: storage,
            product: product
        )
    }

    /// Several maps of the same input as one product, with their outputs in sequence.
    func fusedLinear(_ prefixes: [String], outputs: Int, inputs: Int) throws(ModelError) -> Linear {
        var weight: [Float] = []
        var bias: [Float] = []
        weight.reserveCapacity(prefixes.count * outputs * inputs)
        for prefix in prefixes {
            try withTensor(prefix + ".weight", shape: [outputs, inputs]) { values in
                weight.append(contentsOf: UnsafeBufferPointer(start: values, count: outputs * inputs))
            }
            bias += try tensor(prefix + ".bias", shape: [outputs])
        }
        return Linear(
            weight: weight,
            bias: bias,
            outputs: prefixes.count * outputs,
            inputs: inputs,
            storage: storage,
            product: product
        )
    }

    /// A dense convolution's kernels as a linear map of patch vectors, in the stored order (channel, row, column).
    func patchLinear(
        weight name: String,
        bias: String?,
        outputs: Int,
        channels: Int,
        kernel: Int
    ) throws(ModelError) -> Linear {
        var values: [Float]?
        if let bias { values = try tensor(bias, shape: [outputs]) }
        return try withTensor(name, shape: [outputs, channels, kernel, kernel]) { weight in
            let inputs = channels * kernel * kernel
            guard let values else {
                return Linear(
                    weight: weight,
                    bias: nil,
                    outputs: outputs,
                    inputs: inputs,
                    storage: storage,
                    product: product
                )
            }
            return Linear(
                weight: weight,
                bias: values,
                outputs: outputs,
                inputs: inputs,
                storage: storage,
                product: product
            )
        }
    }

    /// Passes a tensor's floats to `body`: the mapped ones if they are aligned floats, else a copy.
    private func withTensor<Result>(
        _ name: String,
        shape: [Int],
        _ body: (UnsafePointer<Float>) -> Result
    ) throws(ModelError) -> Result {
        if let entry = file.index.entries[name], entry.dtype == .float32, entry.shape == shape {
            let result: Result? = try file.withBytes(of: entry) { bytes throws(ModelError) in
                guard let start = bytes.baseAddress,
                    UInt(bitPattern: start).isMultiple(of: UInt(MemoryLayout<Float>.alignment))
                else { return nil }
                let values = start.assumingMemoryBound(to: Float.self)
                try checkWeights(UnsafeBufferPointer(start: values, count: bytes.count / 4), of: name)
                return body(values)
            }
            if let result {
                release(name)
                return result
            }
        }
        let values = try anyTensor(name, shape: shape)
        return try values.withUnsafeBufferPointer { buffer throws(ModelError) in
            try checkWeights(buffer, of: name)
            // Shapes of needed tensors are never empty, so the buffer has an address.
            guard let start = buffer.baseAddress else { preconditionFailure("\(name) is empty") }
            return body(start)
        }
    }

    /// Releases the mapped pages of a tensor; a later access would read the file again.
    private func release(_ name: String) {
        guard let entry = file.index.entries[name] else { return }
        file.withBytes(of: entry) { bytes in
            guard let start = bytes.baseAddress else { return }
            let page = UInt(sysconf(Int32(_SC_PAGESIZE)))
            let first = (UInt(bitPattern: start) + page - 1) / page * page
            let end = (UInt(bitPattern: start) + UInt(bytes.count)) / page * page
            guard end > first, let address = UnsafeMutableRawPointer(bitPattern: first) else { return }
            madvise(address, Int(end - first), MADV_DONTNEED)
        }
    }
}
