// SPDX-License-Identifier: Apache-2.0

package import Checksums

/// Why bytes are not a numpy archive with the array that is looked for; the names are entries of the archive.
package enum NPZError: Error, Equatable {
    case zip(ZipError)
    /// Neither the array by its name nor exactly one array.
    case missingArray(String, arrays: Int)
    case array(String, NPYError)
    /// The entry's length differs from that of its array.
    case lengthMismatch(String, expected: Int, found: UInt64)
    case tooLarge(String, bytes: Int, limit: Int)
    /// More than DEFLATE can compress the content to.
    case impossibleSize(String, bytes: UInt64, compressed: Int)
    case inflation(String, InflateError)
    case checksumDiffers(String)
}

/// Reads one array of a numpy archive, as `numpy.savez` and `numpy.savez_compressed` write it.
///
/// The header of the array says how long it is, and is checked before anything of that size is allocated.
///
/// - Parameters:
///   - name: the array, without `.npy`; an archive of one array may give it any name.
///   - bytes: the whole archive.
///   - maximumElements: the most elements allowed.
///   - inflatableBytes: the longest compressed array allowed, as it is when not compressed; reduced by its length before
///     it is inflated, so that the archives of one request share a limit.
///   - dtypes: the element types to accept.
/// - Returns: the array in C order.
/// - Throws: `NPZError`.
package func readNPZ(
    _ name: String,
    in bytes: UnsafeRawBufferPointer,
    maximumElements: Int,
    inflatableBytes: inout Int,
    dtypes: [TensorDType] = TensorDType.allCases
) throws(NPZError) -> TensorArray {
    let accepted = AcceptedArrays(maximumElements: maximumElements, dtypes: dtypes)
    let entry = try npzEntry(name, in: bytes)
    let data = UnsafeRawBufferPointer(rebasing: bytes[entry.data])
    if !entry.isDeflated {
        guard crc32(data) == entry.checksum else { throw .checksumDiffers(entry.name) }
        return try npzArray(entry, data, accepted)
    }
    let size = try checkedSize(entry, data, accepted, &inflatableBytes)
    var failure: InflateError?
    let content = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        do throws(InflateError) {
            try inflate(data, into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: size))
            count = size
        } catch {
            failure = error
        }
    }
    if let failure { throw .inflation(entry.name, failure) }
    let checksum = content.withUnsafeBytes { crc32($0) }
    guard checksum == entry.checksum else { throw .checksumDiffers(entry.name) }
    let outcome = content.withUnsafeBytes { content -> Result<TensorArray, NPZError> in
        do throws(NPZError) {
            return .success(try npzArray(entry, content, accepted))
        } catch {
            return .failure(error)
        }
    }
    return try outcome.get()
}

private struct AcceptedArrays {
    let maximumElements: Int
    let dtypes: [TensorDType]
}

private func npzEntry(_ name: String, in bytes: UnsafeRawBufferPointer) throws(NPZError) -> ZipArchive.Entry {
    let archive: ZipArchive
    do throws(ZipError) {
        archive = try ZipArchive(bytes, takesDeflated: true, maximumEntries: 1024)
    } catch {
        throw .zip(error)
    }
    let arrays = archive.entries.filter { $0.name.hasSuffix(".npy") }
    guard let entry = arrays.first(where: { $0.name == name + ".npy" }) ?? (arrays.count == 1 ? arrays[0] : nil) else {
        throw .missingArray(name, arrays: arrays.count)
    }
    return entry
}

/// The length of a compressed array, known from the start of its content.
private func checkedSize(
    _ entry: ZipArchive.Entry,
    _ data: UnsafeRawBufferPointer,
    _ accepted: AcceptedArrays,
    _ inflatableBytes: inout Int
) throws(NPZError) -> Int {
    // A match of 258 bytes takes two bits at least, so a byte gives 1032 at most.
    guard entry.size / 1032 <= UInt64(data.count), let size = Int(exactly: entry.size) else {
        throw .impossibleSize(entry.name, bytes: entry.size, compressed: data.count)
    }
    var start = [UInt8](repeating: 0, count: min(size, NPYHeader.longest))
    let result: Result<NPYHeader, NPZError> = start.withUnsafeMutableBytes { out in
        do throws(InflateError) {
            let found = try inflateStart(of: data, into: out)
            return npzHeader(entry, UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(out)[..<found.count]))
        } catch {
            return .failure(.inflation(entry.name, error))
        }
    }
    let header = try result.get()
    try check(header, entry, size: size, accepted)
    guard header.byteCount <= inflatableBytes else {
        throw .tooLarge(entry.name, bytes: header.byteCount, limit: inflatableBytes)
    }
    inflatableBytes -= header.byteCount
    return size
}

private func npzHeader(_ entry: ZipArchive.Entry, _ start: UnsafeRawBufferPointer) -> Result<NPYHeader, NPZError> {
    do throws(NPYError) {
        return .success(try NPYHeader(start))
    } catch {
        return .failure(.array(entry.name, error))
    }
}

private func check(
    _ header: NPYHeader,
    _ entry: ZipArchive.Entry,
    size: Int,
    _ accepted: AcceptedArrays
) throws(NPZError) {
    do throws(NPYError) {
        try header.check(maximumElements: accepted.maximumElements, dtypes: accepted.dtypes)
    } catch {
        throw .array(entry.name, error)
    }
    guard size == header.dataStart + header.byteCount else {
        throw .lengthMismatch(entry.name, expected: header.dataStart + header.byteCount, found: UInt64(size))
    }
}

private func npzArray(
    _ entry: ZipArchive.Entry,
    _ content: UnsafeRawBufferPointer,
    _ accepted: AcceptedArrays
) throws(NPZError) -> TensorArray {
    let header = try npzHeader(entry, content).get()
    try check(header, entry, size: content.count, accepted)
    do throws(NPYError) {
        return try readNPY(content, maximumElements: accepted.maximumElements, dtypes: accepted.dtypes)
    } catch {
        throw .array(entry.name, error)
    }
}
