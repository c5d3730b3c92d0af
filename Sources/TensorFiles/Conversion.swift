// SPDX-License-Identifier: Apache-2.0

/// Converts little-endian elements to `Float`.
///
/// Half precision is converted with integer arithmetic. `Float16` would make a library call per element on processors
/// without F16C in their baseline; the compiler vectorises this form.
///
/// - Parameters:
///   - bytes: a whole number of elements, any alignment.
///   - dtype: their type.
///   - out: room for `bytes.count / dtype.byteCount` values.
package func floats(from bytes: UnsafeRawBufferPointer, dtype: TensorDType, into out: UnsafeMutablePointer<Float>) {
    let count = bytes.count / dtype.byteCount
    guard count > 0, let base = bytes.baseAddress else { return }
    switch dtype {
    case .float64:
        for index in 0..<count {
            out[index] = Float(base.loadUnaligned(fromByteOffset: 8 * index, as: Double.self))
        }
    case .float32:
        UnsafeMutableRawPointer(out).copyMemory(from: base, byteCount: count * 4)
    case .float16:
        for index in 0..<count {
            out[index] = float(half: base.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
        }
    case .bfloat16:
        for index in 0..<count {
            let bits = base.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
            out[index] = Float(bitPattern: UInt32(bits) << 16)
        }
    case .uint8:
        for index in 0..<count { out[index] = Float(base.load(fromByteOffset: index, as: UInt8.self)) }
    }
}

/// Appends values as little-endian elements, rounded to nearest even.
///
/// NaN stays NaN; what is too large becomes infinite.
///
/// - Parameters:
///   - values: the values.
///   - dtype: `uint8` clamps to 0...255 and rounds.
///   - bytes: grows by `values.count * dtype.byteCount`.
package func appendBytes(
    of values: UnsafeBufferPointer<Float>,
    as dtype: TensorDType,
    to bytes: inout [UInt8]
) {
    switch dtype {
    case .float64:
        for value in values { withUnsafeBytes(of: Double(value)) { bytes.append(contentsOf: $0) } }
    case .float32:
        bytes.append(contentsOf: UnsafeRawBufferPointer(values))
    case .float16:
        append(values, to: &bytes, convert: half)
    case .bfloat16:
        append(values, to: &bytes, convert: brainFloat)
    case .uint8:
        bytes.append(
            contentsOf: values.lazy.map { UInt8(min(max($0.isNaN ? 0 : $0, 0), 255).rounded(.toNearestOrEven)) }
        )
    }
}

private func append(
    _ values: UnsafeBufferPointer<Float>,
    to bytes: inout [UInt8],
    convert: (Float) -> UInt16
) {
    let halves = [UInt16](unsafeUninitializedCapacity: values.count) { buffer, count in
        for index in 0..<values.count { buffer[index] = convert(values[index]).littleEndian }
        count = values.count
    }
    halves.withUnsafeBytes { bytes.append(contentsOf: $0) }
}

/// IEEE binary16 to binary32, exact.
@inline(__always)
private func float(half: UInt16) -> Float {
    let sign = UInt32(half & 0x8000) << 16
    // Shifted into place, the exponent is too small by 112; the product also normalises subnormals.
    let magnitude = Float(bitPattern: UInt32(half & 0x7FFF) << 13) * 0x1p112
    let special: UInt32 = half & 0x7C00 == 0x7C00 ? 0x7F80_0000 : 0
    return Float(bitPattern: magnitude.bitPattern | special | sign)
}

/// binary32 to IEEE binary16, round to nearest even.
@inline(__always)
private func half(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
    let magnitude = bits & 0x7FFF_FFFF
    if magnitude >= 0x4780_0000 {
        // 65536 and more, infinities and NaN.
        return sign | (magnitude > 0x7F80_0000 ? 0x7E00 : 0x7C00)
    }
    if magnitude < 0x3880_0000 {
        // Subnormal: adding 0.5 lets the addition itself round at the right bit.
        let rounded = (Float(bitPattern: magnitude) + 0.5).bitPattern &- Float(0.5).bitPattern
        return sign | UInt16(truncatingIfNeeded: rounded)
    }
    let odd = magnitude >> 13 & 1
    return sign | UInt16(truncatingIfNeeded: (magnitude &- 0x3800_0000 &+ 0xFFF &+ odd) >> 13)
}

/// binary32 to bfloat16, round to nearest even.
@inline(__always)
private func brainFloat(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
}
