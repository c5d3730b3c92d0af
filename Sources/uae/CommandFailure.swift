// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import LocalFiles
import Service

/// A failure that ends a command with one line and an exit code.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String
    let exitCode: Int32

    init(_ description: String, exitCode: Int32) {
        self.description = description
        self.exitCode = exitCode
    }

    init(_ error: LocalFileError) { self.init("\(error)", exitCode: error.exitCode) }

    init(_ error: ServiceError) { self.init("\(error)", exitCode: error.exitCode) }

    init(_ error: SettingError) { self.init("\(error)", exitCode: 64) }

    /// Runs a command; a failure becomes its line and its exit code.
    static func reported(_ command: () async throws -> Void) async throws {
        do {
            try await command()
        } catch let failure as CommandFailure {
            print(failure.description)
            throw ExitCode(failure.exitCode)
        } catch let error as LocalFileError {
            print("\(error)")
            throw ExitCode(error.exitCode)
        }
    }

    /// Writes one line to standard error; a line that cannot be written is lost.
    static func print(_ text: String) {
        StandardError.write("uae: \(text)\n")
    }
}
