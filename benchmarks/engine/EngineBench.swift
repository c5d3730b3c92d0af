// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Foundation
import FrequencyBands
import ImageCodec
import TensorKernels

/// Runs the engine, and measures the machine, on request.
///
/// Reads commands from standard input, one a line, and responds to each with one line, so that another program can let this
/// engine and its peers take turns. `run` and `save` work on what `load` read last.
///
///     load DIRECTORY float32|float16 THREADS packed|openblas|auto
///                                                 seconds to load and to warm up, resident bytes, the product in use
///                                                 and, of `auto`, how many times as fast as the other it was
///     input pixels|latent FILE                    raw bytes of one image, or raw floats of one latent
///     run encode|decode|classify BATCH COUNT      seconds of each of COUNT calls
///     save encode|decode|classify FILE            writes the first result as raw floats
///     picture FILE COUNT                          seconds from an image's bytes to what the encoder sees, COUNT times
///     latent FILE COUNT                           seconds from an image's bytes to its latent, COUNT times
///     limit THREADS                               multiply-adds in registers alone, GFLOP/s
///     openblas ROWS OUTPUTS INPUTS                one thread's product, GFLOP/s
///     describe                                    instruction set, OpenBLAS' configuration
@main
struct EngineBench {
    private var engine: AutoencoderEngine?
    private var pixels: [UInt8] = []
    private var latent: [Float] = []

    static func main() {
        // Before a thread of the engine may read the environment that this changes.
        OpenBLAS.bindThreadCount()
        var bench = EngineBench()
        while let line = readLine() {
            let words = line.split(separator: " ").map(String.init)
            let response = Result { try bench.response(to: words) }
            switch response {
            case .success(let text): write(text)
            case .failure(let error): write("error \(error)")
            }
        }
    }

