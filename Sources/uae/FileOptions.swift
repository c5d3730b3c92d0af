// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Service

/// The model of a command, as `uae serve` would choose it.
struct ModelOptions: ParsableArguments {
    @Option(help: Self.help("model"))
    var model: String?

    @Option(help: Self.help("head"))
    var head: String?

    @Option(help: Self.help("labels"))
    var labels: String?

    @Option(help: Self.help("threads"))
    var threads: String?

    /// Settings of a server that these commands share with it.
    private static let names = ["model", "head", "labels", "threads"]

    private static func help(_ name: String) -> ArgumentHelp {
        guard let setting = Setting.named(name) else { return "" }
        return ArgumentHelp("\(setting.help) Default: \(setting.variable), else \(setting.defaultText).")
    }

    /// - Throws: `CommandFailure`.
    func session() throws -> OfflineSession {
        let values = zip(Self.names, [model, head, labels, threads])
        let flags = values.compactMap { name, value in value.map { (name, $0) } }
        do {
            let configuration = try ServiceConfiguration.merging(
                flags: Dictionary(uniqueKeysWithValues: flags),
                environment: ProcessInfo.processInfo.environment,
                file: nil,
                settings: Self.names.compactMap(Setting.named)
            )
            return try OfflineSession(configuration)
        } catch let error as SettingError {
            throw CommandFailure(error)
        } catch let error as ServiceError {
            throw CommandFailure(error)
        }
    }
}

/// What the commands on files share: the model, the files, the parameters of the HTTP API.
struct FileOptions: ParsableArguments {
    @OptionGroup var model: ModelOptions

    @Option(
        name: [.short, .customLong("parameter")],
        help: "A parameter of the HTTP API, such as keep=64; repeatable."
    )
    var parameter: [String] = []

    @Argument(help: "Images, latents, folders of them, or - for standard input.")
    var paths: [String]

    func parameters() throws -> [(name: String, value: String)] {
        try parameter.map { text in
            let halves = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2 else { throw ValidationError("'\(text)' is not NAME=VALUE") }
            return (String(halves[0]), String(halves[1]))
        }
    }
}

/// Where results go.
struct OutputOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "A file for the result of one file, a folder for those of several, or - for standard output.",
            discussion: "A folder is created, and mirrors the folders of the inputs."
        )
    )
    var output: String?

    @Flag(help: "Replace existing results; they are skipped otherwise.")
    var overwrite = false

    @Flag(help: "Append to the name of the input, as in a.png.npy, instead of replacing its extension.")
    var keepExtensions = false

    func validate() throws {
        // An empty variable of a script, whose results would go to the working folder.
        if output?.isEmpty == true { throw ValidationError("-o is empty; use . for the working folder.") }
    }
}
