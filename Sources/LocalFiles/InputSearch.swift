// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The files that the arguments of a command name, and what its folders hold besides.
///
/// Folders are searched recursively, in order of name. Links are followed, but no folder is searched twice: a link to a
/// folder above would never end. Memory grows with the number of files, some hundred bytes for each.
package struct InputSearch: Sendable {
    package private(set) var files: [InputFile] = []
    /// Files that are not inputs, by their extension.
    package private(set) var others: [String: Int] = [:]
    /// Names that start with a dot, such as `.git` and the `._photo.jpg` of macOS.
    package private(set) var hiddenCount = 0
    /// FIFOs, devices, links that lead nowhere, names that are not UTF-8.
    package private(set) var unusableCount = 0
    /// Folders that a link reaches again.
    package private(set) var repeatedFolders = 0
    package private(set) var failures: [LocalFileError] = []
    /// Whether all arguments together can have more than one result.
    package let isSeveral: Bool

    private let extensions: Set<String>
    private var searched: Set<FileIdentity> = []

    /// - Parameters:
    ///   - paths: files, folders, and `-` for standard input.
    ///   - extensions: those of the files that folders are searched for, in lower case.
    /// - Throws: `LocalFileError.missingInput`.
    package init(_ paths: [String], extensions: Set<String>) throws(LocalFileError) {
        self.extensions = extensions
        var folders = 0
        var statuses: [stat?] = []
        for path in paths {
            let status = path == "-" ? nil : FilePath.status(path)
            if path != "-", status == nil { throw .missingInput(path: path, errno: errno) }
            if status?.kind == .folder { folders += 1 }
            statuses.append(status)
        }
        isSeveral = folders > 0 || paths.count > 1
        for (path, status) in zip(paths, statuses) {
            if path == "-" {
                if !files.contains(.standardInput) { files.append(.standardInput) }
            } else if let status, status.kind == .folder {
                search(path, status)
            } else {
                files.append(InputFile(folder: nil, name: path))
            }
        }
    }

    private mutating func search(_ root: String, _ status: stat) {
        guard searched.insert(status.identity).inserted else {
            repeatedFolders += 1
            return
        }
        // A stack instead of recursion: folders may be nested deeply.
        var pending = [""]
        while let folder = pending.popLast() {
            let path = folder.isEmpty ? root : FilePath.join(root, folder)
            guard let names = names(in: path) else { continue }
            var folders: [String] = []
            for name in names {
                let relative = FilePath.join(folder, name)
                guard !name.hasPrefix(".") else {
                    hiddenCount += 1
                    continue
                }
                guard let status = FilePath.status(FilePath.join(root, relative)), status.kind != .other else {
                    unusableCount += 1
                    continue
                }
                if status.kind == .regular {
                    add(InputFile(folder: root, name: relative))
                } else if searched.insert(status.identity).inserted {
                    folders.append(relative)
                } else {
                    repeatedFolders += 1
                }
            }
            pending += folders.reversed()
        }
    }

    private mutating func add(_ file: InputFile) {
        let kind = FilePath.splitExtension(file.name).extension.lowercased()
        if extensions.contains(kind) {
            files.append(file)
        } else if others.count < 100 || others[kind] != nil {
            others[kind, default: 0] += 1
        } else {
            // So that a folder of files without a common naming needs no memory for each name.
            others["…", default: 0] += 1
        }
    }

    /// The sorted names in a folder; nil if it cannot be read, which is then a failure.
    private mutating func names(in path: String) -> [String]? {
        guard let folder = opendir(path) else {
            failures.append(.unreadable(path: path, errno: errno))
            return nil
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            guard let name = String(validating: bytes, as: UTF8.self) else {
                unusableCount += 1
                continue
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
