// SPDX-License-Identifier: Apache-2.0

/// What a file of a model folder holds instead of its content when a download went wrong.
package enum ForeignContent: Sendable, Equatable {
    /// The place holder that Git leaves without Git LFS.
    case gitLFSPointer
    /// Such as a login page or an error page.
    case webPage
    /// PyTorch writes its checkpoints as zip archives.
    case zipArchive

    /// - Parameter bytes: the beginning of a file, or all of it.
    package init?(_ bytes: some Collection<UInt8>) {
        func begins(_ text: String) -> Bool {
            bytes.prefix(text.utf8.count).elementsEqual(text.utf8)
        }
        // A web page may begin with a byte order mark or blank lines.
        let blank: Set<UInt8> = [0xEF, 0xBB, 0xBF, 0x20, 0x09, 0x0A, 0x0D]
        let start = bytes.prefix(256).drop { blank.contains($0) }.prefix(14)
        let lowered = String(decoding: start, as: UTF8.self).lowercased()
        if begins("version https://git-lfs.github.com/") {
            self = .gitLFSPointer
        } else if begins("PK\u{3}\u{4}") {
            self = .zipArchive
        } else if lowered.hasPrefix("<!doctype html") || lowered.hasPrefix("<html") {
            self = .webPage
        } else {
            return nil
        }
    }
}

extension ForeignContent: CustomStringConvertible {
    /// A part of a sentence, for the person who gave the file.
    package var description: String {
        switch self {
        case .gitLFSPointer: "it is a Git LFS pointer, not the file itself; run: git lfs pull"
        case .webPage: "it is a web page, not the file itself; check the address of the download"
        case .zipArchive: "it is a zip archive, such as a PyTorch checkpoint; to convert it, run: uae convert"
        }
    }
}
