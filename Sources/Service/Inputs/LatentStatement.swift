// SPDX-License-Identifier: Apache-2.0

/// What a safetensors file of this service says of its latents: its metadata repeat the `UAE-Latent` header.
///
/// It decides where a shape alone could mean two layouts, and whether the numbers are normalised.
struct LatentStatement: Sendable {
    static let pooled = "pooled"

    /// One of ``LatentLayout``, or ``pooled``.
    let layout: String?
    let isNormalized: Bool?

    /// A file of another origin, which says nothing.
    static let none = LatentStatement(nil)

    /// - Parameter text: `layout=tokens, normalized=?1, ...`; unknown members are skipped.
    init(_ text: String?) {
        var members: [Substring: Substring] = [:]
        for member in (text ?? "").split(separator: ",").prefix(16) {
            let halves = member.split(separator: "=", maxSplits: 1)
            if halves.count == 2 { members[halves[0].trimmingSpaces] = halves[1].trimmingSpaces }
        }
        layout = members["layout"].map(String.init)
        isNormalized = members["normalized"].flatMap { $0 == "?1" ? true : $0 == "?0" ? false : nil }
    }
}
