// SPDX-License-Identifier: Apache-2.0

/// The header of a numpy array file: what its data is.
///
/// - Source: numpy's `numpy.lib.format`.
package struct NPYHeader: Sendable {
    /// The longest header that is read, in bytes, with the 12 before it.
    package static let longest = 65_536 + 12

    package let shape: [Int]
    /// As in the file, such as `>f8`.
    let description: String
    let dtype: TensorDType
    let isBigEndian: Bool
    /// The first axis varies fastest.
    let isFortranOrder: Bool
    package let elementCount: Int
    /// Of the data.
    package let byteCount: Int
    /// Where the data begins, in bytes from the start of the file.
    package let dataStart: Int

    /// - Parameter bytes: the file, at least up to the end of its header.
    /// - Throws: `NPYError`.
    package init(_ bytes: UnsafeRawBufferPointer) throws(NPYError) {
        guard bytes.count >= 10, bytes[..<6].elementsEqual([0x93] + Array("NUMPY".utf8)) else { throw .notNPY }
        let major = bytes[6]
        guard (1...3).contains(major) else { throw .unsupportedVersion(major: major) }
        let prefix = major == 1 ? 10 : 12
        guard bytes.count >= prefix else { throw .notNPY }
        let length =
            major == 1
            ? Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self)))
            : Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)))
        guard length <= bytes.count - prefix, prefix + length <= Self.longest else {
            throw .headerBeyondEnd(bytes: length, available: bytes.count - prefix)
        }
        guard let text = String(validating: bytes[prefix..<prefix + length], as: UTF8.self) else {
            throw .malformedHeader
        }
        var dictionary = NPYDictionary(text)
        guard let fields = dictionary.parse() else { throw .malformedHeader }
        guard let dtype = TensorDType.allCases.first(where: { $0.isNumpy(fields.description) }) else {
            throw .dtypeUnsupported(fields.description)
        }
        guard let count = TensorFiles.elementCount(fields.shape),
            let byteCount = TensorFiles.elementCount([count, dtype.byteCount])
        else { throw .shapeOverflow }
        shape = fields.shape
        description = fields.description
        self.dtype = dtype
        isBigEndian = fields.description.hasPrefix(">")
        isFortranOrder = fields.isFortranOrder
        elementCount = count
        self.byteCount = byteCount
        dataStart = prefix + length
    }

    /// - Throws: `NPYError.dtypeUnsupported`, `.tooManyElements`.
    func check(maximumElements: Int, dtypes: [TensorDType]) throws(NPYError) {
        guard dtypes.contains(dtype) else { throw .dtypeUnsupported(description) }
        guard elementCount <= maximumElements else {
            throw .tooManyElements(count: elementCount, limit: maximumElements)
        }
    }
}

extension TensorDType {
    /// Whether a `descr` of an npy header means this type, in either byte order.
    fileprivate func isNumpy(_ text: String) -> Bool {
        guard let own = npyDescription else { return false }
        return text == own || (own.hasPrefix("<") && text == ">" + own.dropFirst())
    }
}

/// The header's Python dictionary literal: just the three members that the format defines, in any order.
private struct NPYDictionary {
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
            case "descr" where description == nil: description = quoted() ?? fieldList()
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

    /// The types of a structured array, `[('a', '<f4'), ...]`, which is no type of ours: skipped to its end.
    private mutating func fieldList() -> String? {
        let rest = text.drop(while: \.isWhitespace)
        guard rest.hasPrefix("["), let end = rest.lastIndex(of: "]") else { return nil }
        text = rest[rest.index(after: end)...]
        return String(rest[...end])
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
