// SPDX-License-Identifier: Apache-2.0

/// Why bytes cannot be decoded as an image.
///
/// Offsets are in bytes from the start of the file.
package enum ImageDecodeError: Error, Equatable {
    /// The magic bytes are not those of JPEG, PNG or WebP.
    case notAnImage
    case emptyImage(width: Int, height: Int)
    case sideTooLong(width: Int, height: Int, limit: Int)
    case tooManyPixels(width: Int, height: Int, limit: Int)
    /// The image is within the limits, but there is no memory for it now.
    case outOfMemory(byteCount: Int)
    /// The file ends before its end marker.
    case truncated(byteCount: Int)

    /// A JPEG segment's length cannot be.
    case malformedSegment(marker: UInt8, offset: Int)
    /// A scan or the end of a JPEG precedes its frame header.
    case missingFrameHeader(offset: Int)
    case repeatedFrameHeader(offset: Int)
    /// A JPEG without a scan.
    case missingScan
    case tooManyScans(limit: Int)
    /// Lossless, hierarchical and other rare JPEG processes, by their SOF marker.
    case unsupportedProcess(marker: UInt8)
    case unsupportedPrecision(bits: Int)
    case unsupportedComponents(count: Int)
    /// libjpeg-turbo reports corrupt data; `reason` is its message.
    case corruptJPEG(reason: String)

    /// IHDR is not first or not 13 bytes long.
    case malformedHeader(byteCount: Int)
    case malformedChunk(offset: Int)
    case unknownCriticalChunk(type: String, offset: Int)
    case misplacedChunk(type: String, offset: Int)
    case chunkChecksum(type: String, offset: Int)
    /// A PNG without IDAT.
    case missingImageData
    /// The compressed pixels end before the size that IHDR states.
    case imageDataTooShort
    /// libspng found the data corrupt; `code` is its `spng_errno`.
    case corruptPNG(code: Int32)

    /// A WebP chunk that does not fit the file, or is too short.
    case malformedWebP(chunk: String, offset: Int)
    /// A WebP without an image.
    case missingFrame
    /// A WebP's frame is not as large as its canvas, or an animation's frame is not inside of it.
    case frameOutsideCanvas(width: Int, height: Int)
    /// libwebp found the data corrupt; `status` is its `VP8StatusCode`.
    case corruptWebP(status: Int32)
}
