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
    /// Parameters of the HTTP API that the command's own options stand for.
    var parameters: [(name: String, value: String)] = []

    /// The most bytes of one file: twice what the largest latents take that a request may have.
    private static let fileLimit = 512 << 20

    /// Everything that is decided before the model is loaded.
    private struct Prepared {
        let search: InputSearch
        let parameters: [(name: String, value: String)]
        /// nil: results are printed.
        let plan: ResultPlan?
        /// nil: each file has one result.
        let levels: LevelList?
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
        var parameters = try options.parameters() + parameters
        let search = try InputSearch(options.paths, extensions: inputs.extensions)
        let levels = operation == "decode" ? LevelList(parameters) : nil
        let plan = try plan(search, &parameters, levels)
        var prepared = Prepared(
            search: search,
            parameters: parameters,
            plan: plan,
            levels: levels,
            inputs: plan?.inputs ?? search.files,
            summary: RunSummary(search: search)
        )
        guard let plan else { return prepared }
        if output?.overwrite != true {
            prepared.inputs = plan.inputs.filter { !plan.hasResult($0) }
            let missing = plan.inputs.reduce(0) { $0 + plan.missingResults(of: $1).count }
            prepared.summary.existing = plan.inputs.count * (levels?.levels.count ?? 1) - missing
        }
        prepared.summary.earlierResults = plan.earlierResultCount
        if !prepared.inputs.isEmpty { try plan.prepare() }
        return prepared
    }

    /// Plans the results.
    ///
    /// - Parameters:
    ///   - search: the inputs.
    ///   - parameters: gets the format that the name of the result asks for.
    ///   - levels: those that have a file each.
    /// - Returns: nil if results are printed.
    /// - Throws: `LocalFileError`, `CommandFailure`.
    private func plan(
        _ search: InputSearch,
        _ parameters: inout [(name: String, value: String)],
        _ levels: LevelList?
    ) throws -> ResultPlan? {
        guard let output, let formats else { return nil }
        let count = levels?.levels.count ?? 1
        if count > 1, let name = output.output { try refuseFile(name, formats) }
        let destination = try ResultPlan.destination(search, output.output, resultsPerInput: count)
        var file: String?
        if case .file(let path) = destination { file = path }
        let given = parameters.last { $0.name == formats.parameter }?.value
        let choice = try formats.choose(given: given, file: file, hasOutput: output.output != nil)
        if choice.isPrinted { return nil }
        if given == nil { parameters.append((formats.parameter, choice.format.value)) }
        let isSheet = parameters.contains { $0.name == "layout" && $0.value == "sheet" }
        let suffixes = levels?.levels.map { choice.suffix("-keep\($0)") } ?? [choice.suffix(isSheet ? "-sheet" : "")]
        let naming = ResultPlan.Naming(suffixes: suffixes, keepsExtensions: output.keepExtensions)
        return try ResultPlan(search, destination: destination, naming: naming)
    }

    /// Refuses a name that is meant for one file where there are several.
    private func refuseFile(_ name: String, _ formats: ResultFormats) throws(CommandFailure) {
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: name, isDirectory: &isFolder)
        guard formats.areNamed(by: name), !(exists && isFolder.boolValue) else { return }
        throw CommandFailure(
            "-o \(name) is one file, and a list in keep makes one for each level; "
                + "give -o a folder, or add -p layout=sheet for one image of all levels",
            exitCode: 64
        )
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
                let results = try await results(of: input, bytes, prepared, session)
                do throws(LocalFileError) {
                    for result in results { try put(result, of: input, &prepared) }
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

    /// One result of a file.
    private struct FileResult {
        let bytes: [UInt8]
        /// PSNR and SSIM, or empty.
        let quality: String
        /// Its place among the results of its file.
        var place = 0
    }

    private func results(
        of input: InputFile,
        _ bytes: [UInt8],
        _ prepared: Prepared,
        _ session: OfflineSession
    ) async throws -> [FileResult] {
        guard let levels = prepared.levels, let plan = prepared.plan else {
            let response = try await session.response(
                of: operation,
                to: bytes,
                id: input.path,
                parameters: prepared.parameters
            )
            let quality = HTTPField.Name("UAE-Quality").flatMap { response.fields[$0] }
            return [FileResult(bytes: response.body, quality: quality ?? "")]
        }
        // Only the levels that are missing: an interrupted run goes on where it stopped.
        let places = output?.overwrite == true ? Array(levels.levels.indices) : plan.missingResults(of: input)
        let response = try await session.response(
            of: operation,
            to: bytes,
            id: input.path,
            parameters: levels.parameters(prepared.parameters, for: places),
            accept: "application/json"
        )
        guard let files = LevelList.files(of: response), files.count == places.count else {
            throw CommandFailure("\(input.path): the response has other levels than \(places.count)", exitCode: 70)
        }
        return zip(files, places).map { FileResult(bytes: $0.bytes, quality: $0.quality, place: $1) }
    }

    private func put(_ result: FileResult, of input: InputFile, _ prepared: inout Prepared) throws(LocalFileError) {
        guard let plan = prepared.plan else {
            try StandardOutput.write(result.bytes + [UInt8(ascii: "\n")])
            prepared.summary.done += 1
            return
        }
        guard let target = plan.target(of: input, result: result.place) else {
            try StandardOutput.write(result.bytes)
            prepared.summary.done += 1
            return
        }
        switch try ResultFile.write(result.bytes, to: target, replaces: output?.overwrite == true) {
        case .exists: prepared.summary.existing += 1
        case .written:
            prepared.summary.done += 1
            try StandardOutput.writeLine(result.quality.isEmpty ? target : "\(target)  \(result.quality)")
        }
    }

    private func drawProgress(_ done: Int, of total: Int) {
        let width = 40
        let filled = width * done / total
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        StandardError.write("\r[\(bar)] \(done)/\(total)\(done == total ? "\n" : "")")
    }
}
