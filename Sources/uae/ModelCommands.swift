// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Autoencoder
import Foundation
import Service

/// `uae info`: what `/info` says.
struct InfoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "info", abstract: "Describe a model as JSON.")

    @Option(help: "Model folder.")
    var model = ProcessInfo.processInfo.environment["UAE_MODEL"] ?? "models/default"

    func run() async throws {
        var configuration = ServiceConfiguration()
        configuration.model = model
        do {
            print(String(decoding: try OfflineSession(configuration).info.text, as: UTF8.self))
        } catch {
            FileHandle.standardError.write(Data("uae: \(error)\n".utf8))
            throw ExitCode(error.exitCode)
        }
    }
}

/// `uae model-init`: a model of published size with random weights.
struct ModelInitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model-init",
        abstract: "Write a model folder of a published size with random weights, to test and measure with."
    )

    @Option(help: "One of \(PublishedFamily.allCases.map(\.rawValue).joined(separator: ", ")).")
    var family: String

    @Argument(help: "The folder to write; made if it is not there.")
    var directory: String

    func run() throws {
        guard let family = PublishedFamily(rawValue: family) else {
            throw ValidationError("there is no family '\(family)'")
        }
        var initializer = ModelInitializer(family: family)
        let showsProgress = isatty(STDERR_FILENO) == 1
        do {
            try initializer.write(to: directory) { share in
                guard showsProgress else { return }
                FileHandle.standardError.write(Data("\r\(Int(share * 100)) %".utf8))
            }
        } catch {
            FileHandle.standardError.write(Data("uae: \(error)\n".utf8))
            throw ExitCode(73)
        }
        print(directory)
    }
}

/// `uae health`: for containers, whose images have no curl.
struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Exit 0 if a server answers its probe with 200, else 1."
    )

    @Option(help: "The probe's address.")
    var url = "http://127.0.0.1:8080/health/ready"

    func run() async throws {
        guard let probe = HealthProbe(url: url) else { throw ValidationError("'\(url)' is not an http:// address") }
        guard probe.isHealthy(timeoutSeconds: 5) else { throw ExitCode.failure }
    }
}
