// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import LocalFiles
import Logging
import Service
import ServiceLifecycle

/// `uae serve`: the HTTP service.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve a model over HTTP.",
        discussion: """
            Every setting is a flag, an environment variable (UAE_ and the flag in upper case) and a member of the \
            --config file; a flag beats the environment, which beats the file.

            SETTINGS:

            """ + Setting.all.map(help).joined(separator: "\n")
    )

    private static func help(_ setting: Setting) -> String {
        """
          --\(setting.name) VALUE
              \(setting.help)
              Allowed: \(setting.expected).
              Default: \(setting.defaultText).
        """
    }

    @Option(name: .customLong("config"), help: "YAML or JSON file of settings.")
    var configurationFile: String?

    @Flag(name: .customLong("print-config"), help: "Print the effective settings and exit.")
    var printsConfiguration = false

    // Not one `@Option` per setting: that would repeat `Setting.all`, which also serves the environment and the file.
    @Argument(parsing: .allUnrecognized, help: .hidden)
    var settings: [String] = []

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let configuration: ServiceConfiguration
        do {
            configuration = try ServiceConfiguration.merging(
                flags: try Setting.flags(settings),
                environment: environment,
                file: configurationFile
            )
        } catch {
            throw ValidationError("\(error)")
        }
        let warnings = EnvironmentNames.warnings(about: environment)
        if printsConfiguration {
            for warning in warnings { CommandFailure.print("warning: \(warning)") }
            return try await CommandFailure.reported { try StandardOutput.write(Array(configuration.text.utf8)) }
        }
        try await serve(configuration, warnings)
    }

    private func serve(_ configuration: ServiceConfiguration, _ warnings: [String]) async throws {
        let level = Logger.Level(rawValue: configuration.logLevel) ?? .info
        let format = LogFormat(rawValue: configuration.logFormat) ?? .text
        let log = LogQueue()
        // The last line says why the service ends; without a reader of the lines it ends without.
        defer { log.flush(within: .seconds(1)) }
        let logger = Logger(label: "uae") { _ in LineLogHandler(format: format, level: level, queue: log) }
        ProcessSignals.sayCrashes(inJSON: format == .json)
        for warning in warnings { logger.warning("\(warning)") }
        do {
            try ProcessLimits.check(model: configuration.model)
        } catch {
            logger.critical("\(error)")
            throw ExitCode(error.exitCode)
        }
        let service = InferenceService(
            configuration: configuration,
            logger: logger,
            droppedLogLines: { log.droppedLines },
            reloads: ProcessSignals.hangUps()
        )
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [service],
                logger: Logger(label: "lifecycle") { _ in SwiftLogNoOpLogHandler() }
            )
        )
        // The group remembers it if it does not run yet.
        ProcessSignals.endsTheProcess { Task { await group.triggerGracefulShutdown() } }
        do {
            try await group.run()
        } catch let error as ServiceError {
            logger.critical("\(error)")
            throw ExitCode(error.exitCode)
        }
    }
}
