// SPDX-License-Identifier: Apache-2.0

/// Writes zip archives; every field can be made to lie.
package struct ZipBuilder {
    package struct Entry {
        package var name: [UInt8]
        package var content: [UInt8] = []
        package var flags: UInt16 = 0
        package var method: UInt16 = 0
        /// In the directory; nil: the truth.
        package var storedSize: UInt32?
        package var originalSize: UInt32?
        package var offset: UInt32?
        package var extra: [UInt8] = []
        package var checksum: UInt32 = 0
        /// In the header before the data; nil: as in the directory.
        package var localName: [UInt8]?
        package var localMethod: UInt16?
        package var localSize: UInt32?
        package var localExtra: [UInt8] = []

        package init(_ name: String, _ content: [UInt8] = []) {
            self.name = Array(name.utf8)
            self.content = content
        }

        package func with(_ change: (inout Entry) -> Void) -> Entry {
            var entry = self
            change(&entry)
            return entry
        }
    }

    package var entries: [Entry] = []
    package var disk: UInt16 = 0
    /// In the end records; nil: the truth.
    package var count: UInt64?
    package var directorySize: UInt64?
    package var directoryOffset: UInt64?
    /// With the 64-bit end record, which is then the only true one.
    package var isZip64 = false
    package var zip64Offset: UInt64?
    package var comment: [UInt8] = []

    package init(entries: [Entry] = []) {
        self.entries = entries
    }

    /// The archive; also where each entry's data begins.
    package func build() -> (bytes: [UInt8], starts: [Int]) {
        var bytes: [UInt8] = []
        var directory: [UInt8] = []
        var starts: [Int] = []
        for entry in entries {
            let size = UInt32(entry.content.count)
            let (header, localName) = (UInt32(bytes.count), entry.localName ?? entry.name)
            bytes += number(0x0403_4B50 as UInt32) + number(20 as UInt16) + number(entry.flags)
            bytes += number(entry.localMethod ?? entry.method) + number(0 as UInt32)
            bytes += number(entry.checksum)
            bytes += number(entry.localSize ?? entry.storedSize ?? size)
            bytes += number(entry.localSize ?? entry.originalSize ?? size)
            bytes += number(UInt16(localName.count)) + number(UInt16(entry.localExtra.count))
            bytes += localName + entry.localExtra
            starts.append(bytes.count)
            bytes += entry.content
            directory += number(0x0201_4B50 as UInt32) + number(20 as UInt16) + number(20 as UInt16)
            directory += number(entry.flags) + number(entry.method) + number(0 as UInt32)
            directory += number(entry.checksum)
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
