// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a zip archive that can be read; the names are entries of the archive.
package enum ZipError: Error, Equatable {
    case noDirectory(bytes: Int)
    case brokenZip64(offset: Int)
    case severalDisks
    case tooManyEntries(count: UInt64, limit: Int)
    case directoryBeyondEnd(offset: UInt64, bytes: UInt64, available: Int)
    case brokenDirectory(entry: Int, offset: Int)
    case directoryLength(expected: Int, found: Int)
    case nameNotText(entry: Int)
    case unsafeName(String)
    case duplicateName(String)
    case encrypted(String)
    case compressed(String, method: UInt16)
    case sizesDiffer(String, stored: UInt64, original: UInt64)
    case noLocalHeader(String, offset: UInt64)
    case localHeaderDiffers(String)
    case localSizeDiffers(String, expected: UInt64, found: UInt64)
    case entryBeyondEnd(String, bytes: UInt64, available: Int)
    case overlap(String, String)
}

/// The directory of a zip archive, as `torch.save` and `numpy.savez` write it; every length is checked.
///
/// Checksums are for the reader to compare: `torch.serialization.set_crc32_options(False)` writes others, and torch reads
/// without them too.
///
/// - Source: PKWARE's APPNOTE 6.3, sections 4.3.7 to 4.3.16, 4.4 and 4.5.3.
package struct ZipArchive {
    package struct Entry {
        package let name: String
        /// In bytes from the start of the archive.
        package let data: Range<Int>
        package let isDeflated: Bool
        /// The content's length in bytes, as declared.
        package let size: UInt64
        /// CRC-32 of the content, as declared.
        package let checksum: UInt32
    }

    /// In the directory's order.
    package let entries: [Entry]

    /// - Parameters:
    ///   - bytes: the whole archive.
    ///   - takesDeflated: whether entries may be compressed.
    ///   - maximumEntries: the most entries allowed.
    /// - Throws: `ZipError`.
    package init(
        _ bytes: UnsafeRawBufferPointer,
        takesDeflated: Bool = false,
        maximumEntries: Int = 1_000_000
    ) throws(ZipError) {
        let end = try ZipEnd(bytes)
        guard end.entryCount <= UInt64(maximumEntries) else {
            throw .tooManyEntries(count: end.entryCount, limit: maximumEntries)
        }
        guard end.directoryOffset <= UInt64(end.position), end.directoryBytes <= UInt64(end.position),
            end.directoryOffset + end.directoryBytes <= UInt64(end.position)
        else {
            throw .directoryBeyondEnd(
                offset: end.directoryOffset,
                bytes: end.directoryBytes,
                available: end.position
            )
        }
        let directory = Int(end.directoryOffset)..<Int(end.directoryOffset + end.directoryBytes)
        var records: [ZipRecord] = []
        var names: Set<String> = []
        var position = directory.lowerBound
        for index in 0..<Int(end.entryCount) {
            let record = try ZipRecord(
                bytes,
                entry: index,
                position: position,
                end: directory.upperBound,
                takesDeflated: takesDeflated
            )
            guard names.insert(record.name).inserted else { throw .duplicateName(record.name) }
            position += record.byteCount
            records.append(record)
        }
        guard position == directory.upperBound else {
            throw .directoryLength(expected: directory.count, found: position - directory.lowerBound)
        }
        var places: [(header: Int, entry: Entry)] = []
        for record in records {
            let data = try record.data(in: bytes, directoryStart: directory.lowerBound)
            let entry = Entry(
                name: record.name,
                data: data,
                isDeflated: record.method == ZipRecord.deflated,
                size: record.originalSize,
                checksum: record.checksum
            )
            places.append((Int(record.headerOffset), entry))
        }
        entries = places.map(\.entry)
        places.sort { $0.header < $1.header }
        for (first, second) in zip(places, places.dropFirst()) {
            guard first.entry.data.upperBound <= second.header else {
                throw .overlap(first.entry.name, second.entry.name)
            }
        }
    }
}

