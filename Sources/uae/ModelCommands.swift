// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import LocalFiles
import Service

/// `uae info`: the content of `/info`.
struct InfoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "info", abstract: "Describe a model as JSON.")

    @OptionGroup var options: ModelOptions

    func run() async throws {
        try await CommandFailure.reported {
            let session = try options.session()
            try StandardOutput.writeLine(String(decoding: session.info.text, as: UTF8.self))
        }
    }
}

/// `uae health`: for containers, whose images have no curl.
struct HealthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Exit 0 if the readiness probe of a server responds with 200; else say why not and exit 1.",
        discussion: """
            Without --url it asks the server that 'uae serve' starts with the same flags, environment and file: \
            UAE_HOST, UAE_PORT, UAE_UNIX_SOCKET and UAE_CONFIG apply.
            """
    )

    @Option(help: "The probe's address; without a path \(HealthProbe.readiness).")
    var url: String?

    @Option(name: .customLong("config"), help: "The server's file of settings.")
    var configurationFile: String?

    @Option(help: "The server's host.")
    var host: String?

    @Option(help: "The server's port.")
    var port: String?

    @Option(help: "The server's Unix socket.")
    var unixSocket: String?

    /// Less than the 3 s after which Docker ends a health check without a word.
    private static let limitSeconds = 2.5

    func validate() throws {
        if url != nil, [configurationFile, host, port, unixSocket].contains(where: { $0 != nil }) {
            throw ValidationError("--url names the server; leave out --config, --host, --port and --unix-socket.")
        }
    }

    func run() throws {
        let probe = try probe()
        // Resolving a name may take longer than the limit, and cannot be ended.
        Thread.detachNewThread {
            do throws(HealthProbe.Failure) {
                try probe.check(timeoutSeconds: 2)
                Foundation.exit(0)
            } catch {
                CommandFailure.print("\(probe.address): \(error)")
                Foundation.exit(1)
            }
        }
        Thread.sleep(forTimeInterval: Self.limitSeconds)
        CommandFailure.print("\(probe.address): no response within \(Self.limitSeconds) s")
        throw ExitCode.failure
    }

    private func probe() throws -> HealthProbe {
        if let url {
            guard let probe = HealthProbe(url: url) else {
                throw ValidationError("'\(url)' is not an address such as http://127.0.0.1:8080")
            }
            return probe
        }
        let flags = [("host", host), ("port", port), ("unix-socket", unixSocket)].compactMap { name, value in
            value.map { (name, $0) }
        }
        let configuration: ServiceConfiguration
        do {
            configuration = try .merging(
                flags: Dictionary(uniqueKeysWithValues: flags),
                environment: ProcessInfo.processInfo.environment,
                file: configurationFile,
                settings: ["host", "port", "unix-socket"].compactMap(Setting.named)
            )
        } catch {
            throw ValidationError("\(error)")
        }
        guard let probe = HealthProbe(configuration) else {
            throw ValidationError("The server's port is 0, any free one; give the one in its log with --url or --port.")
        }
        return probe
    }
}
