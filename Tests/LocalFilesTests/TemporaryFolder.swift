// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// A folder of files for one test; removed at its end.
final class TemporaryFolder {
    let path: String

    init() {
        // Without links in it, so that canonical paths start alike.
        let base = URL(filePath: NSTemporaryDirectory()).resolvingSymlinksInPath().path()
        path = URL(filePath: base).appending(path: "uae-files-\(UUID().uuidString)").path()
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func callAsFunction(_ name: String) -> String { path + "/" + name }

    /// Writes a file; the folders above it are created.
    @discardableResult
    func add(_ name: String, _ text: String = "x") -> String {
        let folder = URL(filePath: self(name)).deletingLastPathComponent().path()
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try? text.write(toFile: self(name), atomically: false, encoding: .utf8)
        return self(name)
    }

    @discardableResult
    func link(_ name: String, to target: String) -> String {
        symlink(target, self(name))
        return self(name)
    }

    func text(_ name: String) -> String? { try? String(contentsOfFile: self(name), encoding: .utf8) }

    /// All names in the folder and below, sorted, folders with a slash.
    var tree: [String] {
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return names.map { name in
            var status = stat()
            lstat(self(name), &status)
            return status.st_mode & S_IFMT == S_IFDIR ? name + "/" : name
        }.sorted()
    }
}