/// The end of central directory record, or its 64-bit form.
private struct ZipEnd {
    /// Where the directory must end at the latest.
    let position: Int
    let entryCount: UInt64
    let directoryBytes: UInt64
    let directoryOffset: UInt64

    init(_ bytes: UnsafeRawBufferPointer) throws(ZipError) {
        guard let end = Self.position(in: bytes), let record = bytes.part(end, 22),
            let disk = record.number(UInt16.self, at: 4), let count = record.number(UInt16.self, at: 10),
            let length = record.number(UInt32.self, at: 12), let offset = record.number(UInt32.self, at: 16)
        else { throw .noDirectory(bytes: bytes.count) }
        guard let locator = bytes.part(end - 20, 20), locator.number(UInt32.self, at: 0) == 0x0706_4B50 else {
            guard disk == 0 else { throw .severalDisks }
            position = end
            entryCount = UInt64(count)
            directoryBytes = UInt64(length)
            directoryOffset = UInt64(offset)
            return
        }
        // torch always writes the 64-bit record, and then it is the one that counts.
        guard let place = locator.number(UInt64.self, at: 8).flatMap(Int.init(exactly:)), place <= end - 20 - 56,
            let record = bytes.part(place, 56), record.number(UInt32.self, at: 0) == 0x0606_4B50,
            let disk = record.number(UInt32.self, at: 16), let count = record.number(UInt64.self, at: 32),
            let length = record.number(UInt64.self, at: 40), let offset = record.number(UInt64.self, at: 48)
        else { throw .brokenZip64(offset: end - 20) }
        guard disk == 0 else { throw .severalDisks }
        position = place
        entryCount = count
        directoryBytes = length
        directoryOffset = offset
    }

    /// The record is the last thing in the file, with a comment of at most 65,535 bytes.
    private static func position(in bytes: UnsafeRawBufferPointer) -> Int? {
        guard bytes.count >= 22 else { return nil }
        return (max(0, bytes.count - 22 - 65_535)...bytes.count - 22).last { position in
            bytes.number(UInt32.self, at: position) == 0x0605_4B50
                && bytes.number(UInt16.self, at: position + 20).map { position + 22 + Int($0) } == bytes.count
        }
    }
}

/// An entry's record in the central directory.
private struct ZipRecord {
    static let deflated: UInt16 = 8

    let name: String
    let headerOffset: UInt64
    /// Of the record itself.
    let byteCount: Int
    let method: UInt16
    let checksum: UInt32
    let originalSize: UInt64
    private let storedSize: UInt64

    init(
        _ bytes: UnsafeRawBufferPointer,
        entry: Int,
        position: Int,
        end: Int,
        takesDeflated: Bool
    ) throws(ZipError) {
        guard position + 46 <= end, let record = bytes.part(position, 46),
            record.number(UInt32.self, at: 0) == 0x0201_4B50,
            let flags = record.number(UInt16.self, at: 8), let method = record.number(UInt16.self, at: 10),
            let checksum = record.number(UInt32.self, at: 16),
            let stored32 = record.number(UInt32.self, at: 20), let original32 = record.number(UInt32.self, at: 24),
            let nameLength = record.number(UInt16.self, at: 28), let extraLength = record.number(UInt16.self, at: 30),
            let commentLength = record.number(UInt16.self, at: 32), let offset32 = record.number(UInt32.self, at: 42)
        else { throw .brokenDirectory(entry: entry, offset: position) }
        byteCount = 46 + Int(nameLength) + Int(extraLength) + Int(commentLength)
        guard position + byteCount <= end, let nameBytes = bytes.part(position + 46, Int(nameLength)),
            let extra = bytes.part(position + 46 + Int(nameLength), Int(extraLength))
        else { throw .brokenDirectory(entry: entry, offset: position) }
        guard let name = String(validating: nameBytes, as: UTF8.self) else { throw .nameNotText(entry: entry) }
        guard Self.isSafe(name) else { throw .unsafeName(name) }
        // Bits 0, 6 and 13: encrypted, strongly encrypted, names hidden.
        guard flags & 0x2041 == 0 else { throw .encrypted(name) }
        guard method == 0 || (takesDeflated && method == Self.deflated) else {
            throw .compressed(name, method: method)
        }
        var numbers = Zip64Numbers(extra)
        guard let original = numbers.value(original32), let stored = numbers.value(stored32),
            let offset = numbers.value(offset32)
        else { throw .brokenDirectory(entry: entry, offset: position) }
        guard stored == original || method == Self.deflated else {
            throw .sizesDiffer(name, stored: stored, original: original)
        }
        self.name = name
        self.method = method
        self.checksum = checksum
        headerOffset = offset
        originalSize = original
        storedSize = stored
    }

