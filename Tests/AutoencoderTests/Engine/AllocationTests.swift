// SPDX-License-Identifier: Apache-2.0

import AllocationCounter
import Autoencoder
import ConvertedModels
import Fixtures
import TensorKernels
import Testing

/// What a warm engine allocates for a request: its results, and a little to keep its books.
@Suite struct AllocationTests {
    @Test(
        arguments: [
            "models/all-layers", "models/fft-bands", "models/packing", "golden/dinov2/model", "first-edition/k4",
        ],
        [MatrixProductSetting.packed, .openblas]
    )
    func networksAllocateNothing(folder: String, products: MatrixProductSetting) throws {
        let isConverted = folder.hasPrefix("first-edition")
        let model = try AutoencoderModel(
            directory: isConverted ? try ConvertedModels.folder(folder) : Fixtures.path(folder),
            products: products
        )
        let engine = try AutoencoderEngine(model: model, threads: 1)
        let configuration = model.configuration
        let pixels = [UInt8](repeating: 90, count: configuration.imageSide * configuration.imageSide * 3)
        let tasks = [
            AutoencoderTask(input: .pixels(pixels), outputs: .latent),
            AutoencoderTask(
                input: .latent([Float](repeating: 0.5, count: configuration.latentCount)),
                outputs: .image
            ),
            AutoencoderTask(input: .pixels(pixels), outputs: .contribution),
        ]
        for task in tasks {
            for result in engine.run([try engine.plan(task)]) { _ = try result.get() }
            allocation_count_begin()
            let results = engine.run([try engine.plan(task)])
            let counted = allocation_count_end()
            let result = try #require(try results.first?.get())
            let bytes = 4 * (result.latent?.count ?? 0) + (result.image?.count ?? 0)
            guard counted.count >= 0 else { continue }
            #expect(counted.count > 0, "results are allocated, so nothing was counted")
            #expect(counted.count <= 12, "\(counted)")
            #expect(counted.bytes - bytes < 1024, "\(counted)")
        }
    }
}
