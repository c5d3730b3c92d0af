// SPDX-License-Identifier: Apache-2.0

import Glibc
import LocalFiles
import Testing

/// Which result each file gets, and which plans are refused before any work.
@Suite struct ResultPlanTests {
    private func plan(
        _ paths: [String],
        output: String?,
        suffix: String = ".npy",
        keepsExtensions: Bool = false
    ) throws -> ResultPlan {
        let search = try InputSearch(paths, extensions: ["png", "jpg"])
        return try ResultPlan(
            search,
            destination: try ResultPlan.destination(search, output),
            naming: ResultPlan.Naming(suffix: suffix, keepsExtensions: keepsExtensions)
        )
    }

    private func targets(_ plan: ResultPlan) -> [String?] { plan.inputs.map { plan.target(of: $0) } }

    @Test func aFolderIsMirrored() throws {
        let folder = TemporaryFolder()
        for name in ["in/a.png", "in/sub/a.png", "in/sub.dir/b"] { folder.add(name) }
        for output in ["out", "out/"] {
            let plan = try plan([folder("in")], output: folder(output))
            #expect(targets(plan) == [folder("out/a.npy"), folder("out/sub/a.npy")])
        }
        #expect(try targets(plan([folder("in")], output: nil)) == ["a.npy", "sub/a.npy"])
    }

    @Test func severalFilesGoToAFolderAndOneToAFile() throws {
        let folder = TemporaryFolder()
        let (a, b) = (folder.add("x/a.png"), folder.add("y/b.tar.png"))
        #expect(try targets(plan([a, b], output: folder("new"))) == [folder("new/a.npy"), folder("new/b.tar.npy")])
        #expect(try plan([a], output: folder("new")).destination == .file(folder("new")))
        #expect(try targets(plan([a], output: folder("new/"))) == [folder("new/a.npy")])
        #expect(try targets(plan([a], output: folder("y"))) == [folder("y/a.npy")])
        #expect(try targets(plan([a], output: "-")) == [nil])
        #expect(try targets(plan(["-"], output: nil)) == [nil])
        #expect(try targets(plan(["-"], output: folder("y"))) == [folder("y/stdin.npy")])
    }

