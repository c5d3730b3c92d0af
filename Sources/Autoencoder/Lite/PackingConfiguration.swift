// SPDX-License-Identifier: Apache-2.0

/// How an embedding and the image's own DCT coefficients share a latent's DCT coefficients.
///
/// Slots run along the model's coefficient order, within a coefficient along the channels. The first channels of each
/// coefficient hold the embedding, as many as `embeddingChannels` says; all other slots hold the image.
package struct PackingConfiguration: Sendable, Equatable {
    /// For each coefficient of the grid, lowest first; coefficients beyond the list hold none.
    package var embeddingChannels: [Int]

    /// Numbers in the embedding.
    package var embeddingCount: Int { embeddingChannels.reduce(0, +) }

    init(_ object: ConfigurationReader, channels: Int, gridSide: Int, imageSide: Int) throws(ConfigurationError) {
        var reader = object
        embeddingChannels = try reader.integers("embedding_channels", limit: gridSide * gridSide, in: 0...channels)
        try reader.finish()
        guard embeddingCount > 0 else { throw .empty(path: reader.path("embedding_channels")) }
        let (slots, numbers) = (channels * gridSide * gridSide - embeddingCount, 3 * imageSide * imageSide)
        guard slots <= numbers else { throw .tooMany(path: reader.path, count: slots, limit: numbers) }
    }

    /// Where the embedding's components and the image's coefficients lie.
    ///
    /// - Parameters:
    ///   - channels: of the latent.
    ///   - order: the grid's coefficients, lowest first.
    /// - Returns: flat places in `[channels, gridSide²]`, in the order of what lies there.
    func places(channels: Int, order: [Int]) -> (embedding: [Int], image: [Int]) {
        var (embedding, image): ([Int], [Int]) = ([], [])
        for (rank, coefficient) in order.enumerated() {
            let count = rank < embeddingChannels.count ? embeddingChannels[rank] : 0
            for channel in 0..<channels {
                let place = channel * order.count + coefficient
                if channel < count { embedding.append(place) } else { image.append(place) }
            }
        }
        return (embedding, image)
    }
}
