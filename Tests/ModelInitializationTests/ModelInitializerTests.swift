// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Foundation
import Glibc
import ModelInitialization
import TensorFiles
import Testing

/// Models of published sizes with random weights.
@Suite struct ModelInitializerTests {
    @Test(arguments: PublishedEncoder.all.map(\.name), PublishedDecoder.all.map(\.name))
    func publishedSizesAreValid(encoder: String, decoder: String) throws {
        let size = try #require(PublishedEncoder.all.first { $0.name == encoder })
        let shape = try #require(PublishedDecoder.all.first { $0.name == decoder })
        for isFirstEdition in [false, true] {
            let model = PublishedModel(encoder: size, decoder: shape, isFirstEdition: isFirstEdition)
            let configuration = try ModelConfiguration(json: Array(model.description.json.utf8))
            #expect(configuration.gridSide == size.inputSide / size.patchSide)
            #expect(configuration.outputSide == configuration.gridSide * shape.patchSide)
            #expect(configuration.decoder.transformer?.blocks.depth == shape.depth)
            #expect((configuration.frequency.bands != nil) == isFirstEdition)
        }
    }

    private func small(_ name: String, isFirstEdition: Bool = false, encoderDepth: Int = 1) throws -> PublishedModel {
        PublishedModel(
            encoder: try #require(PublishedEncoder.all.first { $0.name == name }),
            decoder: try #require(PublishedDecoder.all.first),
            isFirstEdition: isFirstEdition,
            depths: (encoder: encoderDepth, decoder: 1)
        )
    }

    @Test(arguments: ["dinov2-base", "dinov2-base first", "clip-large", "clip-large-336", "siglip2-base", "mae-base"])
    func aRandomModelLoadsAndRuns(name: String) throws {
        let words = name.split(separator: " ")
        let sizes = try small(String(words[0]), isFirstEdition: words.count == 2)
        let path = NSTemporaryDirectory() + "/uae-random-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        var shares: [Double] = []
        var initializer = ModelInitializer(sizes)
        try initializer.write(to: path) { shares.append($0) }
        #expect(shares == shares.sorted())
        #expect(shares.last == 1)
        let engine = try AutoencoderEngine(model: try AutoencoderModel(directory: path), threads: 2)
        let pixels = (0..<256 * 256 * 3).map { UInt8(truncatingIfNeeded: $0 * 31) }
        let plan = try engine.plan(AutoencoderTask(input: .pixels(pixels), outputs: [.latent, .image]))
        let made = try #require(engine.run([plan]).first).get()
        #expect(made.latent?.count == engine.model.configuration.latentCount)
        let side = engine.model.configuration.outputSide
        #expect(made.image?.count == side * side * 3)

        var again = ModelInitializer(sizes)
        #expect(throws: ModelInitializerError.alreadyThere(path: path + "/config.json")) { try again.write(to: path) }
    }

    @Test func aFullDiskIsNoticed() throws {
        let path = NSTemporaryDirectory() + "/uae-full-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: path + "/model.safetensors",
            withDestinationPath: "/dev/full"
        )
        var initializer = ModelInitializer(try small("siglip2-base"))
        let error = ModelInitializerError.file(.cannotWrite(path: path + "/model.safetensors", errno: ENOSPC))
        #expect(throws: error) { try initializer.write(to: path) }
        #expect(!FileManager.default.fileExists(atPath: path + "/config.json"))
    }

    @Test func depthsOutOfBoundsAreRefused() throws {
        var initializer = ModelInitializer(try small("siglip2-base", encoderDepth: 0))
        let error = ConfigurationError.outOfRange(path: "encoder.depth", value: 0, minimum: 1, maximum: 128)
        #expect(throws: ModelInitializerError.configuration(error)) { try initializer.write(to: "/nonexistent") }
    }

    @Test func aRandomModelNeedsAFolderThatCanBeMade() throws {
        var initializer = ModelInitializer(try small("clip-large"))
        #expect(throws: ModelInitializerError.cannotCreate(path: "/proc/none/there", errno: ENOENT)) {
            try initializer.write(to: "/proc/none/there")
        }
    }
}
