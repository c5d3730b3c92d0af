// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Fixtures
import Foundation
import FrequencyBands
import TensorFiles
import TensorKernels
import Testing

/// The model in `models/default` against results that its training framework computed.
@Suite struct DefaultModelTests {
    let expected: SafetensorsFile

    private func engine(_ products: MatrixProductSetting = .packed) throws -> AutoencoderEngine {
        let directory = Fixtures.repository.appending(path: "models/default").path()
        return try AutoencoderEngine(model: try AutoencoderModel(directory: directory, products: products), threads: 2)
    }

    init() throws {
        expected = try SafetensorsFile(path: Fixtures.path("default-model/expected-chelsea.safetensors"))
    }

    @Test(
        arguments: [(name: "full", keep: nil), (name: "zigzag64", keep: 64)],
        [MatrixProductSetting.packed, .openblas]
    )
    func matchesItsReference(_ cut: (name: String, keep: Int?), products: MatrixProductSetting) throws {
        let engine = try engine(products)
        #expect(engine.model.products.product.name == products.rawValue)
        let (cut, keep) = cut
        var task = AutoencoderTask(
            input: .pixels(try expected.bytes("pixels")),
            outputs: [.latent, .reconstruction, .image, .logits]
        )
        task.cut = keep.map { .split(BandSplit(mode: .low, order: .zigzag, cutoff: .reorder1D, count: $0)) }
        let made = try engine.result(task)
        #expect(largestDifference(made.latent, try expected.values("latent.\(cut)")) < 2e-3)

        let reconstruction = try expected.values("recon.\(cut)")
        let image = try #require(made.image)
        #expect(made.imageSide == 224)
        var largest = 0
        for place in 0..<224 * 224 {
            for colour in 0..<3 {
                let value = min(max(reconstruction[colour * 224 * 224 + place], 0), 1) * 255
                largest = max(largest, abs(Int(image[place * 3 + colour]) - Int(value.rounded())))
            }
        }
        #expect(largest <= 1)

        let logits = try #require(made.logits)
        #expect(largestDifference(logits, try expected.values("logits.\(cut)")) < 1e-2)
        #expect(Self.topFive(logits) == Self.topFive(try expected.values("logits.\(cut)")))
    }

    @Test func namesTheCat() throws {
        let engine = try engine()
        let task = AutoencoderTask(input: .pixels(try expected.bytes("pixels")), outputs: .logits)
        let logits = try #require(try engine.result(task).logits)
        let labels = try #require(engine.model.labels)
        #expect(labels.count == 1000)
        #expect(Self.topFive(logits).map { labels[$0] }.contains { $0.contains("cat") || $0 == "tabby" })
    }

    private static func topFive(_ logits: [Float]) -> [Int] {
        [Int](logits.indices.sorted { logits[$0] > logits[$1] }.prefix(5))
    }
}
