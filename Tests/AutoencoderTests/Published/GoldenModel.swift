// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Fixtures
import TensorFiles
import TensorKernels
import Testing

/// A golden model folder and the authors' results for its photo.
struct GoldenModel: Sendable, CustomTestStringConvertible {
    let family: String
    let photo: String
    var products = MatrixProductSetting.packed

    static let all = [
        GoldenModel(family: "dinov2", photo: "chelsea"),
        GoldenModel(family: "clip", photo: "china"),
        GoldenModel(family: "siglip2", photo: "rocket"),
    ]

    /// Each model under both matrix products.
    static let underBothProducts =
        all
        + all.map { golden in
            var golden = golden
            golden.products = .openblas
            return golden
        }

    var testDescription: String { "\(family), \(products)" }
    var directory: String { Fixtures.path("golden/\(family)/model") }

    func expected() throws -> SafetensorsFile {
        try SafetensorsFile(path: Fixtures.path("golden/\(family)/expected-\(photo).safetensors"))
    }

    func engine(threads: Int = 2) throws -> AutoencoderEngine {
        try AutoencoderEngine(model: try AutoencoderModel(directory: directory, products: products), threads: threads)
    }
}

extension SafetensorsFile {
    /// The values of a tensor of any shape.
    func values(_ name: String) throws -> [Float] {
        try floats(name, shape: try #require(shape(of: name)))
    }

    /// The bytes of a tensor of bytes.
    func bytes(_ name: String) throws -> [UInt8] {
        withBytes(of: try #require(index.entries[name])) { [UInt8]($0) }
    }
}

extension AutoencoderEngine {
    /// Runs one task that must succeed.
    func result(_ task: AutoencoderTask) throws -> AutoencoderResult {
        try #require(run([plan(task)]).first).get()
    }
}

/// The largest absolute difference; infinite if the counts differ or something is not a number.
func largestDifference(_ first: [Float]?, _ second: [Float]) -> Float {
    guard let first, first.count == second.count else { return .infinity }
    var largest: Float = 0
    for (one, other) in zip(first, second) {
        guard one.isFinite, other.isFinite else { return .infinity }
        largest = max(largest, abs(one - other))
    }
    return largest
}
