// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import HTTPTypes
import HTTPWire
import Service

/// `uae encode`: images to latents.
struct EncodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode",
        abstract: "Write the latents of images, as npy unless -p format=... is given."
    )

    @OptionGroup var files: FileOptions
    @OptionGroup var output: OutputOption

    func run() async throws {
        let format = try files.parameters().last { $0.name == "format" }?.value ?? "npy"
        let suffix =
            [
                "npy": ".npy", "npz": ".npz", "safetensors": ".safetensors", "json": ".json", "raw": ".bin",
            ][format] ?? ".bin"
        try await FileRun(operation: "encode", options: files, defaults: [("format", "npy")])() { path, response in
            print(try output.write(response.body, for: path, suffix: suffix))
        }
    }
}

/// `uae decode`: latents to images, images to their reconstructions.
struct DecodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract:
            "Write the images of latents, or the reconstructions of images, as PNG unless -p image_format=jpg is given."
    )

    @OptionGroup var files: FileOptions
    @OptionGroup var output: OutputOption

    func run() async throws {
        try await FileRun(operation: "decode", options: files)() { path, response in
            let isJPEG = response.fields[.contentType] == "image/jpeg"
            let written = try output.write(response.body, for: path, suffix: isJPEG ? ".decoded.jpg" : ".decoded.png")
            let quality = HTTPField.Name("UAE-Quality").flatMap { response.fields[$0] } ?? ""
            print(quality.isEmpty ? written : "\(written)  \(quality)")
        }
    }
}

/// `uae spectrum`: energy per frequency band.
struct SpectrumCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spectrum",
        abstract: "Print band energies as JSON, or write plots with -p format=svg."
    )

    @OptionGroup var files: FileOptions
    @OptionGroup var output: OutputOption

    func run() async throws {
        try await FileRun(operation: "spectrum", options: files)() { path, response in
            if response.fields[.contentType] == "image/svg+xml" {
                print(try output.write(response.body, for: path, suffix: ".spectrum.svg"))
            } else {
                print(String(decoding: response.body, as: UTF8.self))
            }
        }
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
        try await FileRun(operation: "classify", options: files)() { _, response in
            print(String(decoding: response.body, as: UTF8.self))
        }
    }
}
