// SPDX-License-Identifier: Apache-2.0

extension ZipError: CustomStringConvertible {
    /// A part of a sentence, for the person who gave the file.
    package var description: String {
        switch self {
        case .noDirectory(let bytes): "it ends early, after \(bytes) bytes"
        case .brokenZip64(let offset): "its 64-bit end record, named at byte \(offset), is broken"
        case .severalDisks: "it is one part of several; join the parts first"
        case .tooManyEntries(let count, let limit): "it has \(count) entries; the limit is \(limit)"
        case .directoryBeyondEnd(let offset, let bytes, let available):
            "its directory of \(bytes) bytes at byte \(offset) does not end before byte \(available)"
        case .brokenDirectory(let entry, let offset): "entry \(entry) of its directory, at byte \(offset), is broken"
        case .directoryLength(let expected, let found):
            "its directory's entries have \(found) bytes, must have \(expected)"
        case .nameNotText(let entry): "the name of entry \(entry) is not UTF-8"
        case .unsafeName(let name): "the entry name \(printable(name)) is not a plain path"
        case .duplicateName(let name): "two entries have the name \(printable(name))"
        case .encrypted(let name): "the entry \(printable(name)) is encrypted"
        case .compressed(let name, let method):
            "the entry \(printable(name)) is compressed by method \(method), which is not supported"
        case .sizesDiffer(let name, let stored, let original):
            "the entry \(printable(name)) is stored in \(stored) bytes but has \(original)"
        case .noLocalHeader(let name, let offset): "the entry \(printable(name)) has no header at byte \(offset)"
        case .localHeaderDiffers(let name): "the header of the entry \(printable(name)) contradicts the directory"
        case .localSizeDiffers(let name, let expected, let found):
            "the entry \(printable(name)) has \(expected) bytes in the directory but \(found) in its header"
        case .entryBeyondEnd(let name, let bytes, let available):
            "the entry \(printable(name)) has \(bytes) bytes, but only \(available) are left"
        case .overlap(let first, let second): "the entries \(printable(first)) and \(printable(second)) overlap"
        }
    }
}
