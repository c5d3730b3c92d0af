// SPDX-License-Identifier: Apache-2.0

import TensorFiles

/// What a file is by its first bytes; names are often wrong.
enum FileKind {
    case zip
    case safetensors
    case shardIndex

    /// - Throws: `.gitLFSPointer`, `.webPage`, `.foreign`, `.unknownFormat`.
    init(_ bytes: UnsafeRawBufferPointer, path: String) throws(CheckpointFileError) {
        func begins(with prefix: [UInt8], at offset: Int = 0) -> Bool {
            bytes.part(offset, prefix.count)?.elementsEqual(prefix) ?? false
        }
        // The second: an archive without entries.
        if begins(with: Array("PK\u{3}\u{4}".utf8)) || begins(with: Array("PK\u{5}\u{6}".utf8)) {
            self = .zip
            return
        }
        // As text, the eight bytes before a safetensors header's brace would be an enormous length.
        if begins(with: [0, 0, 0, 0, UInt8(ascii: "{")], at: 4) {
            self = .safetensors
            return
        }
        if begins(with: Array("version https://git-lfs".utf8)) { throw .gitLFSPointer(path: path) }
        for (signature, offset, format) in Self.foreign where begins(with: signature, at: offset) {
            throw .foreign(path: path, format)
        }
        let firstLetter = bytes.prefix(1024).first { ![0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF].contains($0) }
        switch firstLetter {
        case UInt8(ascii: "{"): self = .shardIndex
        case UInt8(ascii: "<"): throw .webPage(path: path)
        default: throw .unknownFormat(path: path, firstBytes: Array(bytes.prefix(8)))
        }
    }

    private static let foreign: [(signature: [UInt8], offset: Int, format: ForeignFormat)] = [
        ([0x1F, 0x8B], 0, .gzip),
        (Array("ustar".utf8), 257, .tar),
        // PROTO 2, then the long integer that torch's `serialization.py` calls MAGIC_NUMBER.
        ([0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19], 0, .legacyTorch),
        ([0x80, 0x02], 0, .pickle),
        ([0x80, 0x03], 0, .pickle),
        ([0x80, 0x04], 0, .pickle),
        ([0x80, 0x05], 0, .pickle),
        ([0x93] + Array("NUMPY".utf8), 0, .numpy),
        ([0x89] + Array("HDF".utf8), 0, .hdf5),
        (Array("GGUF".utf8), 0, .gguf),
    ]
}