    /// Past the standard output's buffer, as somebody waits at the other end.
    private static func write(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    private mutating func response(to words: [String]) throws -> String {
        switch (words.first, words.count) {
        case ("load", 5):
            return try load(words[1], storage: words[2], threads: try number(words[3]), products: words[4])
        case ("input", 3): return try readInput(words[1], path: words[2])
        case ("run", 4): return try run(words[1], batch: try number(words[2]), count: try number(words[3]))
        case ("save", 3): return try save(words[1], path: words[2])
        case ("picture", 3): return try image(words[1], count: try number(words[2]))
        case ("latent", 3): return try latent(words[1], count: try number(words[2]))
        case ("limit", 2): return limit(threads: try number(words[1]))
        case ("openblas", 4):
            return try openBLAS(rows: try number(words[1]), outputs: try number(words[2]), inputs: try number(words[3]))
        case ("describe", 1): return "\(KernelSet.best.name); \(try OpenBLAS().configuration)"
        default: throw CommandError.notUnderstood(words.joined(separator: " "))
        }
    }

    // MARK: The engine

    private mutating func load(
        _ directory: String,
        storage: String,
        threads: Int,
        products: String
    ) throws -> String {
        guard let storage = ["float32": WeightStorage.float32, "float16": .float16][storage] else {
            throw CommandError.notUnderstood(storage)
        }
        guard let products = MatrixProductSetting(rawValue: products) else {
            throw CommandError.notUnderstood(products)
        }
        // The old engine's memory goes first.
        engine = nil
        let start = now()
        let model = try AutoencoderModel(directory: directory, storage: storage, products: products)
        let engine = try AutoencoderEngine(model: model, threads: threads)
        let loaded = now()
        try engine.warmUp(batch: 1)
        self.engine = engine
        let ratio = model.products.trial.map { " \($0.ratio)" } ?? ""
        return "\(loaded - start) \(now() - loaded) \(residentBytes) \(model.products.product.name)\(ratio)"
    }

    private mutating func readInput(_ kind: String, path: String) throws -> String {
        let data = try Data(contentsOf: URL(filePath: path))
        switch kind {
        case "pixels": pixels = [UInt8](data)
        case "latent":
            latent = data.withUnsafeBytes { bytes in
                (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
            }
        default: throw CommandError.notUnderstood(kind)
        }
        return "ok"
    }

    private func task(_ operation: String) throws -> AutoencoderTask {
        guard let model = engine?.model else { throw CommandError.nothingLoaded }
        switch operation {
        case "encode":
            var task = AutoencoderTask(input: .pixels(pixels), outputs: .latent)
            task.cut = model.configuration.frequency.split.map(CoefficientCut.split)
            return task
        case "classify":
            var task = AutoencoderTask(input: .pixels(pixels), outputs: .logits)
            task.cut = model.configuration.frequency.split.map(CoefficientCut.split)
            return task
        case "decode": return AutoencoderTask(input: .latent(latent), outputs: .reconstruction)
        default: throw CommandError.notUnderstood(operation)
        }
    }

    private func run(_ operation: String, batch: Int, count: Int) throws -> String {
        guard let engine else { throw CommandError.nothingLoaded }
        let tasks = [AutoencoderTask](repeating: try task(operation), count: batch)
        var seconds: [String] = []
        for _ in 0..<count {
            let start = now()
            let results = engine.run(try tasks.map(engine.plan))
            seconds.append(String(now() - start))
            for result in results { _ = try result.get() }
        }
        return seconds.joined(separator: " ")
    }

    private func save(_ operation: String, path: String) throws -> String {
        guard let engine, let outcome = engine.run([try engine.plan(try task(operation))]).first else {
            throw CommandError.nothingLoaded
        }
        let result = try outcome.get()
        let values = result.logits ?? result.reconstruction ?? result.latent ?? []
        try values.withUnsafeBytes { try Data($0).write(to: URL(filePath: path)) }
        return "ok"
    }

    // MARK: Images

    private func image(_ path: String, count: Int) throws -> String {
        guard let model = engine?.model else { throw CommandError.nothingLoaded }
        return try time(count, path) { bytes in
            let input = try model.encoderInput(of: pixels(of: bytes, model))
            guard !input.isEmpty else { throw CommandError.nothingLoaded }
        }
    }

    /// What a service does for a request, without the service.
    private func latent(_ path: String, count: Int) throws -> String {
        guard let engine else { throw CommandError.nothingLoaded }
        return try time(count, path) { bytes in
            var task = AutoencoderTask(input: .pixels(try pixels(of: bytes, engine.model)), outputs: .latent)
            task.cut = engine.model.configuration.frequency.split.map(CoefficientCut.split)
            for result in engine.run([try engine.plan(task)]) { _ = try result.get() }
        }
    }

    private func pixels(of bytes: Data, _ model: AutoencoderModel) throws -> [UInt8] {
        let limits = ImageLimits(maximumPixels: 64_000_000)
        let side = model.configuration.imageSide
        return try bytes.withUnsafeBytes { try decodeCenterCropped($0, to: side, limits: limits, exif: .apply).pixels }
    }

    private func time(_ count: Int, _ path: String, _ body: (Data) throws -> Void) throws -> String {
        let bytes = try Data(contentsOf: URL(filePath: path))
        var seconds: [String] = []
        for _ in 0..<count {
            let start = now()
            try body(bytes)
            seconds.append(String(now() - start))
        }
        return seconds.joined(separator: " ")
    }

    // MARK: The machine

    private func limit(threads: Int) -> String {
        let rounds = 4_000_000
        let team = ComputeTeam(size: threads)
        let operations = Double(2 * 12 * KernelSet.best.lanes * rounds * threads)
        let start = now()
        team.forEach(threads) { _, _ in _ = KernelSet.best.multiplyAddsInRegisters(rounds: rounds) }
        return String(operations / (now() - start) / 1e9)
    }

    private func openBLAS(rows: Int, outputs: Int, inputs: Int) throws -> String {
        let library = try OpenBLAS()
        let x = [Float](repeating: 0.5, count: rows * inputs)
        let weight = [Float](repeating: 0.25, count: outputs * inputs)
        let operations = 2 * Double(rows) * Double(outputs) * Double(inputs)
        let repeats = max(1, Int(1e10 / operations))
        var seconds = 0.0
        _ = [Float](unsafeUninitializedCapacity: rows * outputs) { out, count in
            guard let out = out.baseAddress else { return }
            x.withUnsafeBufferPointer { x in
                weight.withUnsafeBufferPointer { weight in
                    guard let x = x.baseAddress, let weight = weight.baseAddress else { return }
                    let multiply = {
                        library.product(
                            x,
                            inputStride: inputs,
                            weight,
                            rows: rows,
                            outputs: outputs,
                            inputs: inputs,
                            into: out,
                            outputStride: outputs
                        )
                    }
                    multiply()
                    let start = now()
                    for _ in 0..<repeats { multiply() }
                    seconds = (now() - start) / Double(repeats)
                }
            }
            count = rows * outputs
        }
        return String(operations / seconds / 1e9)
    }
}

/// A command that cannot be carried out.
enum CommandError: Error {
    case notUnderstood(String)
    case nothingLoaded
}

private func number(_ word: String) throws -> Int {
    guard let number = Int(word), number > 0 else { throw CommandError.notUnderstood(word) }
    return number
}

/// Seconds of the clock on the wall.
private func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

private var residentBytes: Int {
    let fields = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ") ?? []
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
}
