// SPDX-License-Identifier: Apache-2.0

import CheckpointConversion

extension FuzzTarget {
    /// A whole `.pt` file if the first byte is a zip archive's, otherwise a pickle with a table of storages.
    static func torch(_ bytes: UnsafeRawBufferPointer) {
        if bytes.first == UInt8(ascii: "P") {
            check(try? readTorchArchive(FileBytes(copying: bytes), path: "fuzz.pt"))
            return
        }
        let storages = [0, 4, 64].map { count in
            let content = [UInt8](repeating: 1, count: count)
            return StoredBytes(file: content.withUnsafeBytes { FileBytes(copying: $0) }, range: 0..<count)
        }
        var limits = Unpickler.Limits()
        limits.values = 100_000
        check(
            try? Unpickler.read(
                bytes,
                storages: ["none": storages[0], "1": storages[1], "0": storages[2]],
                limits: limits
            )
        )
    }

    /// Walks through a value as a converter would, and reads its tensors.
    private static func check(_ value: CheckpointValue?, depth: Int = 0) {
        precondition(depth <= Unpickler.Limits().depth)
        switch value {
        case .list(let values): for value in values { check(value, depth: depth + 1) }
        case .dictionary(let members):
            precondition(Set(members.map(\.key)).count == members.count)
            for (_, value) in members { check(value, depth: depth + 1) }
        case .tensor(let tensor):
            guard tensor.count <= 1 << 12 else { return }
            var count = 0
            tensor.forEachPiece(100) { count += $0.count }
            precondition(count == tensor.count)
        case nil, .some(.none), .bool, .integer, .number, .text, .other: break
        }
    }
}
