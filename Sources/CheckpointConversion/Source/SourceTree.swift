// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The folders in which the paths of a configuration are searched.
///
/// The authors run all commands in the root of their repository, so relative paths in a YAML are relative to that root,
/// not to the YAML. A path is searched below the YAML's folder and every folder above it, and then by its last
/// component beside the YAML.
package struct SourceTree: Sendable {
    /// The configuration's path.
    let configuration: String
    /// Nearest first.
    private let folders: [String]

    /// - Parameters:
    package init(configuration: String, root: String? = nil) {
        self.configuration = configuration
        var folders: [String] = []
        if let root { folders.append(URL(filePath: root).standardizedFileURL.path(percentEncoded: false)) }
        var folder = URL(filePath: configuration).standardizedFileURL.deletingLastPathComponent()
        while true {
            folders.append(folder.path(percentEncoded: false))
            let parent = folder.deletingLastPathComponent().standardizedFileURL
            if parent.path(percentEncoded: false) == folder.path(percentEncoded: false)
                || folder.path(percentEncoded: false) == "/"
            {
                break
            }
            folder = parent
        }
        self.folders = folders
    }

    /// A file that a member of the configuration names.
    package func file(_ name: String) -> String? {
        first(name) { Self.kind(of: $0) == .file }
    }

    /// A folder with a `config.json` that a member of the configuration names.
    package func configurationFolder(_ name: String) -> String? {
        first(name) { Self.kind(of: $0 + "/config.json") == .file }
    }

    /// The configuration folder of a Hugging Face name: a folder of that name, or the newest snapshot in the hub's
    /// cache.
    func hubFolder(_ name: String) -> String? {
        configurationFolder(name) ?? cachedFolder(name)
    }

    private func first(_ name: String, where isWanted: (String) -> Bool) -> String? {
        if name.hasPrefix("/") { return isWanted(name) ? name : beside(name, where: isWanted) }
        for folder in folders {
            let path = Self.joined(folder, name)
            if isWanted(path) { return path }
        }
        return beside(name, where: isWanted)
    }

    private func beside(_ name: String, where isWanted: (String) -> Bool) -> String? {
        let folder = URL(filePath: configuration).standardizedFileURL.deletingLastPathComponent().path(
            percentEncoded: false
        )
        let path = Self.joined(folder, URL(filePath: name).lastPathComponent)
        return isWanted(path) ? path : nil
    }

    private func cachedFolder(_ name: String) -> String? {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["HF_HOME"] ?? (environment["HOME"] ?? "") + "/.cache/huggingface"
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, !name.contains("..") else { return nil }
        let snapshots = "\(home)/hub/models--\(parts[0])--\(parts[1])/snapshots"
        let found = (try? FileManager.default.contentsOfDirectory(atPath: snapshots)) ?? []
        return found.map { snapshots + "/" + $0 }
            .filter { Self.kind(of: $0 + "/config.json") == .file }
            .max { Self.modified($0) < Self.modified($1) }
    }

    enum Kind {
        case file
        case folder
        case nothing
    }

    static func kind(of path: String) -> Kind {
        var status = stat()
        guard stat(path, &status) == 0 else { return .nothing }
        return status.st_mode & S_IFMT == S_IFDIR ? .folder : .file
    }

    private static func modified(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_mtim.tv_sec) : 0
    }

    static func joined(_ folder: String, _ name: String) -> String {
        folder.hasSuffix("/") ? folder + name : folder + "/" + name
    }
}
