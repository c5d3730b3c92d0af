// SPDX-License-Identifier: Apache-2.0

import Glibc
import Yams

// Not swift-configuration: it ignores unknown flags and unknown members of a file, where a misspelled setting must stop
// the service, and has no ranges, help texts or `--print-config`. The table of settings and its checks would stay
// beside the library.

extension Setting {
    package static func named(_ name: String) -> Setting? { all.first { $0.name == name } }

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
            guard flag.hasPrefix("--"), named(name) != nil else { throw .unknownFlag(word) }
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
    ///   - environment: the process environment; only the `UAE_` variables of known settings count, and of those not
    ///     the service links of Kubernetes.
    ///   - file: path of a YAML (or JSON) file of `name: value` lines; nil: the one that `UAE_CONFIG` names, if any.
    ///   - settings: the settings that matter to the caller; those of a server by default.
    /// - Returns: the effective settings.
    /// - Throws: `SettingError`, naming the setting as its source spells it.
    package static func merging(
        flags: [String: String],
        environment: [String: String],
        file: String?,
        settings: [Setting] = Setting.all
    ) throws(SettingError) -> ServiceConfiguration {
        var configuration = ServiceConfiguration()
        let named = environment["UAE_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        let members = try (file ?? named).map(readFile) ?? [:]
        for setting in settings {
            if let value = members[setting.name] {
                try setting.apply(value, to: &configuration, spelled: setting.name)
            }
            // Empty is not "none" here: keys that a script failed to name must not leave the service open.
            if let value = environment[setting.variable], !EnvironmentNames.isServiceLink(value) {
                if value.isEmpty { throw .empty(name: setting.variable) }
                try setting.apply(value, to: &configuration, spelled: setting.variable)
            }
            if let value = flags[setting.name] {
                if value.isEmpty { throw .empty(name: "--" + setting.name) }
                try setting.apply(value, to: &configuration, spelled: "--" + setting.name)
            }
        }
        return configuration
    }

    /// The longest file of settings; a device has no end.
    private static let fileLimit = 1 << 20

    private static func readFile(_ path: String) throws(SettingError) -> [String: String] {
        guard let text = String(validating: try bytes(of: path), as: UTF8.self) else {
            throw .unreadableFile(path: path, reason: "is not UTF-8")
        }
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            throw .unreadableFile(path: path, reason: "\(line(of: error))cannot be read as YAML")
        }
        guard let mapping = node?.mapping else {
            throw .unreadableFile(path: path, reason: "holds no 'name: value' lines")
        }
        var members: [String: String] = [:]
        for (key, value) in mapping {
            guard let name = key.string, Setting.named(name) != nil else {
                throw .unknown(name: key.string ?? "?", file: path)
            }
            guard let text = value.scalar?.string else {
                throw .invalid(name: name, value: "a list or mapping", expected: "one value")
            }
            members[name] = text
        }
        return members
    }

    private static func bytes(of path: String) throws(SettingError) -> [UInt8] {
        guard let file = fopen(path, "r") else {
            let code = errno
            throw .unreadableFile(
                path: path,
                reason: code == ENOENT ? "does not exist" : "cannot be read: \(reason(code))"
            )
        }
        defer { fclose(file) }
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: fileLimit + 1) { buffer, count in
            count = fread(buffer.baseAddress, 1, buffer.count, file)
            if ferror(file) != 0 { code = errno }
        }
        guard code == 0 else { throw .unreadableFile(path: path, reason: "cannot be read: \(reason(code))") }
        guard bytes.count <= fileLimit else {
            throw .unreadableFile(path: path, reason: "is longer than \(fileLimit) bytes")
        }
        return bytes
    }

    private static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }

    /// Where YAML has its error, such as `line 3: `.
    private static func line(of error: any Error) -> String {
        switch error as? YamlError {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _):
            "line \(mark.line): "
        default: ""
        }
    }

    /// The effective settings as a configuration file.
    package var text: String {
        Setting.all.map { setting in "\(setting.name): \(quoted(setting.get(self)))" }.joined(separator: "\n") + "\n"
    }

    /// A number as it is, anything else as a string of JSON, which is one of YAML.
    private func quoted(_ value: String) -> String {
        Int(value).map(String.init) == value ? value : String(decoding: JSONValue.string(value).text, as: UTF8.self)
    }
}
