// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Service

/// `uae info`: the content of `/info`.
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

/// `uae health`: for containers, whose images have no curl.
struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Exit 0 if the readiness probe of a server responds with 200, else 1."
    )

    @Option(help: "The probe's address.")
    var url = "http://127.0.0.1:8080/health/ready"

    func run() async throws {
        guard let probe = HealthProbe(url: url) else { throw ValidationError("'\(url)' is not an http:// address") }
        guard probe.isHealthy(timeoutSeconds: 5) else { throw ExitCode.failure }
    }
}
