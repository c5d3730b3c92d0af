// SPDX-License-Identifier: Apache-2.0

import CheckpointConversion
import Foundation

/// A folder that is removed at the end of a test.
final class ScratchFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "checkpoints-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes a file and gives its path.
    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = path + "/" + name
        try Data(bytes).write(to: URL(filePath: file))
        return file
    }
}

extension CheckpointValue {
    /// As Python would show it, roughly; tensors by their shape.
    var text: String {
        switch self {
        case .none: "None"
        case .bool(let bool): bool ? "True" : "False"
        case .integer(let integer): "\(integer)"
        case .number(let number): "\(number)"
        case .text(let text): "'\(text)'"
        case .list(let values): "[" + values.map(\.text).joined(separator: ", ") + "]"
        case .dictionary(let members): "{" + members.map { "\($0.key): \($0.value.text)" }.joined(separator: ", ") + "}"
        case .tensor(let tensor): "\(tensor.elementType)\(tensor.shape)"
        case .other(let name): "<\(name)>"
        }
    }

    var members: [(key: String, value: CheckpointValue)] {
        guard case .dictionary(let members) = self else { return [] }
        return members
    }

    var tensor: StoredTensor? {
        guard case .tensor(let tensor) = self else { return nil }
        return tensor
    }
}

/// Reads a pickle whose storages are in memory.
func unpickle(
    _ pickle: [UInt8],
    storages: [String: [UInt8]] = [:],
    limits: Unpickler.Limits = Unpickler.Limits()
) throws(PickleError) -> CheckpointValue {
    let table = storages.mapValues { content in
        StoredBytes(file: inMemory(content), range: 0..<content.count)
    }
    var result: Result<CheckpointValue, PickleError>?
    pickle.withUnsafeBytes { bytes in
        result = Result { () throws(PickleError) in try Unpickler.read(bytes, storages: table, limits: limits) }
    }
    guard let result else { preconditionFailure("the closure runs") }
    return try result.get()
}

/// Reads a `.pt` in memory, called `a.pt` in messages.
func readTorch(_ archive: [UInt8]) throws(CheckpointFileError) -> CheckpointValue {
    try readTorchArchive(inMemory(archive), path: "a.pt")
}

private func inMemory(_ bytes: [UInt8]) -> FileBytes { bytes.withUnsafeBytes { FileBytes(copying: $0) } }

/// Little-endian bytes.
func bytes<Number: BitwiseCopyable>(_ values: [Number]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }
