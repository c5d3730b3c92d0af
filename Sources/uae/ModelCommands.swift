// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Autoencoder
import Foundation
import Service

/// `uae info`: the content of `/info`.
struct InfoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "info", abstract: "Describe a model as JSON.")

    @Option(help: "Model folder.")
    var model = ProcessInfo.processInfo.environment["UAE_MODEL"] ?? "models/default"

    func run() async throws {
        var configuration = ServiceConfiguration()
        configuration.model = model
        do {
            print(String(decoding: try OfflineSession(configuration).info.text, as: UTF8.self))
        } catch {
            FileHandle.standardError.write(Data("uae: \(error)\n".utf8))
            throw ExitCode(error.exitCode)
        }
    }
}

/// `uae model-init`: a model of published size with random weights.
struct ModelInitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model-init",
        abstract: "Write a model folder of a published size with random weights, to test and measure with."
    )

    @Option(help: "Encoder: \(PublishedEncoder.all.map(\.name).joined(separator: ", ")).")
    var family: String

    @Option(help: "Decoder: \(PublishedDecoder.all.map(\.name).joined(separator: ", ")).")
    var decoder = "ViTXL"

    @Option(help: "Side in pixels of the encoder's input, a multiple of its patch side; default: the encoder's own.")
    var inputSide: Int?

    @Flag(help: "The paper's first edition: two FFT bands, mixed and denoised inside the encoder.")
    var firstEdition = false

    @Argument(help: "The folder to write; made if it is not there.")
    var directory: String

    func run() throws {
        guard let encoder = PublishedEncoder.all.first(where: { $0.name == family }) else {
            throw ValidationError(
                "there is no family '\(family)'; there are \(PublishedEncoder.all.map(\.name).joined(separator: ", "))"
            )
        }
        guard let size = PublishedDecoder.all.first(where: { $0.name == decoder }) else {
            throw ValidationError(
                "there is no decoder '\(decoder)'; there are \(PublishedDecoder.all.map(\.name).joined(separator: ", "))"
            )
        }
        if let inputSide, encoder.family == .clip, inputSide != encoder.inputSide {
            throw ValidationError("\(encoder.name) has a fixed input of \(encoder.inputSide) pixels")
        }
        var initializer = ModelInitializer(
            PublishedModel(encoder: encoder, decoder: size, inputSide: inputSide, isFirstEdition: firstEdition)
        )
        let showsProgress = isatty(STDERR_FILENO) == 1
        do {
            try initializer.write(to: directory) { share in
                guard showsProgress else { return }
                FileHandle.standardError.write(Data("\r\(Int(share * 100)) %".utf8))
            }
        } catch {
            FileHandle.standardError.write(Data("uae: \(error)\n".utf8))
            throw ExitCode(73)
        }
        print(directory)
    }
}

/// `uae health`: for containers, whose images have no curl.
struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Exit 0 if a server answers its probe with 200, else 1."
    )

    @Option(help: "The probe's address.")
    var url = "http://127.0.0.1:8080/health/ready"

    func run() async throws {
        guard let probe = HealthProbe(url: url) else { throw ValidationError("'\(url)' is not an http:// address") }
        guard probe.isHealthy(timeoutSeconds: 5) else { throw ExitCode.failure }
    }
}
