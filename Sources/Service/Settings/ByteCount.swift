// SPDX-License-Identifier: Apache-2.0

/// Numbers of bytes as operators write them.
enum ByteCount {
    /// As in Kubernetes: `k`, `M`, `G` and `T` are powers of 1000, `Ki`, `Mi`, `Gi` and `Ti` of 1024; a `B` may follow.
    ///
    /// Lower-case `m` and `g` are refused: nginx and Docker mean powers of 1024 by them, Kubernetes thousandths.
    private static let units: [(suffix: String, factor: Int)] = [
        ("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30), ("Ti", 1 << 40),
        ("k", 1000), ("K", 1000), ("M", 1_000_000), ("G", 1_000_000_000), ("T", 1_000_000_000_000),
    ]

    /// - Returns: nil if the text is not a number of bytes.
    static func parse(_ text: String) -> Int? {
        if let plain = Int(strict: text) { return plain }
        var rest = Substring(text)
        if rest.hasSuffix("B") { rest.removeLast() }
        for (suffix, factor) in units where rest.hasSuffix(suffix) {
            guard let number = Int(strict: rest.dropLast(suffix.count).trimmingSpaces) else { return nil }
            let (product, overflows) = number.multipliedReportingOverflow(by: factor)
            return overflows ? nil : product
        }
        return nil
    }
}
