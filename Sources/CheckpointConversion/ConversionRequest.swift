// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Foundation

/// What to convert, and how the model is to be called.
package struct ConversionRequest: Sendable {
    /// A model folder, the authors' repository root, a YAML, a checkpoint, or a `diffusers` folder.
    package var source: String
    /// The authors' YAML, where the source does not name it.
    package var configuration: String?
    /// A checkpoint that replaces the YAML's.
    package var checkpoint: String?
    /// The model's name; nil: the target folder's.
    package var name: String?
    /// The model's revision; nil: the beginning of the weights' digest.
    package var revision: String?
    /// A linear probe, safetensors with `weight` and `bias`.
    package var head: String?
    /// A text file with one category name a line.
    package var labels: String?

    package init(source: String) {
        self.source = source
    }

    /// Detects the kind and content of the source; writes nothing.
    func plan(name: String) throws(ConversionError) -> ConversionPlan {
        let absolute = URL(filePath: source).standardizedFileURL.path(percentEncoded: false)
        switch SourceTree.kind(of: absolute) {
        case .nothing: throw .sourceMissing(path: source)
        case .folder:
            if configuration == nil, DiffusersSource.isFolder(absolute) {
                guard checkpoint == nil else { throw .optionWithoutUse(option: "--checkpoint", source: source) }
                return try DiffusersSource.plan(folder: absolute, name: name)
            }
            return try AuthorsSource(
                configuration: try configurationPath(inFolder: absolute),
                root: absolute,
                checkpoint: try checkpointPath(inFolder: absolute)
            ).plan(name: name)
        case .file:
            if Self.isYAML(absolute) {
                guard configuration == nil else { throw .optionWithoutUse(option: "--config", source: source) }
                return try AuthorsSource(
                    configuration: absolute,
                    root: nil,
                    checkpoint: try checkpointPath(inFolder: nil)
                ).plan(name: name)
            }
            guard checkpoint == nil else { throw .optionWithoutUse(option: "--checkpoint", source: source) }
            guard let configuration else { throw .configurationNeeded(checkpoint: source) }
            guard SourceTree.kind(of: configuration) == .file else { throw .sourceMissing(path: configuration) }
            return try AuthorsSource(
                configuration: URL(filePath: configuration).standardizedFileURL.path(percentEncoded: false),
                root: nil,
                checkpoint: absolute
            ).plan(name: name)
        }
    }

    /// The checkpoint that the caller named, from here or from the source folder.
    private func checkpointPath(inFolder folder: String?) throws(ConversionError) -> String? {
        guard let checkpoint else { return nil }
        let paths = [checkpoint] + (folder.map { [SourceTree.joined($0, checkpoint)] } ?? [])
        if let path = paths.first(where: { SourceTree.kind(of: $0) == .file }) {
            return URL(filePath: path).standardizedFileURL.path(percentEncoded: false)
        }
        guard paths.allSatisfy({ SourceTree.kind(of: $0) == .nothing }) else { throw .notAFile(path: checkpoint) }
        throw .sourceMissing(path: checkpoint)
    }

    /// The configuration of a folder: the one that the caller named, from here or from the folder, else `config.yaml`,
    /// else the only YAML in it.
    private func configurationPath(inFolder folder: String) throws(ConversionError) -> String {
        if let configuration {
            for path in [configuration, SourceTree.joined(folder, configuration)]
            where SourceTree.kind(of: path) == .file {
                return URL(filePath: path).standardizedFileURL.path(percentEncoded: false)
            }
            throw .sourceMissing(path: configuration)
        }
        let path = SourceTree.joined(folder, "config.yaml")
        guard SourceTree.kind(of: path) == .file else {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            let own = names.filter { Self.isYAML($0) }
            if own.count == 1 { return SourceTree.joined(folder, own[0]) }
            if (try? AutoencoderModel.configuration(in: folder)) != nil { throw .alreadyConverted(folder: source) }
            throw .configurationMissing(folder: source, found: Self.configurations(below: folder))
        }
        return path
    }

    private static func isYAML(_ path: String) -> Bool {
        ["yaml", "yml"].contains(URL(filePath: path).pathExtension.lowercased())
    }

    /// The first few YAML files below a folder, for an error message.
    private static func configurations(below folder: String) -> [String] {
        guard let files = FileManager.default.enumerator(atPath: folder) else { return [] }
        var found: [String] = []
        var seen = 0
        for case let name as String in files {
            seen += 1
            if seen > 20_000 || found.count == 8 { break }
            if isYAML(name) { found.append(name) }
        }
        return found.sorted()
    }
}
