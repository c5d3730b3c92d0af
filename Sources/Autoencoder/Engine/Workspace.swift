// SPDX-License-Identifier: Apache-2.0

/// One worker's scratch memory: a stack of floats, allocated once, so that a request allocates nothing.
final class Workspace: @unchecked Sendable {
    // Sendable because one team member at a time owns it.
    private let base: UnsafeMutablePointer<Float>
    private let capacity: Int
    private var used = 0

    init(capacity: Int) {
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: max(capacity, 1) * MemoryLayout<Float>.stride,
            alignment: 64
        )
        base = memory.bindMemory(to: Float.self, capacity: max(capacity, 1))
        self.capacity = capacity
    }

    deinit {
        base.deallocate()
    }

    /// What `take(count)` uses up: a multiple of a cache line, so that two buffers never share one.
    static func span(_ count: Int) -> Int {
        (count + 15) / 16 * 16
    }

    /// Uninitialised floats that are valid until the enclosing `scope` ends.
    func take(_ count: Int) -> UnsafeMutablePointer<Float> {
        let end = used + Self.span(count)
        precondition(end <= capacity, "workspace of \(capacity) floats is too small for \(end)")
        defer { used = end }
        return base + used
    }

    /// Runs `body` and gives back what it took.
    func scope<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        let mark = used
        defer { used = mark }
        return try body()
    }
}
