// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

@main
struct UAE: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "uae")
}
