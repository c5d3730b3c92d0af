// SPDX-License-Identifier: Apache-2.0

import TensorFiles

/// Normalisation statistics as in a model folder: mean and variance `[channels, side, side]`.
struct StatisticsSource {
    var mean: [Float]
    var variance: [Float]
    /// Added to the variance before the square root.
    var epsilon: Double
    /// The note for a missing tensor and its replacement.
    var notes: [String] = []

    /// Which rule a file's axes follow.
    enum Edition {
        /// Broadcast from the right onto `[1, channels, side, side]`; a mean that is not there is 0, a variance 1.
        case dct
        /// Broadcast from the right onto tokens `[1, side², channels]`.
        case dctTokens
        /// Five shapes, and no statistics at all unless both are there.
        case first
    }

    /// Reads `mean` and `var` of a file of statistics.
    ///
    /// - Returns: nil if the edition treats the file as having none.
    init?(
        path: String,
        edition: Edition,
        channels: Int,
        side: Int,
        epsilon: Double
    ) throws(ConversionError) {
        let root: CheckpointValue
        do {
            root = try CheckpointFile(path: path).root
        } catch {
            throw .file(error)
        }
        let mean = try Self.tensor("mean", in: root, path: path)
        let variance = try Self.tensor("var", in: root, path: path)
        guard mean != nil || variance != nil else { throw .statisticsMissing(path: path) }
        if edition == .first, mean == nil || variance == nil { return nil }
        self.epsilon = epsilon
        let layout = Layout(edition: edition, channels: channels, side: side)
        let count = channels * side * side
        if let mean {
            self.mean = try layout.map(mean, named: "mean", path: path)
        } else {
            self.mean = [Float](repeating: 0, count: count)
            notes.append("The statistics have no mean; 0 is used, as the authors' code does.")
        }
        if let variance {
            self.variance = try layout.map(variance, named: "var", path: path)
        } else {
            self.variance = [Float](repeating: 1, count: count)
            notes.append("The statistics have no variance; 1 is used (the authors' code fails on such a file).")
        }
        self = try checked(path: path)
    }

    init(mean: [Float], variance: [Float], epsilon: Double) {
        self.mean = mean
        self.variance = variance
        self.epsilon = epsilon
    }

    /// Refuses values that no latent has.
    ///
    /// - Throws: `.statisticsInvalid`.
    func checked(path: String) throws(ConversionError) -> StatisticsSource {
        if let index = mean.firstIndex(where: { !$0.isFinite }) {
            throw .statisticsInvalid(path: path, tensor: "mean", index: index, value: mean[index])
        }
        let offset = Float(epsilon)
        if let index = variance.firstIndex(where: { !($0 >= 0 && $0.isFinite && $0 + offset > 0) }) {
            throw .statisticsInvalid(path: path, tensor: "var", index: index, value: variance[index])
        }
        return self
    }

    /// Broadcasts a tensor from the right onto `[channels, side, side]`.
    ///
    /// - Throws: `.statisticsShape`.
    static func map(
        _ tensor: StoredTensor,
        named name: String,
        path: String,
        channels: Int,
        side: Int
    ) throws(ConversionError) -> [Float] {
        try Layout(edition: .dct, channels: channels, side: side).map(tensor, named: name, path: path)
    }

    private static func tensor(
        _ name: String,
        in root: CheckpointValue,
        path: String
    ) throws(ConversionError) -> StoredTensor? {
        switch root[name] {
        case nil, .some(.none): return nil
        case .tensor(let tensor)?: return tensor
        case .some: throw .statisticsType(path: path, tensor: name)
        }
    }

    /// Brings a tensor to `[channels, side, side]`.
    private struct Layout {
        let edition: Edition
        let channels: Int
        let side: Int

        func map(_ tensor: StoredTensor, named name: String, path: String) throws(ConversionError) -> [Float] {
            let (c, s) = (channels, side)
            let mapped: [Float]?
            let allowed: [String]
            switch edition {
            case .dct:
                mapped = Self.broadcast(tensor, onto: [c, s, s])
                allowed = ["[\(c), \(s), \(s)]", "[\(c), 1, 1]", "[1]", "or another that broadcasts to it"]
            case .dctTokens:
                mapped = Self.broadcast(tensor, onto: [s * s, c]).map(transposed)
                allowed = ["[\(s * s), \(c)]", "[\(c)]", "[1]", "or another that broadcasts to it"]
            case .first:
                switch tensor.shape {
                case [c, s, s], [1, c, s, s]: mapped = tensor.floats()
                case [c]: mapped = tensor.floats().flatMap { [Float](repeating: $0, count: s * s) }
                case [s * s, c], [s, s, c]: mapped = transposed(tensor.floats())
                default: mapped = nil
                }
                allowed = [
                    "[\(c)]", "[\(s * s), \(c)]", "[\(s), \(s), \(c)]", "[\(c), \(s), \(s)]", "[1, \(c), \(s), \(s)]",
                ]
            }
            guard let mapped else {
                throw .statisticsShape(path: path, tensor: name, found: tensor.shape, allowed: allowed)
            }
            return mapped
        }

        /// `[side², channels]` to `[channels, side²]`.
        private func transposed(_ tokens: [Float]) -> [Float] {
            let count = side * side
            var map = [Float](repeating: 0, count: tokens.count)
            for token in 0..<count {
                for channel in 0..<channels { map[channel * count + token] = tokens[token * channels + channel] }
            }
            return map
        }

        /// As PyTorch broadcasts: axes are matched from the right, and an axis of 1 is repeated.
        ///
        /// - Returns: nil where the shapes do not go together, or where the result would have another shape.
        private static func broadcast(_ tensor: StoredTensor, onto shape: [Int]) -> [Float]? {
            var source = tensor.shape
            // The batch axis.
            while source.count > shape.count, source.first == 1 { source.removeFirst() }
            guard source.count <= shape.count else { return nil }
            source = [Int](repeating: 1, count: shape.count - source.count) + source
            guard zip(source, shape).allSatisfy({ $0 == $1 || $0 == 1 }) else { return nil }
            let values = tensor.floats()
            var strides = [Int](repeating: 0, count: shape.count)
            var stride = 1
            for axis in shape.indices.reversed() {
                strides[axis] = source[axis] == 1 ? 0 : stride
                stride *= source[axis]
            }
            return (0..<shape.reduce(1, *)).map { place in
                var (rest, index) = (place, 0)
                for axis in shape.indices.reversed() {
                    index += rest % shape[axis] * strides[axis]
                    rest /= shape[axis]
                }
                return values[index]
            }
        }
    }
}
