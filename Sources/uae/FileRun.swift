// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import HTTPWire
import Service

/// Processes files one after the other, with a progress bar on a terminal.
struct FileRun {
    /// The operation's name in the HTTP API.
    let operation: String
    let options: FileOptions
    /// Parameters that the command itself sets, unless the caller does.
    var defaults: [(name: String, value: String)] = []

    /// - Parameter take: gets each response.
    /// - Throws: `ExitCode.failure` if any file failed; each failure is one line on standard error.
    func callAsFunction(_ take: (_ path: String, _ response: Response) throws -> Void) async throws {
        do {
            try await run(take)
        } catch let failure as CommandFailure {
            FileHandle.standardError.write(Data("uae: \(failure)\n".utf8))
            throw ExitCode(failure.exitCode)
        }
    }

    private func run(_ take: (_ path: String, _ response: Response) throws -> Void) async throws {
        let files = try options.files()
        let given = try options.parameters()
        let parameters = given + defaults.filter { value in !given.contains { $0.name == value.name } }
        let session = try options.session()
        let showsProgress = isatty(STDERR_FILENO) == 1 && files.count > 1
        var failed = 0
        for (index, path) in files.enumerated() {
            do throws(Problem) {
                guard let data = FileManager.default.contents(atPath: path) else {
                    throw Problem(.notFound, "The file cannot be read.")
                }
                let response = try await session.response(
                    of: operation,
                    to: [UInt8](data),
                    parameters: parameters
                )
                do {
                    try take(path, response)
                } catch {
                    throw Problem(.internalError, "The result cannot be written: \(error.localizedDescription)")
                }
            } catch {
                failed += 1
                FileHandle.standardError.write(Data("uae: \(path): \(error.kind.rawValue): \(error.detail)\n".utf8))
            }
            if showsProgress { drawProgress(index + 1, of: files.count) }
        }
        if failed > 0 { throw ExitCode.failure }
    }

    private func drawProgress(_ done: Int, of total: Int) {
        let width = 40
        let filled = width * done / total
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        let end = done == total ? "\n" : ""
        FileHandle.standardError.write(Data("\r[\(bar)] \(done)/\(total)\(end)".utf8))
    }
}

/// Where results go.
struct OutputOption: ParsableArguments {
    @Option(name: .shortAndLong, help: "File (for one input) or folder for the results.")
    var output: String?

    /// Writes one result.
    ///
    /// - Returns: the path written.
    func write(_ bytes: [UInt8], for input: String, suffix: String) throws -> String {
        let name = URL(filePath: input).deletingPathExtension().lastPathComponent + suffix
        var path = name
        if let output {
            var isDirectory: ObjCBool = false
            let isThere = FileManager.default.fileExists(atPath: output, isDirectory: &isDirectory)
            let isFolder = isThere ? isDirectory.boolValue : output.hasSuffix("/")
            if isFolder, !isThere {
                try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
            }
            path = isFolder ? output + (output.hasSuffix("/") ? "" : "/") + name : output
        }
        try Data(bytes).write(to: URL(filePath: path), options: .atomic)
        return path
    }
}
