// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// What every command on files says of itself.
private let filesHelp = """
    Folders are searched recursively. Results have the same places below -o, or below the working folder. Existing \
    results are skipped. docs/command-line.md has names, formats and exit codes.
    """

/// `uae encode`: images to latents.
struct EncodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode",
        abstract: "Write the latents of images, as npy unless -o or -p format=... names another format.",
        discussion: filesHelp
    )

    @OptionGroup var files: FileOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let run = FileRun(operation: "encode", inputs: .images, options: files, output: output, formats: .latents)
        try await CommandFailure.reported { try await run() }
    }
}

/// `uae decode`: latents to images, images to their reconstructions.
struct DecodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: """
            Write the images of latents, or the reconstructions of images, as PNG unless -o or -p image_format=... names \
            another format.
            """,
        discussion: filesHelp
    )

    @OptionGroup var files: FileOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "Coefficients to keep, as with -p keep=...; a list such as 4,16,64 writes a file for each.")
    var keep: String?

    func validate() throws {
        if keep != nil, files.parameter.contains(where: { $0.hasPrefix("keep=") }) {
            throw ValidationError("--keep and -p keep=... mean the same; give one of them.")
        }
        if files.parameter.contains(where: { $0.hasPrefix("with_input=") }) {
            throw ValidationError("with_input: a result is one image; -p layout=sheet shows the input too.")
        }
        if files.parameter.contains(where: { $0.hasPrefix("mix=") }) {
            throw ValidationError("mix: each file is decoded by itself; a request over HTTP takes two.")
        }
    }

    func run() async throws {
        var run = FileRun(operation: "decode", inputs: .all, options: files, output: output, formats: .images)
        if let keep { run.parameters = [("keep", keep)] }
        try await CommandFailure.reported { try await run() }
    }
}

/// `uae spectrum`: energy per frequency band.
struct SpectrumCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spectrum",
        abstract: "Print band energies as JSON, one line per file; with -o or -p format=svg write them to files.",
        discussion: filesHelp
    )

    @OptionGroup var files: FileOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let run = FileRun(operation: "spectrum", inputs: .all, options: files, output: output, formats: .spectra)
        try await CommandFailure.reported { try await run() }
    }
}

/// `uae classify`: the most likely classes.
struct ClassifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "classify",
        abstract: "Print the most likely classes as JSON, one line per file."
    )

    @OptionGroup var files: FileOptions

    func run() async throws {
        let run = FileRun(operation: "classify", inputs: .all, options: files, output: nil, formats: nil)
        try await CommandFailure.reported { try await run() }
    }
}
