// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a supported array.
package enum NPYError: Error, Equatable {
    case notNPY
    case unsupportedVersion(major: UInt8)
    case headerBeyondEnd(bytes: Int, available: Int)
    case malformedHeader
    case fortranOrder
    case dtypeUnsupported(String)
    case shapeOverflow
    case tooManyElements(count: Int, limit: Int)
    case lengthMismatch(expected: Int, found: Int)
}

/// Reads a numpy array file of version 1, 2 or 3.
///
/// - Parameters:
///   - bytes: the whole file.
///   - maximumElements: refused before anything of that size is allocated.
/// - Returns: the array.
/// - Throws: `NPYError`.
/// - Source: numpy's `numpy.lib.format`.
package func readNPY(_ bytes: UnsafeRawBufferPointer, maximumElements: Int) throws(NPYError) -> TensorArray {
    guard bytes.count >= 10, bytes[..<6].elementsEqual([0x93] + Array("NUMPY".utf8)) else { throw .notNPY }
    let major = bytes[6]
    guard (1...3).contains(major) else { throw .unsupportedVersion(major: major) }
    let prefix = major == 1 ? 10 : 12
    guard bytes.count >= prefix else { throw .notNPY }
    let length =
        major == 1
        ? Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self)))
        : Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)))
    guard length <= bytes.count - prefix, length <= 65_536 else {
        throw .headerBeyondEnd(bytes: length, available: bytes.count - prefix)
    }
    guard let text = String(validating: bytes[prefix..<prefix + length], as: UTF8.self) else { throw .malformedHeader }
    var header = NPYHeader(text)
    guard let fields = header.parse() else { throw .malformedHeader }
    guard !fields.isFortranOrder else { throw .fortranOrder }
    guard let dtype = TensorDType.allCases.first(where: { $0.npyDescription == fields.description }) else {
        throw .dtypeUnsupported(String(fields.description.prefix(32)))
    }
    guard let count = elementCount(fields.shape), let byteCount = elementCount([count, dtype.byteCount]) else {
        throw .shapeOverflow
    }
    guard count <= maximumElements else { throw .tooManyElements(count: count, limit: maximumElements) }
    let data = UnsafeRawBufferPointer(rebasing: bytes[(prefix + length)...])
    guard data.count == byteCount else { throw .lengthMismatch(expected: byteCount, found: data.count) }
    return TensorArray(shape: fields.shape, values: floats(from: data, dtype: dtype))
}

/// Writes a numpy array file of version 1.0, C order.
///
/// - Throws: `NPYError.dtypeUnsupported` for bfloat16, which numpy lacks.
package func writeNPY(shape: [Int], dtype: TensorDType, values: [Float]) throws(NPYError) -> [UInt8] {
    guard let description = dtype.npyDescription else { throw .dtypeUnsupported(dtype.rawValue) }
    let axes = shape.map { "\($0)," }.joined(separator: " ")
    let tuple = shape.count > 1 ? String(axes.dropLast()) : axes
    var header = "{'descr': '\(description)', 'fortran_order': False, 'shape': (\(tuple)), }"
    // The data begins at a multiple of 64, the header ends in a newline.
    header += String(repeating: " ", count: (64 - (10 + header.utf8.count + 1) % 64) % 64) + "\n"
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
    withUnsafeBytes(of: UInt16(header.utf8.count).littleEndian) { bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: header.utf8)
    values.withUnsafeBufferPointer { appendBytes(of: $0, as: dtype, to: &bytes) }
    return bytes
}

/// The header's Python dictionary literal: just the three members that the format defines, in any order.
private struct NPYHeader {
    private var text: Substring

    init(_ text: String) {
        self.text = Substring(text)
    }

    mutating func parse() -> (description: String, isFortranOrder: Bool, shape: [Int])? {
        var description: String?
        var isFortranOrder: Bool?
        var shape: [Int]?
        guard take("{") else { return nil }
        while !take("}") {
            guard let key = quoted(), take(":") else { return nil }
            switch key {
            case "descr" where description == nil: description = quoted()
            case "fortran_order" where isFortranOrder == nil:
                isFortranOrder = take("True") ? true : take("False") ? false : nil
            case "shape" where shape == nil: shape = tuple()
            default: return nil
            }
            if !take(","), !text.drop(while: \.isWhitespace).hasPrefix("}") { return nil }
        }
        guard let description, let isFortranOrder, let shape, text.allSatisfy(\.isWhitespace) else { return nil }
        return (description, isFortranOrder, shape)
    }

    private mutating func take(_ token: String) -> Bool {
        let rest = text.drop(while: \.isWhitespace)
        guard rest.hasPrefix(token) else { return false }
        text = rest.dropFirst(token.count)
        return true
    }

    private mutating func quoted() -> String? {
        guard let quote = ["'", "\""].first(where: { take($0) }), let end = text.firstIndex(of: Character(quote)) else {
            return nil
        }
        defer { text = text[text.index(after: end)...] }
        return String(text[..<end])
    }

    private mutating func tuple() -> [Int]? {
        guard take("(") else { return nil }
        var axes: [Int] = []
        while !take(")") {
            text = text.drop(while: \.isWhitespace)
            let digits = text.prefix { $0.isASCII && $0.isNumber }
            guard let axis = Int(digits), axes.count < 16 else { return nil }
            text = text.dropFirst(digits.count)
            axes.append(axis)
            if !take(","), !text.drop(while: \.isWhitespace).hasPrefix(")") { return nil }
        }
        return axes
    }
}
