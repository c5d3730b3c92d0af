// SPDX-License-Identifier: Apache-2.0

import Foundation
import TensorFiles

extension ModelError: CustomStringConvertible {
    /// One sentence for the person who started the server.
    package var description: String {
        switch self {
        case .unreadable(let path, let code): "\(path): \(Self.text(of: code))"
        case .notAModelFolder(let path, let isPublished):
            "\(path) is not a model folder: it has no config.json"
                + (isPublished ? "; to convert a published model, run: uae convert \(path) MODEL_DIR" : "")
        case .tooLong(let path, let bytes, let limit): "\(path): \(bytes) bytes or more; the limit is \(limit)"
        case .configuration(let path, let error): "\(path): \(error)"
        case .bandSplit(let path, let error): "\(path): the band cut is impossible: \(error)"
        case .weights(let path, let error): Self.sentence(path, error)
        case .foreign(let path, let content): "\(path): \(content)"
        case .weightNotFinite(let path, let tensor, let index, let value):
            "\(path): the tensor \(printable(tensor)) is \(value.isNaN ? "NaN" : "\(value)") at index \(index); weights must be finite"
        case .weightTooLargeForHalf(let path, let tensor, let index, let value):
            "\(path): the tensor \(printable(tensor)) is \(value) at index \(index); float16 holds at most 65504: "
                + "use --weight-storage float32"
        case .resultNotFinite(let path):
            "\(path): a grey image gives values that are NaN or infinite; the weights do not belong together"
        case .memoryExceeded(let path, let use, let bytes, let limit):
            "\(path): the model needs \(bytes >> 20) MB of \(use.rawValue); the limit is \(limit >> 20) MB"
        case .noMemory(let path, let use, let bytes):
            "\(path): the system refuses \(bytes >> 20) MB of \(use.rawValue); see ulimit -v"
        case .positionsNotSquare(let tensor, let rows):
            "\(tensor) has \(rows) rows, not a class token plus a square grid"
        case .statisticsInvalid(let tensor, let index, let value):
            "the statistics' \(tensor) is \(value) at index \(index); it must be finite, and a variance positive"
        case .headShape(let path, let channels, let found):
            "\(path): weight must be [classes, \(channels)], found \(found)"
        case .packingOrder(let place, let value, let limit):
            "packing.order is \(value) at index \(place); its values must be distinct integers below \(limit)"
        case .matrixProducts(let error): "\(error)"
        case .labelsNotText(let path): "\(path) is not UTF-8"
        case .labelsMalformed(let path): "\(path): the metadata labels must be a JSON list of texts, or one text a line"
        case .labelCount(let path, let expected, let found):
            "\(path): \(found) labels, the head has \(expected) classes"
        case .labelsWithoutHead(let path): "\(path): labels for a model without a classification head"
        }
    }

    private static func sentence(_ path: String, _ error: TensorFileError) -> String {
        switch error {
        case .cannotOpen(_, let code), .cannotMap(_, let code): "\(path): \(text(of: code))"
        case .notRegular: "\(path): not a regular file"
        case .malformed(_, let reason): "\(path): not a safetensors file: \(reason)"
        case .missingTensor(_, let name): "\(path): the tensor \(name) is missing"
        case .wrongShape(_, let name, let expected, let found):
            "\(path): the tensor \(name) has the shape \(found), must have \(expected)"
        case .wrongDType(_, let name, let expected, let found):
            "\(path): the tensor \(name) is \(found), must be \(expected.joined(separator: ", "))"
        }
    }

    private static func text(of code: Int32) -> String {
        String(cString: strerror(code))
    }
}
