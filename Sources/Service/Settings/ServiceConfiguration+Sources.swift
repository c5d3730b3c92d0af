// SPDX-License-Identifier: Apache-2.0

import Foundation
import Yams

// Not swift-configuration: it ignores unknown flags and unknown members of a file, where a misspelled setting must stop
// the service, and has no ranges, help texts or `--print-config`. The table of settings and its checks would stay
// beside the library.

extension Setting {
    /// Splits `--name value` and `--name=value` words of the command line.
    ///
    /// - Parameter words: the command line without what ArgumentParser knows itself.
    /// - Returns: values by setting name.
    /// - Throws: `SettingError.unknownFlag`, `.missingValue`, `.duplicateFlag`.
    package static func flags(_ words: [String]) throws(SettingError) -> [String: String] {
        var flags: [String: String] = [:]
        var rest = words[...]
        while let word = rest.popFirst() {
            let halves = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let flag = halves[0]
            let name = String(flag.dropFirst(2))
            guard flag.hasPrefix("--"), all.contains(where: { $0.name == name }) else { throw .unknownFlag(word) }
            guard let value = halves.count > 1 ? halves[1] : rest.popFirst() else { throw .missingValue(flag: flag) }
            guard flags.updateValue(value, forKey: name) == nil else { throw .duplicateFlag(flag) }
        }
        return flags
    }
}

extension ServiceConfiguration {
    /// Merges the sources: flag beats environment beats file beats default.
    ///
    /// - Parameters:
    ///   - flags: values by setting name, as given on the command line.
    ///   - environment: the process environment; only the `UAE_` variables of known settings count.
    ///   - file: path of a YAML (or JSON) file of `name: value` lines; nil: none.
    /// - Returns: the effective settings.
    /// - Throws: `SettingError`, naming the setting as its source spells it.
    package static func merging(
        flags: [String: String],
        environment: [String: String],
        file: String?
    ) throws(SettingError) -> ServiceConfiguration {
        var configuration = ServiceConfiguration()
        let members = try file.map(readFile) ?? [:]
        for setting in Setting.all {
            if let value = members[setting.name] {
                try setting.apply(value, to: &configuration, spelled: setting.name)
            }
            if let value = environment[setting.variable] {
                try setting.apply(value, to: &configuration, spelled: setting.variable)
            }
            if let value = flags[setting.name] {
                try setting.apply(value, to: &configuration, spelled: "--" + setting.name)
            }
        }
        return configuration
    }

    private static func readFile(_ path: String) throws(SettingError) -> [String: String] {
        let node: Node?
        do {
            node = try Yams.compose(yaml: String(contentsOfFile: path, encoding: .utf8))
        } catch {
            throw .unreadableFile(path: path, reason: "cannot be read as YAML")
        }
        guard let mapping = node?.mapping else {
            throw .unreadableFile(path: path, reason: "holds no 'name: value' lines")
        }
        var members: [String: String] = [:]
        for (key, value) in mapping {
            guard let name = key.string, Setting.all.contains(where: { $0.name == name }) else {
                throw .unknown(name: key.string ?? "?", file: path)
            }
            guard let text = value.scalar?.string else {
                throw .invalid(name: name, value: "a list or mapping", expected: "one value")
            }
            members[name] = text
        }
        return members
    }

    /// The effective settings as a configuration file.
    package var text: String {
        Setting.all.map { setting in "\(setting.name): \(quoted(setting.get(self)))" }.joined(separator: "\n") + "\n"
    }

    private func quoted(_ value: String) -> String {
        Int(value) != nil ? value : "\"" + value.replacing("\"", with: "\\\"") + "\""
    }
}
