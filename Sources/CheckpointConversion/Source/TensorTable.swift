// SPDX-License-Identifier: Apache-2.0

import Foundation
import TensorFiles

/// The tensors of a model by their names in the authors' checkpoints.
struct TensorTable {
    /// The file, for error messages.
    let path: String
    /// The files of tensors that were merged in.
    private var origins: [String: String] = [:]
    /// The note for a shape that does not fit assumed sizes.
    var assumption: String?
    private(set) var values: [String: CheckpointValue] = [:]

    /// - Parameters:
    /// - Throws: `.noTensors`.
    init(_ dictionary: CheckpointValue, path: String, entry: String) throws(ConversionError) {
        self.path = path
        guard case .dictionary(let members) = dictionary else { throw .noTensors(path: path, entry: entry) }
        for member in members {
            switch member.value {
            case .tensor, .other: values[member.key] = member.value
            case .none, .bool, .integer, .number, .text, .list, .dictionary: break
            }
        }
        guard !values.isEmpty else { throw .noTensors(path: path, entry: entry) }
        try removeWrapperPrefixes()
    }

    /// An empty table.
    init(path: String) {
        self.path = path
    }

    /// `torch.compile` puts `_orig_mod.` in front of what it wraps, at any level; `DataParallel` puts `module.` in
    /// front of all.
    private mutating func removeWrapperPrefixes() throws(ConversionError) {
        try rename { $0.replacing("_orig_mod.", with: "") }
        while values.keys.allSatisfy({ $0.hasPrefix("module.") }) {
            try rename { String($0.dropFirst("module.".count)) }
        }
    }

    /// Renames every tensor, and removes those for which `name` returns nil.
    ///
    /// - Throws: `.tensorTwice` if two tensors get the same name.
    mutating func rename(_ name: (String) -> String?) throws(ConversionError) {
        var renamed: [String: CheckpointValue] = [:]
        for (key, value) in values {
            guard let key = name(key) else { continue }
            guard renamed.updateValue(value, forKey: key) == nil else { throw .tensorTwice(path: path, tensor: key) }
        }
        values = renamed
    }

    mutating func merge(_ other: TensorTable) {
        values.merge(other.values) { _, new in new }
        for name in other.values.keys { origins[name] = other.path }
    }

    /// The file of a tensor.
    func origin(of name: String) -> String {
        origins[name] ?? path
    }

    /// A tensor's shape; nil if there is no such tensor.
    func shape(of name: String) -> [Int]? {
        guard case .tensor(let tensor)? = values[name] else { return nil }
        return tensor.shape
    }

    /// Puts a tensor in where the table has none of that name.
    mutating func setDefault(_ name: String, shape: [Int], values floats: @autoclosure () -> [Float]) {
        guard values[name] == nil else { return }
        values[name] = .tensor(StoredTensor(shape: shape, values: floats()))
    }

    /// A tensor with a shape that the model needs, its type one that weights may have.
    ///
    /// - Throws: `.tensorMissing`, `.tensorShape`, `.tensorType`.
    func required(_ name: String, shape: [Int], missing: Int) throws(ConversionError) -> StoredTensor {
        switch values[name] {
        case .tensor(let tensor):
            guard tensor.shape == shape else {
                throw .tensorShape(
                    path: origin(of: name),
                    tensor: name,
                    expected: shape,
                    found: tensor.shape,
                    assumption: assumption
                )
            }
            guard tensor.elementType.isFloatingPoint else {
                throw .tensorType(path: origin(of: name), tensor: name, found: tensor.elementType.rawValue)
            }
            return tensor
        case .other(let type): throw .tensorType(path: origin(of: name), tensor: name, found: type)
        case nil: throw .tensorMissing(path: path, tensor: name, others: missing - 1)
        case .some: throw .tensorMissing(path: path, tensor: name, others: 0)
        }
    }
}

extension StoredTensor {
    /// A tensor in memory.
    init(shape: [Int], values: [Float]) {
        let file = values.withUnsafeBytes { FileBytes(copying: $0) }
        self.init(
            elementType: .float32,
            shape: shape,
            strides: Self.contiguousStrides(of: shape),
            offset: 0,
            bytes: StoredBytes(file: file, range: 0..<values.count * MemoryLayout<Float>.stride)
        )
    }
}

extension TensorTable {
    /// Side of the square grid that a position table covers; nil if it covers none.
    static func gridSide(rows: Int, leadingRows: Int) -> Int? {
        let count = rows - leadingRows
        let side = Int(Double(max(count, 0)).squareRoot().rounded())
        return side > 0 && side * side == count ? side : nil
    }
}
