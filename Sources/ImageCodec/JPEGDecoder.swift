// SPDX-License-Identifier: Apache-2.0

internal import CPixels
internal import CTurboJPEG

/// Decodes a JPEG to RGB as it is stored, with libjpeg-turbo's defaults (accurate DCT, smooth chroma upsampling).
///
/// Any warning of the library is an error: what it goes on with is grey filling or noise, not the picture.
func decodeJPEG(_ bytes: UnsafeRawBufferPointer, _ structure: JPEGStructure) throws(ImageDecodeError) -> RGBImage {
    guard let handle = tjInitDecompress() else { preconditionFailure("out of memory") }
    defer { tjDestroy(handle) }
    let (width, height) = (structure.width, structure.height)
    // The library gives CMYK for both CMYK and YCCK, inverted as Adobe writes it.
    let isCMYK = structure.componentCount == 4
    let pixelBytes = isCMYK ? 4 : 3
    let format = isCMYK ? TJPF_CMYK : TJPF_RGB
    let flags = TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS
    var status: Int32 = -1
    let pixels = [UInt8](unsafeUninitializedCapacity: width * height * pixelBytes) { target, count in
        status = tjDecompress2(
            handle,
            bytes.bindMemory(to: UInt8.self).baseAddress,
            UInt(bytes.count),
            target.baseAddress,
            Int32(width),
            Int32(width * pixelBytes),
            Int32(height),
            format.rawValue,
            flags
        )
        guard status == 0, let start = target.baseAddress else { return }
        if isCMYK { cpixels_inverted_cmyk_to_rgb(start, width * height) }
        count = width * height * 3
    }
    guard status == 0 else { throw .corruptJPEG(reason: String(cString: tjGetErrorStr2(handle))) }
    return RGBImage(width: width, height: height, pixels: pixels)
}
