// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import HTTPTypes
import HTTPWire
import LocalFiles
import Service

/// Processes files one after the other, with a progress bar on a terminal.
struct FileRun {
    /// The files that folders are searched for.
    enum InputKinds {
        case images
        case all

        var extensions: Set<String> {
            let images: Set = ["jpg", "jpeg", "png", "webp"]
            return self == .images ? images : images.union(["npy", "npz", "safetensors"])
        }
    }

    /// The operation's name in the HTTP API.
    let operation: String
    let inputs: InputKinds
    let options: FileOptions
    /// nil: results are lines on standard output.
    let output: OutputOptions?
    let formats: ResultFormats?

    /// The most bytes of one file: twice what the largest latents take that a request may have.
    private static let fileLimit = 512 << 20

    /// Everything that is decided before the model is loaded.
    private struct Prepared {
        let search: InputSearch
        let parameters: [(name: String, value: String)]
        /// nil: results are printed.
        let plan: ResultPlan?
        var inputs: [InputFile]
        var summary: RunSummary
    }

    /// - Throws: `CommandFailure`; `ExitCode.failure` if a file failed and others did not.
    func callAsFunction() async throws {
        var prepared = try prepare()
        for failure in prepared.search.failures { CommandFailure.print("\(failure)") }
        if !prepared.inputs.isEmpty {
            let session = try options.model.session()
            try check(prepared.parameters, session)
            do {
                try await process(&prepared, session)
            } catch {
                prepared.summary.print()
                throw error
            }
        }
        prepared.summary.print()
        if let code = prepared.summary.exitCode { throw ExitCode(code) }
    }

    // MARK: Before the work

    private func prepare() throws -> Prepared {
        var parameters = try options.parameters()
        let search = try InputSearch(options.paths, extensions: inputs.extensions)
        let plan = try plan(search, &parameters)
        var prepared = Prepared(
            search: search,
            parameters: parameters,
            plan: plan,
            inputs: plan?.inputs ?? search.files,
            summary: RunSummary(search: search)
        )
        guard let plan else { return prepared }
        if output?.overwrite != true { prepared.inputs = plan.inputs.filter { !plan.hasResult($0) } }
        prepared.summary.earlierResults = plan.earlierResultCount
        prepared.summary.existing = plan.inputs.count - prepared.inputs.count
        if !prepared.inputs.isEmpty { try plan.prepare() }
        return prepared
    }

    /// Plans the results.
    ///
    /// - Parameters:
    ///   - search: the inputs.
    ///   - parameters: gets the format that the name of the result asks for.
    /// - Returns: nil if results are printed.
    /// - Throws: `LocalFileError`, `CommandFailure`.
    private func plan(
        _ search: InputSearch,
        _ parameters: inout [(name: String, value: String)]
    ) throws -> ResultPlan? {
        guard let output, let formats else { return nil }
        let destination = try ResultPlan.destination(search, output.output)
        var file: String?
        if case .file(let path) = destination { file = path }
        let given = parameters.last { $0.name == formats.parameter }?.value
        let choice = try formats.choose(given: given, file: file, hasOutput: output.output != nil)
        if choice.isPrinted { return nil }
        if given == nil { parameters.append((formats.parameter, choice.format.value)) }
        let naming = ResultPlan.Naming(suffix: choice.suffix, keepsExtensions: output.keepExtensions)
        return try ResultPlan(search, destination: destination, naming: naming)
    }

    /// Parameters that no file could be used with are reported once.
    private func check(_ parameters: [(name: String, value: String)], _ session: OfflineSession) throws {
        do throws(Problem) {
            try session.check(parameters, of: operation)
        } catch {
            let isUnavailable = error.kind == .featureUnavailable
            throw CommandFailure("\(error.kind.rawValue): \(error.detail)", exitCode: isUnavailable ? 69 : 64)
        }
    }

    // MARK: The work

    /// A result that cannot be written ends the run: the next could not be written either, or would hide the first.
    private func process(_ prepared: inout Prepared, _ session: OfflineSession) async throws {
        let total = prepared.inputs.count
        let showsProgress = isatty(STDERR_FILENO) == 1 && total > 1
        for (index, input) in prepared.inputs.enumerated() {
            do {
                let bytes = try input.bytes(limit: Self.fileLimit)
                let response = try await session.response(
                    of: operation,
                    to: bytes,
                    id: input.path,
                    parameters: prepared.parameters
                )
                do throws(LocalFileError) {
                    try put(response, of: input, &prepared)
                } catch {
                    throw CommandFailure(error)
                }
            } catch let problem as Problem {
                prepared.summary.failed += 1
                CommandFailure.print("\(input.path): \(problem.kind.rawValue): \(problem.detail)")
            } catch let error as LocalFileError {
                prepared.summary.failed += 1
                CommandFailure.print("\(error)")
            }
            if showsProgress { drawProgress(index + 1, of: total) }
        }
    }

    private func put(_ response: Response, of input: InputFile, _ prepared: inout Prepared) throws(LocalFileError) {
        guard let plan = prepared.plan else {
            try StandardOutput.write(response.body + [UInt8(ascii: "\n")])
            prepared.summary.done += 1
            return
        }
        guard let target = plan.target(of: input) else {
            try StandardOutput.write(response.body)
            prepared.summary.done += 1
            return
        }
        switch try ResultFile.write(response.body, to: target, replaces: output?.overwrite == true) {
        case .exists: prepared.summary.existing += 1
        case .written:
            prepared.summary.done += 1
            let quality = HTTPField.Name("UAE-Quality").flatMap { response.fields[$0] } ?? ""
            try StandardOutput.writeLine(quality.isEmpty ? target : "\(target)  \(quality)")
        }
    }

    private func drawProgress(_ done: Int, of total: Int) {
        let width = 40
        let filled = width * done / total
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        StandardError.write("\r[\(bar)] \(done)/\(total)\(done == total ? "\n" : "")")
    }
}
