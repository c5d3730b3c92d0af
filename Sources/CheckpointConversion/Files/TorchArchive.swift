// SPDX-License-Identifier: Apache-2.0

import TensorFiles

/// Reads what `torch.save` wrote since torch 1.6: a zip archive of one folder, in it a pickle and the tensors' bytes.
///
/// - Parameters:
///   - file: the archive, which the tensors keep.
///   - path: for messages.
/// - Returns: the value that was saved.
/// - Throws: `.zip`, `.torchScript`, `.notTorch`, `.severalFolders`, `.byteOrder`, `.pickle`.
package func readTorchArchive(_ file: FileBytes, path: String) throws(CheckpointFileError) -> CheckpointValue {
    try file.withBytes { (bytes) throws(CheckpointFileError) in
        let entries: [ZipArchive.Entry]
        do throws(ZipError) {
            entries = try ZipArchive(bytes).entries
        } catch {
            throw .zip(path: path, error)
        }
        if let entry = entries.first(where: { isTorchScript($0.name) }) {
            throw .torchScript(path: path, entry: entry.name)
        }
        guard let pickle = entries.first(where: { parts($0.name).dropFirst() == ["data.pkl"] }) else {
            throw .notTorch(path: path, entryCount: entries.count)
        }
        let folder = String(pickle.name.dropLast("data.pkl".count))
        var storages: [String: StoredBytes] = [:]
        for entry in entries {
            guard entry.name.hasPrefix(folder) else {
                throw .severalFolders(path: path, String(folder.dropLast()), entry.name)
            }
            let name = entry.name.dropFirst(folder.count)
            if name == "byteorder" {
                let order = String(decoding: bytes[entry.data].prefix(64), as: UTF8.self)
                guard order == "little" else { throw .byteOrder(path: path, found: order) }
            } else if name.hasPrefix("data/") {
                storages[String(name.dropFirst("data/".count))] = StoredBytes(file: file, range: entry.data)
            }
        }
        do throws(PickleError) {
            return try Unpickler.read(UnsafeRawBufferPointer(rebasing: bytes[pickle.data]), storages: storages)
        } catch {
            throw .pickle(path: path, error)
        }
    }
}

private func parts(_ name: String) -> [Substring] { name.split(separator: "/", omittingEmptySubsequences: false) }

private func isTorchScript(_ name: String) -> Bool {
    let inside = parts(name).dropFirst()
    return inside == ["constants.pkl"] || (inside.first == "code" && inside.count > 1)
}
