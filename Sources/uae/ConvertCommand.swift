// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CheckpointConversion
import Foundation
import Glibc
import HTTPTypes
import HTTPWire
import LocalFiles
import Service
import Synchronization

/// `uae convert`: a published checkpoint becomes a model folder.
struct ConvertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Convert a published checkpoint to a model folder.",
        discussion: """
            SOURCE is a folder with config.yaml, the root of the authors' repository (with --config), a YAML file, a \
            checkpoint (.pt or .safetensors, with --config), or a folder saved by diffusers' AutoencoderRAE. Nothing in \
            a checkpoint is executed. docs/models.md lists what converts.
            """
    )

    @Argument(help: "What to convert.")
    var source: String

    @Argument(help: ArgumentHelp("The model folder to write; must not exist, or be empty.", valueName: "model-dir"))
    var target: String

    @Option(name: .customLong("config"), help: "The authors' YAML, where SOURCE does not name it.")
    var configurationFile: String?

    @Option(help: "A checkpoint that replaces the YAML's ckpt; for a RAE also a decoder alone.")
    var checkpoint: String?

    @Option(help: "The model's name (default: MODEL_DIR's).")
    var name: String?

    @Option(help: "The model's revision (default: from the SHA-256 of the weights).")
    var revision: String?

    @Option(help: "A linear probe: safetensors with weight [classes, channels] and bias.")
    var head: String?

    @Option(help: "A text file with one category name per line, for --head.")
    var labels: String?

    @Option(help: "An image to encode and decode with the result; prints the PSNR.")
    var verify: String?

    func validate() throws {
        if labels != nil, head == nil { throw ValidationError("--labels needs --head.") }
        for (name, value) in [("SOURCE", source), ("MODEL_DIR", target), ("--name", name), ("--revision", revision)]
        where value?.isEmpty ?? false {
            throw ValidationError("\(name) is empty.")
        }
    }

    func run() async throws {
        try await CommandFailure.reported(convert)
    }

    private func convert() async throws {
        // Before minutes are spent on the conversion.
        let image = try verify.map { path in
            guard let data = FileManager.default.contents(atPath: path) else {
                throw CommandFailure("--verify: \(path) cannot be read.", exitCode: 66)
            }
            return [UInt8](data)
        }
        var request = ConversionRequest(source: source)
        request.configuration = configurationFile
        request.checkpoint = checkpoint
        request.name = name
        request.revision = revision
        request.head = head
        request.labels = labels
        Interruption.begin()
        let report: ConversionReport
        do {
            report = try convertCheckpoint(request, to: target, isInterrupted: { Interruption.signal != nil })
        } catch {
            throw CommandFailure("\(error)", exitCode: Interruption.signal.map { 128 + $0 } ?? error.exitCode)
        }
        Interruption.end()
        try StandardOutput.writeLine(report.text)
        if let image { try StandardOutput.writeLine("verified: \(try await quality(of: image))") }
        try StandardOutput.writeLine("next: uae serve --model \(target)")
    }

    /// Encodes and decodes an image with the new model.
    private func quality(of image: [UInt8]) async throws -> String {
        var configuration = ServiceConfiguration()
        configuration.model = target
        do {
            let session = try OfflineSession(configuration)
            let response = try await session.response(of: "decode", to: image, parameters: [])
            let field = HTTPField.Name("UAE-Quality").flatMap { response.fields[$0] }
            return field ?? "decoded; no PSNR, because the model's images come out at another size than they go in"
        } catch let problem as Problem {
            throw CommandFailure("\(target) is written. --verify: the image: \(problem.detail)", exitCode: 65)
        } catch {
            throw CommandFailure("\(target) is written. --verify: \(error)", exitCode: 70)
        }
    }
}

/// Remembers a signal that asks a command to end, instead of ending it between two steps of its work.
private enum Interruption {
    private static let received = Atomic<Int32>(0)
    private static let signals = [SIGINT, SIGTERM, SIGHUP]

    /// The signal that came; nil: none yet.
    static var signal: Int32? {
        let number = received.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    static func begin() {
        // Initialises the global before a handler may store to it.
        _ = received.load(ordering: .relaxed)
        for number in signals { Glibc.signal(number) { Interruption.received.store($0, ordering: .relaxed) } }
    }

    /// Signals end the process again.
    static func end() {
        for number in signals { Glibc.signal(number, SIG_DFL) }
    }
}
