// SPDX-License-Identifier: Apache-2.0

internal import CPixels
internal import CWebP
internal import Glibc

/// Decodes a WebP to RGB as stored: the first frame on its canvas, alpha composed on white.
///
/// Canvas that the frame does not cover is transparent, or black in a file without alpha, as libwebp's and Pillow's
/// canvases are.
///
/// - Parameters:
///   - bytes: the whole file.
///   - structure: the content of its chunks.
///   - target: `width * height * structure.pixelBytes` bytes; the image is at their front.
/// - Throws: `ImageDecodeError.corruptWebP`, `.outOfMemory`.
func decodeWebP(
    _ bytes: UnsafeRawBufferPointer,
    _ structure: WebPStructure,
    into target: UnsafeMutablePointer<UInt8>
) throws(ImageDecodeError) {
    let (frame, pixelBytes) = (structure.frame, structure.pixelBytes)
    let stride = structure.width * pixelBytes
    let byteCount = stride * structure.height
    if frame.width < structure.width || frame.height < structure.height { memset(target, 0, byteCount) }
    var configuration = WebPDecoderConfig()
    guard WebPInitDecoderConfig(&configuration) != 0 else { preconditionFailure("libwebp of another version") }
    let offset = frame.top * stride + frame.left * pixelBytes
    configuration.output.colorspace = structure.hasAlpha ? MODE_RGBA : MODE_RGB
    configuration.output.is_external_memory = 1
    configuration.output.u.RGBA = WebPRGBABuffer(
        rgba: target + offset,
        stride: Int32(stride),
        size: (frame.height - 1) * stride + frame.width * pixelBytes
    )
    let image = UnsafeRawBufferPointer(rebasing: bytes[frame.bytes]).bindMemory(to: UInt8.self)
    let status = WebPDecode(image.baseAddress, image.count, &configuration)
    switch status {
    case VP8_STATUS_OK:
        if structure.hasAlpha { cpixels_compose_on_white(target, structure.width * structure.height) }
    case VP8_STATUS_OUT_OF_MEMORY:
        throw .outOfMemory(byteCount: byteCount)
    default:
        throw .corruptWebP(status: Int32(status.rawValue))
    }
}