    @Test func severalResultsNeedAFolder() throws {
        let folder = TemporaryFolder()
        let paths = [folder.add("a.png"), folder.add("b.png")]
        let file = folder.add("file")
        #expect(throws: LocalFileError.oneResultOnly(target: file)) { try plan(paths, output: file) }
        #expect(throws: LocalFileError.oneResultOnly(target: "/dev/null")) { try plan(paths, output: "/dev/null") }
        #expect(throws: LocalFileError.oneResultOnly(target: "standard output")) { try plan(paths, output: "-") }
        #expect(throws: LocalFileError.oneResultOnly(target: "standard output")) {
            try plan([folder.path], output: "-")
        }
    }

    @Test func anInputCanHaveSeveralResults() throws {
        let folder = TemporaryFolder()
        func plan(_ paths: [String], output: String?) throws -> ResultPlan {
            let search = try InputSearch(paths, extensions: ["png"])
            return try ResultPlan(
                search,
                destination: try ResultPlan.destination(search, output, resultsPerInput: 2),
                naming: ResultPlan.Naming(suffixes: ["-4.png", "-16.png"])
            )
        }
        let a = folder.add("in/a.png")
        let made = try plan([a], output: folder("new"))
        #expect(made.destination == .folder(folder("new")))
        let targets = (0...1).map { made.target(of: made.inputs[0], result: $0) }
        #expect(targets == [folder("new/a-4.png"), folder("new/a-16.png")])
        #expect(made.missingResults(of: made.inputs[0]) == [0, 1])
        folder.add("new/a-4.png")
        #expect(made.missingResults(of: made.inputs[0]) == [1] && !made.hasResult(made.inputs[0]))
        folder.add("new/a-16.png")
        #expect(made.hasResult(made.inputs[0]))
        for (paths, output) in [([a], "-"), (["-"], nil), ([a], a)] as [([String], String?)] {
            let target = output == a ? a : "standard output"
            #expect(throws: LocalFileError.oneResultOnly(target: target)) { try plan(paths, output: output) }
        }
        // Any of them may be an input: of an earlier run in the same folder, or named.
        let result = folder.add("in/a-16.png")
        let again = try plan([folder("in")], output: folder("in"))
        #expect(again.inputs.count == 1 && again.earlierResultCount == 1)
        #expect(throws: LocalFileError.targetIsInput(target: result, input: result)) {
            try plan([a, result], output: folder("in"))
        }
        // Two inputs with a result in common.
        let other = folder.add("other/a.png")
        #expect(throws: LocalFileError.self) { try plan([a, other], output: folder("new")) }
        #expect(try plan([a, a], output: folder("new")).inputs.count == 1)
    }

    @Test func twoInputsNeverShareAResult() throws {
        let folder = TemporaryFolder()
        let (png, jpg) = (folder.add("in/a.png"), folder.add("in/a.jpg"))
        let other = folder.add("more/a.png")
        let target = folder("out/a.npy")
        #expect(throws: LocalFileError.sharedTarget(target: target, first: jpg, second: png)) {
            try plan([folder("in")], output: folder("out"))
        }
        #expect(throws: LocalFileError.sharedTarget(target: target, first: png, second: other)) {
            try plan([png, other], output: folder("out"))
        }
        let kept = try plan([folder("in")], output: folder("out"), keepsExtensions: true)
        #expect(targets(kept) == [folder("out/a.jpg.npy"), folder("out/a.png.npy")])
        // The same file, named twice, has one result.
        #expect(try targets(plan([png, png, folder("in/../in/a.png")], output: folder("out"))) == [target])
    }

    @Test func linkedFoldersAndFilesOfResultsAreSeenThrough() throws {
        let folder = TemporaryFolder()
        let (a, b) = (folder.add("in/x/a.png"), folder.add("in/y/a.png"))
        folder.add("out/x/old")
        folder.link("out/y", to: "x")
        #expect(throws: LocalFileError.sharedTarget(target: folder("out/y/a.npy"), first: a, second: b)) {
            try plan([folder("in")], output: folder("out"))
        }
        // Links that lead to one file, which does not exist yet.
        let (c, d) = (folder.add("two/c.png"), folder.add("two/d.png"))
        folder.add("links/old")
        folder.link("links/c.npy", to: "../common")
        folder.link("links/d.npy", to: folder("common"))
        #expect(throws: LocalFileError.sharedTarget(target: folder("links/d.npy"), first: c, second: d)) {
            try plan([folder("two")], output: folder("links"))
        }
    }

    @Test func noResultReplacesAnInput() throws {
        let folder = TemporaryFolder()
        let input = folder.add("a.png")
        folder.link("link.png", to: "a.png")
        link(input, folder("hard.png"))
        for output in [input, folder("./a.png"), folder("link.png"), folder("hard.png")] {
            #expect(throws: LocalFileError.targetIsInput(target: output, input: input)) {
                try plan([input], output: output)
            }
        }
        let other = folder.add("other/a.decoded.png")
        #expect(throws: LocalFileError.targetIsInput(target: other, input: other)) {
            try plan([input, other], output: folder("other"), suffix: ".decoded.png")
        }
    }

    @Test func theResultsOfAnEarlierRunAreNoInputs() throws {
        let folder = TemporaryFolder()
        for name in ["a.png", "a.decoded.png", "a.decoded.decoded.png", "sub/b.png", "sub/b.decoded.png"] {
            folder.add(name)
        }
        let plan = try plan([folder.path], output: folder.path, suffix: ".decoded.png")
        #expect(targets(plan) == [folder("a.decoded.png"), folder("sub/b.decoded.png")])
        #expect(plan.earlierResultCount == 3)
        #expect(plan.inputs.allSatisfy { plan.hasResult($0) })
    }

    @Test func anEmptyFileIsNoResult() throws {
        let folder = TemporaryFolder()
        let input = folder.add("a.png")
        let plan = try plan([input], output: folder("r.npy"))
        let file = try #require(plan.inputs.first)
        #expect(!plan.hasResult(file))
        folder.add("r.npy", "")
        #expect(!plan.hasResult(file))
        folder.add("r.npy", "old")
        #expect(plan.hasResult(file))
    }

    @Test func aPlaceThatCannotBeWrittenIsFoundBeforeTheWork() throws {
        let folder = TemporaryFolder()
        let (input, file) = (folder.add("a.png"), folder.add("file"))
        #expect(throws: LocalFileError.cannotCreate(path: folder("none/r.npy"), errno: ENOENT)) {
            try plan([input], output: folder("none/r.npy")).prepare()
        }
        #expect(throws: LocalFileError.cannotCreate(path: file + "/out/", errno: ENOTDIR)) {
            try plan([input], output: file + "/out/").prepare()
        }
        #expect(throws: LocalFileError.cannotCreate(path: "/proc/none", errno: ENOENT)) {
            try plan([input], output: "/proc/none/").prepare()
        }
        try plan([input], output: folder("new/deep/")).prepare()
        #expect(folder.tree == ["a.png", "file", "new/", "new/deep/"])
    }
}
