// SPDX-License-Identifier: Apache-2.0

/// Floats that never change after loading, at a fixed address and aligned for the widest vectors.
final class ConstantVector: @unchecked Sendable {
    // Sendable because the memory is written in `init` only.
    let pointer: UnsafePointer<Float>
    let count: Int

    init(_ values: [Float]) {
        let bytes = max(values.count, 1) * MemoryLayout<Float>.stride
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        let floats = memory.bindMemory(to: Float.self, capacity: max(values.count, 1))
        floats.initialize(repeating: 0, count: max(values.count, 1))
        values.withUnsafeBufferPointer { source in
            if let start = source.baseAddress { floats.update(from: start, count: source.count) }
        }
        pointer = UnsafePointer(floats)
        count = values.count
    }

    deinit {
        UnsafeMutableRawPointer(mutating: pointer).deallocate()
    }
}
