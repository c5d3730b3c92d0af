// SPDX-License-Identifier: Apache-2.0

import TensorFiles

/// One tensor in a checkpoint file.
///
/// Its elements stay in the file until they are read. Whoever creates a value checks that every element is inside the
/// stored bytes.
package struct StoredTensor: Sendable {
    package let elementType: ElementType
    package let shape: [Int]
    /// Elements from one index to the next, for each axis; none is negative.
    let strides: [Int]
    /// Elements before the first one.
    let offset: Int
    let bytes: StoredBytes

    /// Elements.
    package var count: Int { shape.reduce(1, *) }

    /// Row-major strides of a shape.
    static func contiguousStrides(of shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        // Without elements, the other axes may be too large to multiply.
        guard !shape.contains(0) else { return strides }
        for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * shape[axis + 1] }
        return strides
    }

    private var isContiguous: Bool {
        var expected = 1
        for axis in shape.indices.reversed() where shape[axis] != 1 {
            guard strides[axis] == expected else { return false }
            expected *= shape[axis]
        }
        return true
    }

    /// Passes the elements to `body` in row-major order, piece by piece, as stored: little-endian, any alignment.
    ///
    /// The memory in use stays small: pages of the file are released after each piece.
    ///
    /// - Parameters:
    ///   - maximumCount: elements in a piece; the last piece may have fewer.
    ///   - body: called with one piece after the other, valid inside it only.
    /// - Throws: what `body` throws.
    package func forEachRawPiece<Failure: Error>(
        _ maximumCount: Int,
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        precondition(maximumCount > 0)
        let count = count
        guard count > 0 else { return }
        let width = elementType.byteCount
        let pieceCount = min(count, maximumCount)
        try bytes.file.withBytes { (file) throws(Failure) in
            if isContiguous {
                var start = bytes.range.lowerBound + offset * width
                let end = start + count * width
                while start < end {
                    let next = min(end, start + pieceCount * width)
                    try body(UnsafeRawBufferPointer(rebasing: file[start..<next]))
                    bytes.file.releasePages(start..<next)
                    start = next
                }
            } else {
                let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceCount * width, alignment: 16)
                defer { piece.deallocate() }
                var place = ElementWalk(self)
                var left = count
                while left > 0 {
                    let taken = min(left, pieceCount)
                    let part = UnsafeMutableRawBufferPointer(rebasing: piece[..<(taken * width)])
                    place.gather(taken, from: UnsafeRawBufferPointer(rebasing: file[bytes.range]), into: part)
                    try body(UnsafeRawBufferPointer(part))
                    bytes.file.releasePages(bytes.range)
                    left -= taken
                }
            }
        }
    }

    /// Passes the elements to `body` in row-major order, piece by piece, as `Float`.
    ///
    /// - Parameters:
    ///   - maximumCount: elements in a piece; the last piece may have fewer.
    ///   - body: called with one piece after the other, valid inside it only.
    /// - Throws: what `body` throws.
    package func forEachPiece<Failure: Error>(
        _ maximumCount: Int,
        _ body: (UnsafeBufferPointer<Float>) throws(Failure) -> Void
    ) throws(Failure) {
        let floats = UnsafeMutableBufferPointer<Float>.allocate(capacity: min(count, maximumCount))
        defer { floats.deallocate() }
        floats.initialize(repeating: 0)
        try forEachRawPiece(maximumCount) { (piece) throws(Failure) in
            elementType.convert(piece, into: floats)
            try body(UnsafeBufferPointer(rebasing: floats[..<(piece.count / elementType.byteCount)]))
        }
    }

    /// All elements, row-major.
    package func floats() -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            forEachPiece(Self.pieceCount) { piece in
                _ = UnsafeMutableBufferPointer(rebasing: buffer[initialized...]).initialize(from: piece)
                initialized += piece.count
            }
        }
    }

    /// The first element that is NaN or infinite as a `Float`, by its row-major index; nil if all are finite.
    package func firstNonFinite() -> (index: Int, value: Float)? {
        guard elementType.isFloatingPoint else { return nil }
        var start = 0
        do throws(NonFinite) {
            try forEachPiece(Self.pieceCount) { (piece) throws(NonFinite) in
                if let index = piece.firstIndex(where: { !$0.isFinite }) {
                    throw NonFinite(index: start + index, value: piece[index])
                }
                start += piece.count
            }
            return nil
        } catch {
            return (error.index, error.value)
        }
    }

    /// Ends the walk through the pieces.
    private struct NonFinite: Error {
        let index: Int
        let value: Float
    }

    /// 1 MiB as `Float`.
    private static let pieceCount = 1 << 18
}

/// A walk through a tensor's elements in row-major order.
private struct ElementWalk {
    private let shape: [Int]
    private let strides: [Int]
    private let width: Int
    private var index: [Int]
    /// Of the next element, in elements.
    private var place: Int

    init(_ tensor: StoredTensor) {
        shape = tensor.shape
        strides = tensor.strides
        width = tensor.elementType.byteCount
        index = [Int](repeating: 0, count: shape.count)
        place = tensor.offset
    }

    mutating func gather(
        _ count: Int,
        from storage: UnsafeRawBufferPointer,
        into out: UnsafeMutableRawBufferPointer
    ) {
        for element in 0..<count {
            for byte in 0..<width { out[element * width + byte] = storage[place * width + byte] }
            advance()
        }
    }

    /// After the last element the walk is at the first again.
    private mutating func advance() {
        for axis in shape.indices.reversed() {
            index[axis] += 1
            place += strides[axis]
            if index[axis] < shape[axis] { return }
            place -= shape[axis] * strides[axis]
            index[axis] = 0
        }
    }
}

extension ElementType {
    /// Converts little-endian elements at any alignment.
    fileprivate func convert(_ bytes: UnsafeRawBufferPointer, into out: UnsafeMutableBufferPointer<Float>) {
        switch self {
        case .float32, .float16, .bfloat16, .uint8:
            guard let dtype = tensorDType, let start = out.baseAddress else { return }
            TensorFiles.floats(from: bytes, dtype: dtype, into: start)
        case .float64: convert(bytes, into: out) { Float(Double(bitPattern: $0)) }
        case .int64: convert(bytes, into: out) { Float(Int64(bitPattern: $0)) }
        case .int32: convert(bytes, into: out) { Float(Int32(bitPattern: $0)) }
        case .int16: convert(bytes, into: out) { Float(Int16(bitPattern: $0)) }
        case .int8: convert(bytes, into: out) { Float(Int8(bitPattern: $0)) }
        case .bool: convert(bytes, into: out) { (byte: UInt8) in byte == 0 ? 0 : 1 }
        }
    }

    private func convert<Bits: FixedWidthInteger & BitwiseCopyable>(
        _ bytes: UnsafeRawBufferPointer,
        into out: UnsafeMutableBufferPointer<Float>,
        _ value: (Bits) -> Float
    ) {
        let width = MemoryLayout<Bits>.size
        for index in 0..<bytes.count / width {
            out[index] = value(
                Bits(littleEndian: bytes.loadUnaligned(fromByteOffset: index * width, as: Bits.self))
            )
        }
    }
}
