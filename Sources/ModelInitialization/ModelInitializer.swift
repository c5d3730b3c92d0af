// SPDX-License-Identifier: Apache-2.0

package import Autoencoder
import Foundation
package import TensorFiles

/// Why a random model cannot be written.
package enum ModelInitializerError: Error, Equatable {
    /// The folder already holds a model; nothing is overwritten.
    case alreadyThere(path: String)
    case cannotCreate(path: String, errno: Int32)
    case file(OutputFileError)
    case configuration(ConfigurationError)
}

extension ModelInitializerError: CustomStringConvertible {
    /// One sentence for the person who called.
    package var description: String {
        switch self {
        case .alreadyThere(let path): "\(path) is there already; nothing is overwritten."
        case .cannotCreate(let path, let code), .file(.cannotCreate(let path, let code)),
            .file(.cannotWrite(let path, let code)):
            "\(path): \(String(cString: strerror(code)))."
        case .configuration(let error): "There is no model of these sizes: \(error)."
        }
    }
}

/// Writes a model folder of a published size with random weights, for testing and measuring without the checkpoints.
///
/// The same seed gives the same bytes. Weights go to the disk piece by piece, so that memory stays small.
package struct ModelInitializer {
    private let model: PublishedModel
    private var generator: SplitMix64

    /// A writer of one model.
    ///
    /// - Parameters:
    ///   - model: its sizes.
    ///   - seed: for the random numbers.
    package init(_ model: PublishedModel, seed: UInt64 = 1) {
        self.model = model
        generator = SplitMix64(state: seed)
    }

    /// Writes `config.json` and `model.safetensors` into a folder, which is made if it is not there.
    ///
    /// - Parameters:
    ///   - directory: where to.
    ///   - progress: called with the share of the bytes written so far.
    /// - Throws: `ModelInitializerError`.
    package mutating func write(
        to directory: String,
        progress: (Double) -> Void = { _ in }
    ) throws(ModelInitializerError) {
        let json = model.description.json
        let configuration: ModelConfiguration
        do {
            configuration = try ModelConfiguration(json: Array(json.utf8))
        } catch {
            throw .configuration(error)
        }
        let configurationPath = directory + "/config.json"
        guard access(configurationPath, F_OK) != 0 else { throw .alreadyThere(path: configurationPath) }
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw .cannotCreate(path: directory, errno: errno)
        }

        do throws(OutputFileError) {
            try writeWeights(configuration, to: directory + "/model.safetensors", progress: progress)
            // Last, so that a folder with a configuration is complete.
            let file = try OutputFile(configurationPath)
            try file.write(Array(json.utf8))
            try file.close()
        } catch {
            throw .file(error)
        }
    }

    private mutating func writeWeights(
        _ configuration: ModelConfiguration,
        to path: String,
        progress: (Double) -> Void
    ) throws(OutputFileError) {
        // CLIP's table must fit its grid; the others are resized when they load.
        let storedGrid = model.encoder.family == .clip ? configuration.gridSide : model.encoder.storedGrid
        let tensors = configuration.tensors(storedGrid: storedGrid)
        let total = tensors.reduce(0) { $0 + $1.count }
        let file = try OutputFile(path)
        try file.write(
            safetensorsHeader(tensors.map { ($0.name, $0.shape, .float32) }, metadata: [("format", "random")])
        )
        var written = 0
        for tensor in tensors {
            try writeValues(of: tensor, to: file)
            written += tensor.count
            progress(Double(written) / Double(total))
        }
        try file.close()
    }

    private mutating func writeValues(of tensor: TensorDescription, to file: OutputFile) throws(OutputFileError) {
        if tensor.initialization == .sinCosPositions {
            try file.write(PositionEmbedding.sinCos(rows: tensor.shape[1], width: tensor.shape[2]))
            return
        }
        let piece = 1 << 20
        for start in stride(from: 0, to: tensor.count, by: piece) {
            try file.write(randomValues(min(piece, tensor.count - start), tensor.initialization))
        }
    }

    private mutating func randomValues(_ count: Int, _ initialization: TensorDescription.Initialization) -> [Float] {
        var (centre, deviation) = (Float(0), Float(0))
        switch initialization {
        case .spread(let value): deviation = Float(value)
        case .nearOne: (centre, deviation) = (1, 0.02)
        case .sinCosPositions: break
        }
        // A uniform variable on -1...1 has the standard deviation 1/sqrt(3).
        let reach = deviation * Float(3).squareRoot()
        return [Float](unsafeUninitializedCapacity: count) { values, filled in
            for index in 0..<count {
                let bits = Int32(truncatingIfNeeded: generator.next() >> 32)
                values[index] = centre + reach * (Float(bits) / 2_147_483_648)
            }
            filled = count
        }
    }
}

/// Steele, Lea and Flood's generator: small, fast, and the same everywhere.
private struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
