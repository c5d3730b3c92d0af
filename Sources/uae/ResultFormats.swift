// SPDX-License-Identifier: Apache-2.0

/// The formats in which an operation writes results, and which of them a command is asked for.
struct ResultFormats {
    struct Format {
        /// The value of the parameter.
        let value: String
        /// Without dots; the first is that of results in folders.
        let extensions: [String]
    }

    /// The parameter of the HTTP API that has the format.
    let parameter: String
    /// The first is the default.
    let all: [Format]
    /// What stands before the extension: a result beside its input must not have the same name.
    var infix = ""
    /// Whether the default format is text, which is printed unless `-o` names a file.
    var isTextByDefault = false

    /// The latents of `/encode`.
    static let latents = ResultFormats(
        parameter: "format",
        all: [
            Format(value: "npy", extensions: ["npy"]), Format(value: "npz", extensions: ["npz"]),
            Format(value: "safetensors", extensions: ["safetensors"]), Format(value: "json", extensions: ["json"]),
            Format(value: "raw", extensions: ["bin", "raw"]),
        ]
    )

    /// The images of `/decode`.
    static let images = ResultFormats(
        parameter: "image_format",
        all: [
            Format(value: "png", extensions: ["png"]), Format(value: "jpg", extensions: ["jpg", "jpeg"]),
            Format(value: "webp", extensions: ["webp"]),
        ],
        infix: ".decoded"
    )

    /// The spectra of `/spectrum`.
    static let spectra = ResultFormats(
        parameter: "format",
        all: [Format(value: "json", extensions: ["json"]), Format(value: "svg", extensions: ["svg"])],
        infix: ".spectrum",
        isTextByDefault: true
    )

    /// What a command writes.
    struct Choice {
        let format: Format
        fileprivate let infix: String
        /// Whether results are lines on standard output.
        let isPrinted: Bool

        /// The end of the names of results in folders; `part`, such as `-keep4`, says which of several results.
        func suffix(_ part: String = "") -> String { "\(infix)\(part).\(format.extensions[0])" }
    }

    /// Chooses by the parameter, else by the extension of `-o`, else the default.
    ///
    /// - Parameters:
    ///   - given: the parameter's value.
    ///   - file: the value of `-o` if it names a file.
    ///   - hasOutput: whether `-o` is given.
    /// - Returns: what is written.
    /// - Throws: `CommandFailure` if the file's extension is of another format.
    func choose(given: String?, file: String?, hasOutput: Bool) throws(CommandFailure) -> Choice {
        var format = given.map { value in
            // Which values there are is the operation's to say.
            all.first { $0.value == value || $0.extensions.contains(value) }
                ?? Format(value: value, extensions: ["bin"])
        }
        if let file, let name = fileExtension(file) {
            let named = all.first { $0.extensions.contains(name) }
            if let format, let named, format.value != named.value {
                throw CommandFailure("-o \(file) is another format than \(parameter)=\(format.value)", exitCode: 64)
            }
            guard let known = format ?? named else {
                let allowed = all.flatMap(\.extensions).map { "." + $0 }.joined(separator: ", ")
                throw CommandFailure(
                    "-o \(file): '.\(name)' is no format of results; use \(allowed), or -p \(parameter)=...",
                    exitCode: 64
                )
            }
            format = known
        }
        let chosen = format ?? all[0]
        return Choice(
            format: chosen,
            infix: infix,
            isPrinted: isTextByDefault && chosen.value == all[0].value && !hasOutput
        )
    }

    /// Whether a name ends as a file of one of the formats.
    func areNamed(by path: String) -> Bool {
        fileExtension(path).map { name in all.contains { $0.extensions.contains(name) } } ?? false
    }

    private func fileExtension(_ path: String) -> String? {
        let name = path.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: "."), dot > name.startIndex, name.index(after: dot) < name.endIndex else {
            return nil
        }
        return name[name.index(after: dot)...].lowercased()
    }
}
