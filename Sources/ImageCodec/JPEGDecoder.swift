// SPDX-License-Identifier: Apache-2.0

internal import CJPEG
internal import CPixels

/// Decodes a JPEG to RGB as stored, with libjpeg-turbo's defaults (accurate DCT, smooth chroma upsampling).
///
/// A warning of the library is an error where it continues with grey or noise instead of the image. Bytes that no block
/// needs lose nothing and are passed over: stray bytes and restart markers between the last block of a scan and the
/// next marker, as some cameras write.
///
/// - Parameters:
///   - bytes: the whole file.
///   - structure: the content of its markers.
///   - target: `width * height * structure.pixelBytes` bytes; the image is at their front.
/// - Throws: `ImageDecodeError.corruptJPEG`, `.outOfMemory`.
func decodeJPEG(
    _ bytes: UnsafeRawBufferPointer,
    _ structure: JPEGStructure,
    into target: UnsafeMutablePointer<UInt8>
) throws(ImageDecodeError) {
    guard let start = bytes.bindMemory(to: UInt8.self).baseAddress else { throw .truncated(byteCount: 0) }
    let (width, height) = (structure.width, structure.height)
    // The library decodes both CMYK and YCCK to CMYK, inverted as Adobe writes it.
    let isCMYK = structure.pixelBytes == 4
    var reason = ""
    let status = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(cjpeg_message_length)) { message in
        guard let text = message.baseAddress else { return CJPEG_OUT_OF_MEMORY }
        let status = cjpeg_decode(start, bytes.count, Int32(width), Int32(height), isCMYK ? 1 : 0, target, text)
        reason = String(cString: text)
        return status
    }
    switch status {
    case CJPEG_DONE:
        if isCMYK { cpixels_inverted_cmyk_to_rgb(target, width * height) }
    case CJPEG_OUT_OF_MEMORY:
        throw .outOfMemory(byteCount: width * height * structure.pixelBytes)
    default:
        throw .corruptJPEG(reason: reason)
    }
}
