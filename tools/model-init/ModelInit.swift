// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Autoencoder
import Foundation
import ModelInitialization

/// `model-init`: a model of published size with random weights.
@main
struct ModelInit: ParsableCommand {
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
            FileHandle.standardError.write(Data("model-init: \(error)\n".utf8))
            throw ExitCode(73)
        }
        print(directory)
    }
}
