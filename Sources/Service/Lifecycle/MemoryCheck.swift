// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// Whether there is memory for a model, asked before it is loaded: Swift ends the process where an allocation fails, and
/// the kernel does so beyond a container's limit, both without a line that helps.
enum MemoryCheck {
    /// Address space beside the weights: stacks, the allocator's arenas, a workspace a thread.
    private static let besides = 256 << 20

    /// - Parameter model: the model's folder.
    /// - Throws: `ServiceError.notEnoughMemory`.
    static func run(model: String) throws(ServiceError) {
        let weights = weightBytes(model)
        // Read and unpacked, they are there twice for a moment.
        let space = 2 * weights + besides
        let memory = mmap(nil, space, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let memory, memory != MAP_FAILED else {
            throw .notEnoughMemory(byteCount: space, limit: "the process's address space (ulimit -v)")
        }
        munmap(memory, space)
        if let limit = containerLimit(), limit < weights {
            throw .notEnoughMemory(byteCount: weights - limit, limit: "the container (\(limit >> 20) MB)")
        }
    }

    private static func weightBytes(_ model: String) -> Int {
        let files = FileManager.default.enumerator(atPath: model)?.compactMap { $0 as? String } ?? []
        return files.filter { $0.hasSuffix(".safetensors") }.reduce(0) { sum, file in
            var status = stat()
            return stat(model + "/" + file, &status) == 0 ? sum + Int(status.st_size) : sum
        }
    }

    /// The limit of cgroup v2 or v1; nil: none.
    private static func containerLimit() -> Int? {
        for path in ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"] {
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { continue }
            return Int(text.prefix { !$0.isWhitespace })
        }
        return nil
    }
}
