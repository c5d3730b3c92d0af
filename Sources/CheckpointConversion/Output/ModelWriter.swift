// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Foundation
import TensorFiles

/// Writes a model folder as a whole or not at all.
///
/// Everything goes into a folder beside the target, which is loaded as the server would load it and then renamed.
final class ModelWriter {
    private let target: String
    /// The folder that is renamed at the end.
    let staging: String
    private var isFinished = false

    /// Elements that are read, checked and written at a time.
    private static let pieceCount = 1 << 18

    /// - Parameter target: the model folder; must not be there, or be empty.
    /// - Throws: `.targetExists`, `.cannotWrite`.
    init(target: String) throws(ConversionError) {
        let url = URL(filePath: target).standardizedFileURL
        self.target = url.path().hasSuffix("/") ? String(url.path().dropLast()) : url.path()
        if SourceTree.kind(of: self.target) != .nothing {
            let content = try? FileManager.default.contentsOfDirectory(atPath: self.target)
            guard content == [] else { throw .targetExists(path: target) }
        }
        let parent = url.deletingLastPathComponent().path()
        do {
            try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        } catch {
            throw .cannotWrite(path: parent, errno: errno)
        }
        var template = Array((self.target + ".partial-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw .cannotWrite(path: self.target, errno: errno) }
        staging = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        chmod(staging, 0o755)
    }

    deinit {
        if !isFinished { Self.remove(staging) }
    }

    static func remove(_ folder: String) {
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Writes the tensors that the model needs, in checkpoint order.
    ///
    /// Half types stay as they are, float64 becomes float32. A tensor with a value that is not finite is refused.
    ///
    /// - Returns: how many numbers were written.
    func writeWeights(
        _ required: [(name: String, shape: [Int])],
        of table: TensorTable
    ) throws(ConversionError) -> Int {
        let missing = required.count { table.values[$0.name] == nil }
        var tensors: [(name: String, tensor: StoredTensor)] = []
        for entry in required {
            tensors.append((entry.name, try table.required(entry.name, shape: entry.shape, missing: missing)))
        }
        for entry in tensors {
            if let (index, value) = entry.tensor.firstNonFinite() {
                throw .tensorNotFinite(
                    path: table.origin(of: entry.name),
                    tensor: entry.name,
                    index: index,
                    value: value
                )
            }
        }
        do throws(OutputFileError) {
            try write(tensors)
        } catch {
            throw .output(error)
        }
        return tensors.reduce(0) { $0 + $1.tensor.count }
    }

    private func write(_ tensors: [(name: String, tensor: StoredTensor)]) throws(OutputFileError) {
        let file = try OutputFile(staging + "/model.safetensors")
        try file.write(
            safetensorsHeader(
                tensors.map { ($0.name, $0.tensor.shape, $0.tensor.elementType.tensorDType ?? .float32) },
                metadata: [("format", "uae-model")]
            )
        )
        for (_, tensor) in tensors {
            if tensor.elementType.tensorDType != nil {
                try tensor.forEachRawPiece(Self.pieceCount) { (piece) throws(OutputFileError) in try file.write(piece) }
            } else {
                try tensor.forEachPiece(Self.pieceCount) { (piece) throws(OutputFileError) in
                    try file.write(UnsafeRawBufferPointer(piece))
                }
            }
        }
        try file.close()
    }

    func writeStatistics(_ statistics: StatisticsSource, shape: [Int]) throws(ConversionError) {
        try write(
            "stats.safetensors",
            writeSafetensors([
                OutgoingTensor(name: "mean", shape: shape, dtype: .float32, values: statistics.mean),
                OutgoingTensor(name: "var", shape: shape, dtype: .float32, values: statistics.variance),
            ])
        )
    }

    func write(_ name: String, _ bytes: [UInt8]) throws(ConversionError) {
        do throws(OutputFileError) {
            let file = try OutputFile(staging + "/" + name)
            try file.write(bytes)
            try file.close()
        } catch {
            throw .output(error)
        }
    }

    func copy(_ path: String, to name: String) throws(ConversionError) {
        guard SourceTree.kind(of: path) == .file else { throw .sourceMissing(path: path) }
        do {
            try FileManager.default.copyItem(atPath: path, toPath: staging + "/" + name)
        } catch {
            throw .cannotWrite(path: staging + "/" + name, errno: errno)
        }
    }

    /// Loads the folder as a server would, then gives it its name.
    func finish() throws(ConversionError) {
        do {
            _ = try AutoencoderModel(directory: staging)
        } catch {
            throw .resultUnusable(error)
        }
        guard rename(staging, target) == 0 else { throw .cannotWrite(path: target, errno: errno) }
        isFinished = true
    }
}
