// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Foundation
import Glibc

/// Checks at start that the process may use the memory and descriptors that a model needs.
///
/// Otherwise Swift ends the process at a failed allocation, Dispatch at a missing descriptor, and the kernel at a
/// container's limit, all without a useful message.
package enum ProcessLimits {
    /// Those of the event loops, of Dispatch and of the log, and some connections.
    private static let descriptors = 32
    /// Address space in addition to the weights: stacks, arenas of the allocator, a workspace per thread.
    private static let overhead = 256 << 20

    /// - Parameter model: the model's folder.
    /// - Throws: `ServiceError.notEnoughMemory`, `.tooFewDescriptors`.
    package static func check(model: String) throws(ServiceError) {
        var files = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files) == 0, files.rlim_cur < descriptors {
            throw .tooFewDescriptors(limit: Int(files.rlim_cur), needed: descriptors)
        }
        let weights = weightBytes(model)
        // Address space holds the mapped file and the weights as they are packed from it; memory holds them once.
        let space = 2 * weights + overhead
        let memory = mmap(nil, space, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let memory, memory != MAP_FAILED else {
            throw .notEnoughMemory(byteCount: space, limit: "the process's address space (ulimit -v)")
        }
        munmap(memory, space)
        if let limit = containerLimit(), limit < weights {
            throw .notEnoughMemory(byteCount: weights - limit, limit: "the container (\(limit >> 20) MB)")
        }
    }

    /// Bytes that a model may take: the smaller of the machine's memory and the container's limit.
    static var memoryLimit: Int { min(PhysicalMemory.byteCount, containerLimit() ?? .max) }

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
