// SPDX-License-Identifier: Apache-2.0

/// Writes zip archives; every field can be made to lie.
struct ZipBuilder {
    struct Entry {
        var name: [UInt8]
        var content: [UInt8] = []
        var flags: UInt16 = 0
        var method: UInt16 = 0
        /// In the directory; nil: the truth.
        var storedSize: UInt32?
        var originalSize: UInt32?
        var offset: UInt32?
        var extra: [UInt8] = []
        /// In the header before the data; nil: as in the directory.
        var localName: [UInt8]?
        var localMethod: UInt16?
        var localSize: UInt32?
        var localExtra: [UInt8] = []

        init(_ name: String, _ content: [UInt8] = []) {
            self.name = Array(name.utf8)
            self.content = content
        }

        func with(_ change: (inout Entry) -> Void) -> Entry {
            var entry = self
            change(&entry)
            return entry
        }
    }

    var entries: [Entry] = []
    var disk: UInt16 = 0
    /// In the end records; nil: the truth.
    var count: UInt64?
    var directorySize: UInt64?
    var directoryOffset: UInt64?
    /// With the 64-bit end record, which is then the only true one.
    var isZip64 = false
    var zip64Offset: UInt64?
    var comment: [UInt8] = []

    /// The archive; also where each entry's data begins.
    func build() -> (bytes: [UInt8], starts: [Int]) {
        var bytes: [UInt8] = []
        var directory: [UInt8] = []
        var starts: [Int] = []
        for entry in entries {
            let size = UInt32(entry.content.count)
            let (header, localName) = (UInt32(bytes.count), entry.localName ?? entry.name)
            bytes += number(0x0403_4B50 as UInt32) + number(20 as UInt16) + number(entry.flags)
            bytes += number(entry.localMethod ?? entry.method) + number(0 as UInt64)
            bytes += number(entry.localSize ?? entry.storedSize ?? size)
            bytes += number(entry.localSize ?? entry.originalSize ?? size)
            bytes += number(UInt16(localName.count)) + number(UInt16(entry.localExtra.count))
            bytes += localName + entry.localExtra
            starts.append(bytes.count)
            bytes += entry.content
            directory += number(0x0201_4B50 as UInt32) + number(20 as UInt16) + number(20 as UInt16)
            directory += number(entry.flags) + number(entry.method) + number(0 as UInt64)
            directory += number(entry.storedSize ?? size) + number(entry.originalSize ?? size)
            directory += number(UInt16(entry.name.count)) + number(UInt16(entry.extra.count)) + number(0 as UInt16)
            directory += number(0 as UInt64) + number(entry.offset ?? header) + entry.name + entry.extra
        }
        let count = count ?? UInt64(entries.count)
        let size = directorySize ?? UInt64(directory.count)
        let offset = directoryOffset ?? UInt64(bytes.count)
        bytes += directory
        if isZip64 {
            let place = zip64Offset ?? UInt64(bytes.count)
            bytes += number(0x0606_4B50 as UInt32) + number(44 as UInt64) + number(45 as UInt16) + number(45 as UInt16)
            bytes += number(UInt32(disk)) + number(0 as UInt32) + number(count) + number(count) + number(size)
            bytes += number(offset)
            bytes += number(0x0706_4B50 as UInt32) + number(0 as UInt32) + number(place) + number(1 as UInt32)
        }
        bytes += number(0x0605_4B50 as UInt32) + number(disk) + number(0 as UInt16)
        bytes += number(isZip64 ? .max : UInt16(truncatingIfNeeded: count))
        bytes += number(isZip64 ? .max : UInt16(truncatingIfNeeded: count))
        bytes += number(isZip64 ? .max : UInt32(truncatingIfNeeded: size))
        bytes += number(isZip64 ? .max : UInt32(truncatingIfNeeded: offset))
        return (bytes + number(UInt16(comment.count)) + comment, starts)
    }

    private func number(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}

/// What `torch.save` would write: a folder with a pickle and storages.
func torchArchive(_ pickle: PickleBuilder, storages: [(key: String, content: [UInt8])] = []) -> [UInt8] {
    var builder = ZipBuilder()
    builder.entries = [.init("a/data.pkl", pickle.finished), .init("a/byteorder", Array("little".utf8))]
    builder.entries += storages.map { .init("a/data/\($0.key)", $0.content) }
    builder.entries.append(.init("a/version", Array("3\n".utf8)))
    builder.isZip64 = true
    return builder.build().bytes
}
