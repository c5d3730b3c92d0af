// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Pieces of a path, and what the kernel says about it.
enum FilePath {
    static func join(_ folder: String, _ name: String) -> String {
        folder.isEmpty ? name : folder.hasSuffix("/") ? folder + name : folder + "/" + name
    }

    /// `a/b/c.npy` as `a/b` and `c.npy`; the folder of a bare name is `.`.
    static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = path[..<slash]
        return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
    }

    /// `photo.jpeg` as `photo` and `jpeg`; a leading dot starts no extension.
    static func splitExtension(_ name: String) -> (stem: String, extension: String) {
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex, name.index(after: dot) != name.endIndex,
            name[name.index(before: dot)] != "/", !name[dot...].contains("/")
        else { return (name, "") }
        return (String(name[..<dot]), String(name[name.index(after: dot)...]))
    }

    /// Follows links; nil: there is nothing, or it cannot be asked (`errno`).
    static func status(_ path: String) -> stat? {
        var status = stat()
        return stat(path, &status) == 0 ? status : nil
    }

    /// The path of the file that writing to `path` reaches, with links followed, whether it exists or not.
    static func canonical(_ path: String) -> String {
        var path = path
        // As many links as the kernel follows; opening a loop of links fails later.
        for _ in 0..<40 {
            let (folder, name) = split(path)
            let candidate = join(canonicalFolder(folder), name)
            guard let link = linkTarget(candidate) else { return candidate }
            path = link.hasPrefix("/") ? link : join(split(candidate).folder, link)
        }
        return path
    }

    /// The real path of a folder; of one that does not exist, its parent's with its name.
    private static func canonicalFolder(_ path: String) -> String {
        if let real = realpath(path, nil) {
            defer { free(real) }
            return String(cString: real)
        }
        let (folder, name) = split(path)
        return name == path || folder == path ? path : join(canonicalFolder(folder), name)
    }

    private static func linkTarget(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count)
        return count < 0 ? nil : String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Waits until a descriptor can be read or written.
    static func wait(for event: Int32, of descriptor: Int32) {
        var entry = pollfd(fd: descriptor, events: Int16(event), revents: 0)
        poll(&entry, 1, -1)
    }

    /// Creates a folder and those above it.
    ///
    /// - Throws: `.cannotCreate`, with the folder that could not be created.
    static func makeFolder(_ path: String) throws(LocalFileError) {
        if mkdir(path, 0o777) == 0 { return }
        var code = errno
        if code == ENOENT {
            let parent = split(path).folder
            guard parent != path else { throw .cannotCreate(path: path, errno: code) }
            try makeFolder(parent)
            code = mkdir(path, 0o777) == 0 ? 0 : errno
        }
        // Another process may have been first.
        if code == 0 || code == EEXIST && status(path)?.kind == .folder { return }
        throw .cannotCreate(path: path, errno: code == EEXIST ? ENOTDIR : code)
    }
}

extension stat {
    enum Kind {
        case regular
        case folder
        /// A FIFO, device or socket.
        case other
    }

    var kind: Kind {
        switch st_mode & S_IFMT {
        case S_IFREG: .regular
        case S_IFDIR: .folder
        default: .other
        }
    }

    var identity: FileIdentity { FileIdentity(device: st_dev, inode: st_ino) }
}

/// What two names of the same file share.
struct FileIdentity: Hashable {
    let device: dev_t
    let inode: ino_t
}
