// SPDX-License-Identifier: Apache-2.0

internal import CPixels
internal import CTurboJPEG

/// Decodes a JPEG to RGB as stored, with libjpeg-turbo's defaults (accurate DCT, smooth chroma upsampling).
///
/// A warning of the library is an error, because it continues with grey or noise instead of the image. One warning is
/// allowed: stray bytes before the end marker. Cameras write them, after all pixels.
///
/// - Parameters:
///   - bytes: the whole file.
///   - structure: the content of its markers.
///   - target: `width * height * structure.pixelBytes` bytes; the image is at their front.
/// - Throws: `ImageDecodeError.corruptJPEG`.
func decodeJPEG(
    _ bytes: UnsafeRawBufferPointer,
    _ structure: JPEGStructure,
    into target: UnsafeMutablePointer<UInt8>
) throws(ImageDecodeError) {
    guard let handle = tjInitDecompress() else { preconditionFailure("out of memory") }
    defer { tjDestroy(handle) }
    let (width, height) = (structure.width, structure.height)
    // The library decodes both CMYK and YCCK to CMYK, inverted as Adobe writes it.
    let format = structure.pixelBytes == 4 ? TJPF_CMYK : TJPF_RGB
    func decode(_ flags: Int32) -> Int32 {
        tjDecompress2(
            handle,
            bytes.bindMemory(to: UInt8.self).baseAddress,
            UInt(bytes.count),
            target,
            Int32(width),
            Int32(width * structure.pixelBytes),
            Int32(height),
            format.rawValue,
            flags | TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS
        )
    }
    if decode(TJFLAG_STOPONWARNING) != 0 {
        let message = lastMessage(handle)
        // The first warning at the end marker is also the last, so the second pass need not stop at it.
        guard message.hasSuffix("extraneous bytes before marker 0xd9") else { throw .corruptJPEG(reason: message) }
        _ = decode(0)
        guard tjGetErrorCode(handle) == Int32(TJERR_WARNING.rawValue), lastMessage(handle) == message else {
            throw .corruptJPEG(reason: lastMessage(handle))
        }
    }
    if structure.pixelBytes == 4 { cpixels_inverted_cmyk_to_rgb(target, width * height) }
}

private func lastMessage(_ handle: tjhandle) -> String {
    tjGetErrorStr2(handle).map { message in String(cString: message) } ?? "unknown"
}
