// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Foundation
import TensorFiles

/// Writes a model folder completely or not at all.
///
/// The files are written to a folder beside the target, which is loaded as the server loads it and then renamed.
final class ModelWriter {
    private let target: String
    /// The folder that is renamed at the end.
    let staging: String
    /// Folders above the target that were made for it, outermost first.
    private var parents: [String] = []
    private let isInterrupted: () -> Bool
    private var isFinished = false

    /// Elements that are read, checked and written at a time.
    private static let pieceCount = 1 << 18

    /// - Parameters:
    ///   - target: the model folder; must not be there, or be an empty folder.
    ///   - isInterrupted: asked between pieces of work.
    /// - Throws: `.targetExists`, `.cannotWrite`.
    init(target: String, isInterrupted: @escaping () -> Bool) throws(ConversionError) {
        let url = URL(filePath: target).standardizedFileURL
        let path = url.path(percentEncoded: false)
        self.target = path.hasSuffix("/") ? String(path.dropLast()) : path
        staging = self.target + ".partial-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        self.isInterrupted = isInterrupted
        var status = stat()
        if lstat(self.target, &status) == 0 {
            let content = try? FileManager.default.contentsOfDirectory(atPath: self.target)
            guard status.st_mode & S_IFMT == S_IFDIR, content == [] else { throw .targetExists(path: target) }
        }
        var parent = url.deletingLastPathComponent()
        var missing: [String] = []
        while SourceTree.kind(of: parent.path(percentEncoded: false)) == .nothing {
            missing.append(parent.path(percentEncoded: false))
            parent = parent.deletingLastPathComponent()
        }
        for folder in missing.reversed() + [staging] {
            guard mkdir(folder, 0o777) == 0 else {
                let code = errno
                remove()
                throw .cannotWrite(path: folder, errno: code)
            }
            if folder != staging { parents.append(folder) }
        }
    }

    deinit {
        if !isFinished { remove() }
    }

    /// Removes all written files.
    private func remove() {
        try? FileManager.default.removeItem(atPath: staging)
        for folder in parents.reversed() { rmdir(folder) }
    }

    private func checkInterruption() throws(ConversionError) {
        if isInterrupted() { throw .interrupted }
    }

    /// Writes the tensors that the model needs, in checkpoint order.
    ///
    /// Half types are unchanged, float64 becomes float32. A tensor with a value that is not finite is refused.
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
            try checkInterruption()
            if let (index, value) = entry.tensor.firstNonFinite() {
                throw .tensorNotFinite(
                    path: table.origin(of: entry.name),
                    tensor: entry.name,
                    index: index,
                    value: value
                )
            }
        }
        try write(tensors)
        return tensors.reduce(0) { $0 + $1.tensor.count }
    }

    private func write(_ tensors: [(name: String, tensor: StoredTensor)]) throws(ConversionError) {
        try withOutput { () throws(OutputFileError) in
            let file = try OutputFile(staging + "/model.safetensors")
            try file.write(
                safetensorsHeader(
                    tensors.map { ($0.name, $0.tensor.shape, $0.tensor.elementType.tensorDType ?? .float32) },
                    metadata: [("format", "uae-model")]
                )
            )
            for (_, tensor) in tensors where !isInterrupted() {
                if tensor.elementType.tensorDType != nil {
                    try tensor.forEachRawPiece(Self.pieceCount) { (piece) throws(OutputFileError) in
                        try file.write(piece)
                    }
                } else {
                    try tensor.forEachPiece(Self.pieceCount) { (piece) throws(OutputFileError) in
                        try file.write(UnsafeRawBufferPointer(piece))
                    }
                }
            }
            try file.close()
        }
        try checkInterruption()
    }

    private func withOutput(_ body: () throws(OutputFileError) -> Void) throws(ConversionError) {
        do {
            try body()
        } catch {
            throw .output(error)
        }
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
        try withOutput { () throws(OutputFileError) in
            let file = try OutputFile(staging + "/" + name)
            try file.write(bytes)
            try file.close()
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

    /// Loads the folder as the server does, then renames it.
    func finish() throws(ConversionError) {
        do {
            _ = try AutoencoderModel(directory: staging)
        } catch {
            throw .resultUnusable(error)
        }
        try checkInterruption()
        guard rename(staging, target) == 0 else { throw .cannotWrite(path: target, errno: errno) }
        isFinished = true
    }
}