    private static func isSafe(_ name: String) -> Bool {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        return !name.isEmpty && !name.hasPrefix("/") && !name.utf8.contains(0) && !name.contains("\\")
            && !parts.contains("..")
    }

    /// The entry's bytes, located by the header before them, which must agree with the directory.
    func data(in bytes: UnsafeRawBufferPointer, directoryStart: Int) throws(ZipError) -> Range<Int> {
        guard let position = Int(exactly: headerOffset), let header = bytes.part(position, 30),
            header.number(UInt32.self, at: 0) == 0x0403_4B50,
            let flags = header.number(UInt16.self, at: 6), let method = header.number(UInt16.self, at: 8),
            let stored32 = header.number(UInt32.self, at: 18), let original32 = header.number(UInt32.self, at: 22),
            let nameLength = header.number(UInt16.self, at: 26), let extraLength = header.number(UInt16.self, at: 28),
            let nameBytes = bytes.part(position + 30, Int(nameLength)),
            let extra = bytes.part(position + 30 + Int(nameLength), Int(extraLength))
        else { throw .noLocalHeader(name, offset: headerOffset) }
        guard nameBytes.elementsEqual(name.utf8), method == self.method, flags & 0x2041 == 0 else {
            throw .localHeaderDiffers(name)
        }
        var numbers = Zip64Numbers(extra)
        for (field, expected) in [(original32, originalSize), (stored32, storedSize)] {
            guard let found = numbers.value(field) else { throw .localHeaderDiffers(name) }
            // With bit 3 the sizes may follow the data instead.
            guard found == expected || (found == 0 && flags & 8 != 0) else {
                throw .localSizeDiffers(name, expected: expected, found: found)
            }
        }
        let start = position + 30 + Int(nameLength) + Int(extraLength)
        guard start <= directoryStart, storedSize <= UInt64(directoryStart - start) else {
            throw .entryBeyondEnd(name, bytes: storedSize, available: max(0, directoryStart - start))
        }
        return start..<start + Int(storedSize)
    }
}

/// The 64-bit numbers of an extra field, one for each 32-bit number that has all bits set, in order.
private struct Zip64Numbers {
    private var left: UnsafeRawBufferPointer

    init(_ extra: UnsafeRawBufferPointer) {
        left = UnsafeRawBufferPointer(start: nil, count: 0)
        var position = 0
        while let kind = extra.number(UInt16.self, at: position),
            let length = extra.number(UInt16.self, at: position + 2),
            let field = extra.part(position + 4, Int(length))
        {
            if kind == 1 { left = field }
            position += 4 + Int(length)
        }
    }

    /// nil: the 64-bit number is missing.
    mutating func value(_ short: UInt32) -> UInt64? {
        guard short == .max else { return UInt64(short) }
        guard let long = left.number(UInt64.self, at: 0), let rest = left.part(8, left.count - 8) else { return nil }
        left = rest
        return long
    }
}
