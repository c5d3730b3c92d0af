// SPDX-License-Identifier: Apache-2.0

/// A tensor on its way out.
package struct OutgoingTensor: Sendable {
    package let name: String
    package let shape: [Int]
    package let dtype: TensorDType
    package let values: [Float]

    package init(name: String, shape: [Int], dtype: TensorDType, values: [Float]) {
        self.name = name
        self.shape = shape
        self.dtype = dtype
        self.values = values
    }
}

/// Writes safetensors data: the tensors in the given order, the header padded so that the data is 8-byte aligned.
///
/// The same input gives the same bytes.
package func writeSafetensors(_ tensors: [OutgoingTensor], metadata: [(String, String)] = []) -> [UInt8] {
    let header = safetensorsHeader(
        tensors.map { ($0.name, $0.shape, $0.dtype) },
        metadata: metadata
    )
    var bytes = header
    for tensor in tensors {
        tensor.values.withUnsafeBufferPointer { appendBytes(of: $0, as: tensor.dtype, to: &bytes) }
    }
    return bytes
}

/// The length prefix and the header alone, for files whose data is written piece by piece.
package func safetensorsHeader(
    _ tensors: [(name: String, shape: [Int], dtype: TensorDType)],
    metadata: [(String, String)]
) -> [UInt8] {
    var text = "{"
    if !metadata.isEmpty {
        text += "\"__metadata__\":{"
        text += metadata.map { "\(jsonQuoted($0.0)):\(jsonQuoted($0.1))" }.joined(separator: ",")
        text += "}" + (tensors.isEmpty ? "" : ",")
    }
    var offset = 0
    let members = tensors.map { tensor -> String in
        let end = offset + tensor.shape.reduce(tensor.dtype.byteCount, *)
        defer { offset = end }
        let shape = tensor.shape.map(String.init).joined(separator: ",")
        return "\(jsonQuoted(tensor.name)):{\"dtype\":\"\(tensor.dtype.safetensorsCode)\",\"shape\":[\(shape)],"
            + "\"data_offsets\":[\(offset),\(end)]}"
    }
    text += members.joined(separator: ",") + "}"
    while text.utf8.count % 8 != 0 { text += " " }
    var bytes = withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { [UInt8]($0) }
    bytes.append(contentsOf: text.utf8)
    return bytes
}

/// A text as a JSON string, with its quotation marks.
package func jsonQuoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": out += "\\\""
        case "\\": out += "\\\\"
        case _ where scalar.value < 0x20:
            let digits = String(scalar.value, radix: 16)
            out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: out.unicodeScalars.append(scalar)
        }
    }
    return out + "\""
}
