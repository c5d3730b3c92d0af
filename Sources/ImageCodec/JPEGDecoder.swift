// SPDX-License-Identifier: Apache-2.0

internal import CPixels
internal import CTurboJPEG

/// Decodes a JPEG to RGB as it is stored, with libjpeg-turbo's defaults (accurate DCT, smooth chroma upsampling).
///
/// A warning of the library is an error: what it goes on with is grey filling or noise, not the picture. One is not:
/// stray bytes before the end marker, which cameras do write and which come after all pixels.
func decodeJPEG(_ bytes: UnsafeRawBufferPointer, _ structure: JPEGStructure) throws(ImageDecodeError) -> RGBImage {
    guard let handle = tjInitDecompress() else { preconditionFailure("out of memory") }
    defer { tjDestroy(handle) }
    let (width, height) = (structure.width, structure.height)
    // The library gives CMYK for both CMYK and YCCK, inverted as Adobe writes it.
    let isCMYK = structure.componentCount == 4
    let pixelBytes = isCMYK ? 4 : 3
    let format = isCMYK ? TJPF_CMYK : TJPF_RGB
    var reason: String?
    let pixels = [UInt8](unsafeUninitializedCapacity: width * height * pixelBytes) { target, count in
        func decode(_ flags: Int32) -> Int32 {
            tjDecompress2(
                handle,
                bytes.bindMemory(to: UInt8.self).baseAddress,
                UInt(bytes.count),
                target.baseAddress,
                Int32(width),
                Int32(width * pixelBytes),
                Int32(height),
                format.rawValue,
                flags | TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS
            )
        }
        if decode(TJFLAG_STOPONWARNING) != 0 {
            let message = lastMessage(handle)
            // The first warning at the end marker is also the last, so the second pass need not stop at it.
            guard message.hasSuffix("extraneous bytes before marker 0xd9") else {
                reason = message
                return
            }
            _ = decode(0)
            guard tjGetErrorCode(handle) == Int32(TJERR_WARNING.rawValue), lastMessage(handle) == message else {
                reason = lastMessage(handle)
                return
            }
        }
        guard let start = target.baseAddress else { return }
        if isCMYK { cpixels_inverted_cmyk_to_rgb(start, width * height) }
        count = width * height * 3
    }
    if let reason { throw .corruptJPEG(reason: reason) }
    return RGBImage(width: width, height: height, pixels: pixels)
}

private func lastMessage(_ handle: tjhandle) -> String {
    tjGetErrorStr2(handle).map { message in String(cString: message) } ?? "unknown"
}
