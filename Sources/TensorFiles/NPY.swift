// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a supported array.
package enum NPYError: Error, Equatable {
    case notNPY
    case unsupportedVersion(major: UInt8)
    case headerBeyondEnd(bytes: Int, available: Int)
    case malformedHeader
    /// The `descr` of the header, such as `<i8`.
    case dtypeUnsupported(String)
    case shapeOverflow
    case tooManyElements(count: Int, limit: Int)
    case lengthMismatch(expected: Int, found: Int)
}

/// Reads a numpy array file of version 1, 2 or 3, in C or Fortran order and in either byte order.
///
/// - Parameters:
///   - bytes: the whole file.
///   - maximumElements: refused before anything of that size is allocated.
///   - dtypes: the element types to accept.
/// - Returns: the array in C order.
/// - Throws: `NPYError`.
package func readNPY(
    _ bytes: UnsafeRawBufferPointer,
    maximumElements: Int,
    dtypes: [TensorDType] = TensorDType.allCases
) throws(NPYError) -> TensorArray {
    let header = try NPYHeader(bytes)
    try header.check(maximumElements: maximumElements, dtypes: dtypes)
    let data = UnsafeRawBufferPointer(rebasing: bytes[header.dataStart...])
    guard data.count == header.byteCount else {
        throw .lengthMismatch(expected: header.byteCount, found: data.count)
    }
    let stored =
        header.isBigEndian
        ? swapped(data, width: header.dtype.byteCount).withUnsafeBytes { floats(from: $0, dtype: header.dtype) }
        : floats(from: data, dtype: header.dtype)
    let values = header.isFortranOrder ? inCOrder(stored, shape: header.shape) : stored
    return TensorArray(shape: header.shape, values: values)
}

/// The elements with their bytes in the other order.
private func swapped(_ data: UnsafeRawBufferPointer, width: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: data.count) { out, count in
        for start in stride(from: 0, to: data.count, by: width) {
            for byte in 0..<width { out[start + byte] = data[start + width - 1 - byte] }
        }
        count = data.count
    }
}

/// Values whose first axis varies fastest, rearranged so that the last one does.
private func inCOrder(_ values: [Float], shape: [Int]) -> [Float] {
    guard shape.count > 1, !values.isEmpty else { return values }
    var strides: [Int] = []
    for axis in shape.indices { strides.append(axis == 0 ? 1 : strides[axis - 1] * shape[axis - 1]) }
    var index = [Int](repeating: 0, count: shape.count)
    var place = 0
    return [Float](unsafeUninitializedCapacity: values.count) { out, count in
        for element in values.indices {
            out[element] = values[place]
            for axis in shape.indices.reversed() {
                index[axis] += 1
                place += strides[axis]
                if index[axis] < shape[axis] { break }
                place -= shape[axis] * strides[axis]
                index[axis] = 0
            }
        }
        count = values.count
    }
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
