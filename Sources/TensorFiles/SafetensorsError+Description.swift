// SPDX-License-Identifier: Apache-2.0

extension SafetensorsError: CustomStringConvertible {
    /// A part of a sentence, for the person who gave the file.
    package var description: String {
        switch self {
        case .foreign(let content): "\(content)"
        case .tooShort(let bytes): "it ends early, after \(bytes) bytes; download or copy it again"
        case .headerTooLong(let bytes, let limit): "its header has \(bytes) bytes; the limit is \(limit)"
        case .headerBeyondEnd(let bytes, let available):
            "it ends early: its header has \(bytes) bytes, \(available) are there; download or copy it again"
        case .headerNotJSON(let error): "its header is not JSON: \(error)"
        case .headerNotObject: "its header is not a JSON object"
        case .malformedEntry(let tensor): "the entry of the tensor \(printable(tensor)) is malformed"
        case .malformedMetadata: "its metadata is not an object of strings"
        case .unknownDType(let tensor, let code):
            "the tensor \(printable(tensor)) has the unknown type \(printable(code))"
        case .shapeOverflow(let tensor): "the shape of the tensor \(printable(tensor)) is too large"
        case .lengthMismatch(let tensor, let expected, let found):
            "the tensor \(printable(tensor)) has \(found) bytes, its shape needs \(expected)"
        case .offsetsBeyondEnd(let tensor, let end, let available):
            "it ends early: the tensor \(printable(tensor)) ends at byte \(end), \(available) are there; "
                + "download or copy it again"
        case .notContiguous(let tensor, let expected, let found):
            "the tensor \(printable(tensor)) begins at byte \(found), must begin at \(expected)"
        case .trailingBytes(let expected, let found): "its data has \(found) bytes, must have \(expected)"
        case .missingTensor(let name, _): "the tensor \(printable(name)) is missing"
        case .unreadableDType(let tensor, let code):
            "the tensor \(printable(tensor)) has the type \(printable(code)), which is not supported"
        case .tooManyElements(let tensor, let count, let limit):
            "the tensor \(printable(tensor)) has \(count) elements; the limit is \(limit)"
        }
    }
}

extension JSONError: CustomStringConvertible {
    /// A part of a sentence, for the person who gave the file.
    package var description: String {
        switch self {
        case .unexpectedByte(let byte, let offset):
            "unexpected \(printable(String(UnicodeScalar(byte)))) at byte \(offset)"
        case .unexpectedEnd(let offset): "it ends early, after \(offset) bytes"
        case .tooDeep(let limit, let offset): "nested more than \(limit) deep at byte \(offset)"
        case .tooManyValues(let limit, _): "more than \(limit) values"
        case .duplicateKey(let key, let offset): "the member \(printable(key)) is there twice, at byte \(offset)"
        case .invalidNumber(let offset): "not a number at byte \(offset)"
        case .invalidString(let offset): "not a string at byte \(offset)"
        case .nameTooLong(let limit, let offset): "a member's name of more than \(limit) bytes at byte \(offset)"
        }
    }
}
