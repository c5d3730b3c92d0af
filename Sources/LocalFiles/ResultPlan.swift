// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Which file becomes which results, decided before any work begins.
///
/// No two inputs share a result, and no result is an input, however links spell their paths.
package struct ResultPlan: Sendable {
    /// Where results go.
    package enum Destination: Sendable, Equatable {
        case standardOutput
        /// One file, device or FIFO.
        case file(String)
        /// A folder that mirrors the folders of the inputs.
        case folder(String)
    }

    /// How a result in a folder is named.
    package struct Naming: Sendable {
        /// What replaces the input's extension, such as `.npy`: one for each result of an input, all different.
        let suffixes: [String]
        /// Whether the suffix is appended instead: `a.png.npy`.
        let keepsExtensions: Bool

        package init(suffixes: [String], keepsExtensions: Bool = false) {
            self.suffixes = suffixes
            self.keepsExtensions = keepsExtensions
        }

        package init(suffix: String, keepsExtensions: Bool = false) {
            self.init(suffixes: [suffix], keepsExtensions: keepsExtensions)
        }
    }

    package let destination: Destination
    /// The inputs, each of which has its own results.
    package private(set) var inputs: [InputFile]
    /// Files in the searched folders that are results of an earlier run.
    package private(set) var earlierResultCount = 0
    private let naming: Naming

    /// - Parameters:
    ///   - search: the inputs.
    ///   - destination: where results go.
    ///   - naming: of results in folders.
    /// - Throws: `LocalFileError.sharedTarget`, `.targetIsInput`.
    package init(_ search: InputSearch, destination: Destination, naming: Naming) throws(LocalFileError) {
        self.destination = destination
        inputs = search.files
        self.naming = naming
        // Nothing is replaced there.
        if destination != .standardOutput { try check() }
    }

    /// Where results go.
    ///
    /// - Parameters:
    ///   - search: the inputs.
    ///   - output: the value of `-o`: a file or folder, `-` for standard output; nil: the working folder, or standard
    ///     output for standard input.
    ///   - resultsPerInput: how many results an input has.
    /// - Returns: the place.
    /// - Throws: `LocalFileError.oneResultOnly`.
    package static func destination(
        _ search: InputSearch,
        _ output: String?,
        resultsPerInput: Int = 1
    ) throws(LocalFileError) -> Destination {
        let isSeveral = search.isSeveral || resultsPerInput > 1
        let isPipe = output == nil && !search.isSeveral && search.files.first?.isStandardInput == true
        if output == "-" || isPipe {
            guard !isSeveral else { throw .oneResultOnly(target: "standard output") }
            return .standardOutput
        }
        guard let output else { return .folder("") }
        let kind = FilePath.status(output)?.kind
        if kind == .folder || kind == nil && (output.hasSuffix("/") || isSeveral) { return .folder(output) }
        guard !isSeveral else { throw .oneResultOnly(target: output) }
        return .file(output)
    }

    /// The paths of an input's results, in the order of their suffixes.
    private func targets(of input: InputFile) -> [String] {
        naming.suffixes.indices.compactMap { target(of: input, result: $0) }
    }

    /// The path of one of an input's results; nil: standard output.
    package func target(of input: InputFile, result: Int = 0) -> String? {
        switch destination {
        case .standardOutput: return nil
        case .file(let path): return path
        case .folder(let folder):
            let tree = input.isStandardInput ? "stdin" : input.pathInTree
            let stem = naming.keepsExtensions ? tree : FilePath.splitExtension(tree).stem
            return FilePath.join(folder, stem + naming.suffixes[result])
        }
    }

    private mutating func check() throws(LocalFileError) {
        var targets: Set<FileIdentity> = []
        for target in inputs.flatMap(targets(of:)) {
            if let status = FilePath.status(target), status.kind == .regular { targets.insert(status.identity) }
        }
        var kept: [InputFile] = []
        var owners: [String: InputFile] = [:]
        for input in inputs {
            let own = self.targets(of: input)
            let status = input.isStandardInput ? nil : FilePath.status(input.path)
            if let status, targets.contains(status.identity) {
                // A second run in the same folder finds the results of the first.
                let isOwn = own.contains { FilePath.status($0)?.identity == status.identity }
                guard input.folder != nil, !isOwn else {
                    throw .targetIsInput(target: targetName(of: status.identity) ?? own[0], input: input.path)
                }
                earlierResultCount += 1
                continue
            }
            var isRepeated = false
            for target in own {
                guard let owner = owners.updateValue(input, forKey: FilePath.canonical(target)) else { continue }
                // The same file, named twice.
                guard let status, FilePath.status(owner.path)?.identity == status.identity else {
                    throw .sharedTarget(target: target, first: owner.path, second: input.path)
                }
                isRepeated = true
            }
            if !isRepeated { kept.append(input) }
        }
        inputs = kept
    }

    private func targetName(of identity: FileIdentity) -> String? {
        inputs.lazy.flatMap(targets(of:)).first { FilePath.status($0)?.identity == identity }
    }

    /// Whether an input has all its results from an earlier run.
    package func hasResult(_ input: InputFile) -> Bool { missingResults(of: input).isEmpty }

    /// Which results of an input an earlier run did not leave, by the places of their suffixes.
    ///
    /// An empty file is no result: `mktemp` leaves one.
    package func missingResults(of input: InputFile) -> [Int] {
        naming.suffixes.indices.filter { result in
            guard let status = target(of: input, result: result).flatMap(FilePath.status) else { return true }
            return status.kind != .regular || status.st_size == 0
        }
    }

    /// Creates the folder of the results and checks that it can be written, before minutes are spent on them.
    ///
    /// - Throws: `LocalFileError.cannotCreate`, `.cannotWrite`.
    package func prepare() throws(LocalFileError) {
        switch destination {
        case .standardOutput: return
        case .folder(let folder):
            let folder = folder.isEmpty ? "." : folder
            try FilePath.makeFolder(folder)
            guard access(folder, W_OK | X_OK) == 0 else { throw .cannotCreate(path: folder, errno: errno) }
        case .file(let path):
            if let status = FilePath.status(path), status.kind == .other {
                guard access(path, W_OK) == 0 else { throw .cannotWrite(path: path, errno: errno) }
            } else {
                let folder = FilePath.split(FilePath.canonical(path)).folder
                guard access(folder, W_OK | X_OK) == 0 else { throw .cannotCreate(path: path, errno: errno) }
            }
        }
    }
}
