// SPDX-License-Identifier: Apache-2.0

/// One tensor of a safetensors header.
package struct TensorEntry: Sendable, Equatable {
    package let name: String
    /// As in the file, such as `F32`; types that this project does not support are listed too.
    package let dtypeCode: String
    package let shape: [Int]
    /// Place in the data part.
    package let byteRange: Range<Int>

    /// nil: a type that cannot be read here.
    package var dtype: TensorDType? { TensorDType(safetensorsCode: dtypeCode) }
}

/// Why bytes are not safetensors.
///
/// One case a check, as the format's README lists them.
package enum SafetensorsError: Error, Equatable {
    /// Another kind of file altogether.
    case foreign(ForeignContent)
    case tooShort(bytes: Int)
    case headerTooLong(bytes: UInt64, limit: Int)
    case headerBeyondEnd(bytes: UInt64, available: Int)
    case headerNotJSON(JSONError)
    case headerNotObject
    case malformedEntry(tensor: String)
    case malformedMetadata
    case unknownDType(tensor: String, code: String)
    case shapeOverflow(tensor: String)
    case lengthMismatch(tensor: String, expected: Int, found: Int)
    case offsetsBeyondEnd(tensor: String, end: Int, available: Int)
    /// Two tensors share bytes, or bytes belong to none.
    case notContiguous(tensor: String, expectedStart: Int, foundStart: Int)
    case trailingBytes(expected: Int, found: Int)
    /// `found`: the names that are there.
    case missingTensor(String, found: [String])
    case unreadableDType(tensor: String, code: String)
    case tooManyElements(tensor: String, count: Int, limit: Int)
}

/// The header of safetensors data, every length checked before it is used.
///
/// - Source: the format section of huggingface/safetensors' README.
package struct SafetensorsIndex: Sendable {
    /// By name.
    package let entries: [String: TensorEntry]
    package let metadata: [String: String]
    /// Where the data part begins, in bytes from the start.
    package let dataStart: Int

    /// Bytes per element of every type of the format.
    private static let widths = [
        "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
        "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8,
    ]

    /// - Parameters:
    ///   - bytes: the whole file or body.
    ///   - headerLimit: the longest header allowed, in bytes.
    /// - Throws: `SafetensorsError`.
    package init(_ bytes: UnsafeRawBufferPointer, headerLimit: Int = 25_000_000) throws(SafetensorsError) {
        if let content = ForeignContent(bytes) { throw .foreign(content) }
        guard bytes.count >= 8 else { throw .tooShort(bytes: bytes.count) }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(headerLimit) else { throw .headerTooLong(bytes: length, limit: headerLimit) }
        guard length <= UInt64(bytes.count - 8) else {
            throw .headerBeyondEnd(bytes: length, available: bytes.count - 8)
        }
        dataStart = 8 + Int(length)
        let header = [UInt8](bytes[8..<dataStart])
        let node: JSONNode
        do {
            node = try JSONParser.parse(header, depthLimit: 8, valueLimit: 1_000_000, textLimit: header.count)
        } catch {
            throw .headerNotJSON(error)
        }
        guard case .object(let members) = node else { throw .headerNotObject }
        var found: [TensorEntry] = []
        var metadata: [String: String] = [:]
        for member in members {
            if member.key == "__metadata__" {
                metadata = try Self.metadata(member.value)
            } else {
                found.append(try Self.entry(member))
            }
        }
        try Self.checkContiguous(found, available: bytes.count - dataStart)
        entries = Dictionary(uniqueKeysWithValues: found.map { ($0.name, $0) })
        self.metadata = metadata
    }

    private static func metadata(_ node: JSONNode) throws(SafetensorsError) -> [String: String] {
        // The reference library reads null as no metadata.
        if node == .null { return [:] }
        guard case .object(let members) = node else { throw .malformedMetadata }
        var metadata: [String: String] = [:]
        for member in members {
            guard case .string(let text) = member.value else { throw .malformedMetadata }
            metadata[member.key] = text.text ?? ""
        }
        return metadata
    }

    private static func entry(_ member: JSONMember) throws(SafetensorsError) -> TensorEntry {
        let name = member.key
        guard case .object(let fields) = member.value, fields.count == 3 else { throw .malformedEntry(tensor: name) }
        var code: String?
        var shape: [Int]?
        var offsets: [Int]?
        for field in fields {
            switch (field.key, field.value) {
            case ("dtype", .string(let text)): code = text.text
            case ("shape", let node): shape = integers(node)
            case ("data_offsets", let node): offsets = integers(node)
            default: throw .malformedEntry(tensor: name)
            }
        }
        guard let code, let shape, let offsets, offsets.count == 2, offsets[0] <= offsets[1] else {
            throw .malformedEntry(tensor: name)
        }
        guard let width = widths[code] else { throw .unknownDType(tensor: name, code: code) }
        guard let byteCount = elementCount(shape + [width]) else { throw .shapeOverflow(tensor: name) }
        guard byteCount == offsets[1] - offsets[0] else {
            throw .lengthMismatch(tensor: name, expected: byteCount, found: offsets[1] - offsets[0])
        }
        return TensorEntry(name: name, dtypeCode: code, shape: shape, byteRange: offsets[0]..<offsets[1])
    }

    private static func integers(_ node: JSONNode) -> [Int]? {
        guard case .array(let elements) = node, elements.count <= 16 else { return nil }
        let numbers = elements.compactMap { element -> Int? in
            guard case .number(let digits) = element, let number = Int(digits), number >= 0 else { return nil }
            return number
        }
        return numbers.count == elements.count ? numbers : nil
    }

    /// No hole and no overlap: a file with either could mean two things to two readers.
    private static func checkContiguous(_ entries: [TensorEntry], available: Int) throws(SafetensorsError) {
        var end = 0
        let ordered = entries.sorted {
            ($0.byteRange.lowerBound, $0.byteRange.upperBound) < ($1.byteRange.lowerBound, $1.byteRange.upperBound)
        }
        for entry in ordered {
            guard entry.byteRange.upperBound <= available else {
                throw .offsetsBeyondEnd(tensor: entry.name, end: entry.byteRange.upperBound, available: available)
            }
            guard entry.byteRange.lowerBound == end else {
                throw .notContiguous(tensor: entry.name, expectedStart: end, foundStart: entry.byteRange.lowerBound)
            }
            end = entry.byteRange.upperBound
        }
        guard end == available else { throw .trailingBytes(expected: end, found: available) }
    }
}

