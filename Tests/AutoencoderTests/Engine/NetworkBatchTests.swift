// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import ConvertedModels
import Fixtures
import Foundation
import TensorKernels
import Testing

/// The networks on a batch: an image's result does not depend on its neighbours.
@Suite struct NetworkBatchTests {
    static let folders = [
        "Tests/Fixtures/data/golden/dinov2/model", "Tests/Fixtures/data/golden/clip/model",
        "Tests/Fixtures/data/golden/siglip2/model", "mae", "first-edition/k4", "models/default",
        "Tests/Fixtures/data/models/all-layers", "Tests/Fixtures/data/models/fft-bands",
    ]

    @Test(arguments: folders, [1, 3])
    func aBatchEqualsItsImagesToTheBit(folder: String, threads: Int) throws {
        let isInRepository = folder.contains("models/") || folder.hasSuffix("/model")
        let directory =
            isInRepository ? Fixtures.repository.path() + folder : try ConvertedModels.folder(folder)
        let model = try AutoencoderModel(directory: directory)
        let team = ComputeTeam(size: threads)
        let configuration = model.configuration
        var random = SeededGenerator(state: 11)
        let images = (0..<3).map { _ in
            (0..<configuration.imageSide * configuration.imageSide * 3).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
        }
        var latents = model.latents(ofBatch: images, team: team)
        #expect(latents == images.flatMap { model.latents(ofBatch: [$0]) })
        let engine = try AutoencoderEngine(model: model, threads: 1)
        let first = try engine.result(AutoencoderTask(input: .pixels(images[0]), outputs: .latent)).latent
        #expect(first == Array(latents[..<configuration.latentCount]))

        // The second is empty, which takes a way of its own through a packing model's decoder.
        let size = configuration.latentCount
        for index in size..<2 * size { latents[index] = 0 }
        let singles = (0..<3).map { Array(latents[$0 * size..<($0 + 1) * size]) }
        #expect(
            model.reconstructions(ofBatch: latents, team: team)
                == singles.flatMap { model.reconstructions(ofBatch: $0) }
        )
        guard model.hasHead else { return }
        #expect(model.logits(ofBatch: latents, team: team) == singles.flatMap { model.logits(ofBatch: $0) })
    }
}
