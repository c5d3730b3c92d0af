// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import HTTPTypes
import Service

/// What the commands on files share: the model, the files, the parameters of the HTTP API.
struct FileOptions: ParsableArguments {
    @Option(help: "Model folder.")
    var model = ProcessInfo.processInfo.environment["UAE_MODEL"] ?? "models/default"

    @Option(help: "Classification head (safetensors) instead of the model's own.")
    var head: String?

    @Option(help: "Threads; default: the CPUs that the process may use.")
    var threads: Int?

    @Option(
        name: [.short, .customLong("parameter")],
        help: "A parameter of the HTTP API, such as keep=64; repeatable."
    )
    var parameter: [String] = []

    @Argument(help: "Images, latents, or folders of them.")
    var paths: [String]

    private static let extensions: Set<String> = ["jpg", "jpeg", "png", "npy", "safetensors"]

    func session() throws -> OfflineSession {
        var configuration = ServiceConfiguration()
        configuration.model = model
        configuration.head = head
        configuration.threads = threads
        do {
            return try OfflineSession(configuration)
        } catch {
            throw CommandFailure("\(error)", exitCode: error.exitCode)
        }
    }

    func parameters() throws -> [(name: String, value: String)] {
        try parameter.map { text in
            let halves = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2 else { throw ValidationError("'\(text)' is not NAME=VALUE") }
            return (String(halves[0]), String(halves[1]))
        }
    }

    /// The files that the paths name; folders are searched recursively, in order of name.
    func files() throws -> [String] {
        try paths.flatMap { path -> [String] in
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
                throw CommandFailure("\(path): there is no such file", exitCode: 66)
            }
            if !isDirectory.boolValue { return [path] }
            let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
            return names.filter { Self.extensions.contains(URL(filePath: $0).pathExtension.lowercased()) }
                .sorted().map { path + "/" + $0 }
        }
    }
}

/// A failure that ends a command with one line and an exit code.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String
    let exitCode: Int32

    init(_ description: String, exitCode: Int32) {
        self.description = description
        self.exitCode = exitCode
    }
}