extension SafetensorsIndex {
    /// The tensor of that name, or the only one, whatever its name is.
    ///
    /// - Returns: its name; nil if there is neither.
    package func tensorName(preferring name: String) -> String? {
        if entries[name] != nil { return name }
        return entries.count == 1 ? entries.first?.key : nil
    }

    /// Reads one tensor of the data that this is the index of.
    ///
    /// - Parameters:
    ///   - name: the tensor.
    ///   - bytes: the whole data.
    ///   - maximumElements: refused before anything of that size is allocated.
    ///   - dtypes: the element types to accept.
    /// - Returns: the tensor.
    /// - Throws: `SafetensorsError`.
    package func tensor(
        _ name: String,
        in bytes: UnsafeRawBufferPointer,
        maximumElements: Int,
        dtypes: [TensorDType] = TensorDType.allCases
    ) throws(SafetensorsError) -> TensorArray {
        guard let entry = entries[name] else { throw .missingTensor(name, found: entries.keys.sorted()) }
        guard let dtype = entry.dtype, dtypes.contains(dtype) else {
            throw .unreadableDType(tensor: name, code: entry.dtypeCode)
        }
        let count = entry.byteRange.count / dtype.byteCount
        guard count <= maximumElements else {
            throw .tooManyElements(tensor: name, count: count, limit: maximumElements)
        }
        let start = dataStart + entry.byteRange.lowerBound
        let data = UnsafeRawBufferPointer(rebasing: bytes[start..<start + entry.byteRange.count])
        return TensorArray(shape: entry.shape, values: floats(from: data, dtype: dtype))
    }
}

/// Reads one tensor of safetensors data in memory.
///
/// - Parameters:
///   - name: the tensor.
///   - bytes: the whole data.
///   - maximumElements: refused before anything of that size is allocated.
/// - Returns: the tensor.
/// - Throws: `SafetensorsError`.
package func readSafetensorsTensor(
    named name: String,
    in bytes: UnsafeRawBufferPointer,
    maximumElements: Int
) throws(SafetensorsError) -> TensorArray {
    let index = try SafetensorsIndex(bytes, headerLimit: 1_000_000)
    return try index.tensor(name, in: bytes, maximumElements: maximumElements)
}

/// The elements of `bytes` as a new array.
package func floats(from bytes: UnsafeRawBufferPointer, dtype: TensorDType) -> [Float] {
    let count = bytes.count / dtype.byteCount
    return [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
        if let out = buffer.baseAddress { floats(from: bytes, dtype: dtype, into: out) }
        initialized = count
    }
}
