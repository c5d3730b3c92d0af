// SPDX-License-Identifier: Apache-2.0

import CTurboJPEG

/// Decodes the pixels of a JPEG whose markers have been checked.
func decodeJPEG(
    _ bytes: UnsafeRawBufferPointer,
    _ structure: JPEGStructure,
    limits: ImageLimits
) throws(ImageDecodeError) -> RGBImage {
    try limits.check(width: structure.width, height: structure.height)
    guard structure.scanCount <= limits.maximumScans else {
        throw .tooManyScans(count: structure.scanCount, limit: limits.maximumScans)
    }
    guard let decoder = tjInitDecompress() else { throw .corrupt(format: .jpeg, reason: "no decoder") }
    defer { tjDestroy(decoder) }
    let source = bytes.bindMemory(to: UInt8.self).baseAddress
    var (width, height, subsampling, colorSpace): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
    let length = UInt(bytes.count)
    guard tjDecompressHeader3(decoder, source, length, &width, &height, &subsampling, &colorSpace) == 0,
        Int(width) == structure.width, Int(height) == structure.height
    else { throw .corrupt(format: .jpeg, reason: lastMessage(decoder)) }
    let isCMYK = structure.componentCount == 4
    let format = Int32((isCMYK ? TJPF_CMYK : TJPF_RGB).rawValue)
    let flags = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS
    let pixelCount = structure.width * structure.height
    var failure: String?
    let decoded = [UInt8](unsafeUninitializedCapacity: pixelCount * (isCMYK ? 4 : 3)) { buffer, count in
        let result = tjDecompress2(decoder, source, length, buffer.baseAddress, width, 0, height, format, flags)
        if result != 0, !isHarmless(decoder) { failure = lastMessage(decoder) }
        if failure == nil { count = buffer.count }
    }
    if let failure { throw .corrupt(format: .jpeg, reason: failure) }
    let pixels = isCMYK ? rgb(fromInvertedCMYK: decoded, pixelCount: pixelCount) : decoded
    return RGBImage(width: structure.width, height: structure.height, pixels: pixels)
}

/// Stray bytes between segments, which cameras do write, leave the picture whole; every other warning means damage.
private func isHarmless(_ decoder: tjhandle) -> Bool {
    tjGetErrorCode(decoder) == Int32(TJERR_WARNING.rawValue) && lastMessage(decoder).contains("extraneous bytes")
}

private func lastMessage(_ handle: tjhandle) -> String {
    tjGetErrorStr2(handle).map { String(cString: $0) } ?? "unknown"
}

/// Adobe's inverted CMYK to RGB as Pillow converts it: R = (255 - K) - C (255 - K) / 255.
private func rgb(fromInvertedCMYK cmyk: [UInt8], pixelCount: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: pixelCount * 3) { out, count in
        for pixel in 0..<pixelCount {
            let light = Int(cmyk[4 * pixel + 3])
            for channel in 0..<3 {
                let product = (255 - Int(cmyk[4 * pixel + channel])) * light + 128
                out[3 * pixel + channel] = UInt8(max(0, light - (product >> 8 + product) >> 8))
            }
        }
        count = pixelCount * 3
    }
}

/// Encodes a JPEG with 4:2:0 chroma.
///
/// - Parameter quality: 1...100.
/// - Throws: `ImageEncodeError`.
package func encodeJPEG(_ image: RGBImage, quality: Int) throws(ImageEncodeError) -> [UInt8] {
    guard (1...100).contains(quality) else { throw .qualityOutOfRange(quality) }
    guard let encoder = tjInitCompress() else { throw .libraryFailed(format: .jpeg, reason: "no encoder") }
    defer { tjDestroy(encoder) }
    let (width, height) = (Int32(image.width), Int32(image.height))
    let sampling = Int32(TJSAMP_420.rawValue)
    var length = tjBufSize(width, height, sampling)
    var failure: String?
    let file = [UInt8](unsafeUninitializedCapacity: Int(length)) { buffer, count in
        var target = buffer.baseAddress
        let result = image.pixels.withUnsafeBufferPointer { pixels in
            tjCompress2(
                encoder, pixels.baseAddress, width, 0, height, Int32(TJPF_RGB.rawValue), &target, &length, sampling,
                Int32(quality), TJFLAG_ACCURATEDCT | TJFLAG_NOREALLOC
            )
        }
        if result == 0 { count = Int(length) } else { failure = lastMessage(encoder) }
    }
    if let failure { throw .libraryFailed(format: .jpeg, reason: failure) }
    return file
}
