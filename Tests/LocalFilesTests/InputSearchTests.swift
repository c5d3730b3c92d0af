// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import LocalFiles
import Testing

/// Which files a folder gives, and what is said of the others.
@Suite struct InputSearchTests {
    private let images: Set<String> = ["png", "jpg"]

    @Test func aFolderGivesItsFilesInOrderAndCountsTheOthers() throws {
        let folder = TemporaryFolder()
        for name in ["b.png", "a/z.JPG", "a/b.png", "c.gif", "d.gif", "README", ".hidden.png", ".git/x.png"] {
            folder.add(name)
        }
        let search = try InputSearch([folder.path], extensions: images)
        #expect(search.files.map(\.path) == ["b.png", "a/b.png", "a/z.JPG"].map { folder($0) })
        #expect(search.others == ["gif": 2, "": 1])
        #expect(search.hiddenCount == 2)
        #expect(search.isSeveral)
    }

    @Test func linksAreFollowedButNoFolderIsSearchedTwice() throws {
        let folder = TemporaryFolder()
        folder.add("a/one.png")
        folder.link("a/up", to: "..")
        folder.link("a/self", to: ".")
        folder.link("again", to: "a")
        folder.link("two.png", to: "a/one.png")
        folder.link("nowhere.png", to: "missing")
        folder.link("loop.png", to: "loop.png")
        let search = try InputSearch([folder.path, folder.path], extensions: images)
        #expect(search.files.map(\.path) == ["two.png", "a/one.png"].map { folder($0) })
        #expect(search.repeatedFolders == 4)
        #expect(search.unusableCount == 2)
    }

    @Test func whatIsNoFileIsNotOpened() throws {
        let folder = TemporaryFolder()
        mkfifo(folder("pipe.png"), 0o600)
        // Bytes that are not UTF-8.
        let invalid: [CChar] =
            Array(folder("").utf8CString.dropLast()) + [CChar(bitPattern: 0xFF), 0x2E, 0x70, 0x6E, 0x67, 0]
        let descriptor = open(invalid, O_CREAT | O_WRONLY, 0o600)
        try #require(descriptor >= 0)
        close(descriptor)
        let search = try InputSearch([folder.path], extensions: images)
        #expect(search.files.isEmpty)
        #expect(search.unusableCount == 2)
    }

    @Test func aFolderThatCannotBeReadIsAFailureBesideTheOthers() throws {
        let folder = TemporaryFolder()
        folder.add("a.png")
        // Deeper than a path can be, which stops root too.
        let deep = String(repeating: "d", count: 250)
        for depth in 0..<20 {
            let level = open(folder.path, O_RDONLY | O_DIRECTORY)
            defer { close(level) }
            var current = level
            for _ in 0...depth {
                mkdirat(current, deep, 0o700)
                let next = openat(current, deep, O_RDONLY | O_DIRECTORY)
                if current != level { close(current) }
                current = next
            }
            if current != level { close(current) }
        }
        let search = try InputSearch([folder.path], extensions: images)
        #expect(search.files.map(\.path) == [folder("a.png")])
        #expect(search.failures.count + search.unusableCount >= 1)
    }

    @Test func aMissingInputStopsBeforeAnyWork() {
        let folder = TemporaryFolder()
        folder.add("a.png")
        #expect(throws: LocalFileError.missingInput(path: folder("b.png"), errno: ENOENT)) {
            try InputSearch([folder("a.png"), folder("b.png")], extensions: images)
        }
    }

    @Test func namedFilesMayHaveAnyNameAndOneIsNotSeveral() throws {
        let folder = TemporaryFolder()
        let file = folder.add("photo.dat")
        #expect(try InputSearch([file], extensions: images).files.map(\.path) == [file])
        #expect(try !InputSearch([file], extensions: images).isSeveral)
        #expect(try InputSearch(["-"], extensions: images).files.map(\.path) == ["-"])
        #expect(try InputSearch([file, "-"], extensions: images).isSeveral)
    }

    @Test func filesAreReadWithinALimit() throws {
        let folder = TemporaryFolder()
        let file = folder.add("a", String(repeating: "x", count: 1000))
        func read(_ path: String, _ limit: Int) throws -> Int {
            try #require(InputSearch([path], extensions: images).files.first).bytes(limit: limit).count
        }
        #expect(try read(file, 1000) == 1000)
        #expect(try read(folder.add("empty", ""), 0) == 0)
        #expect(throws: LocalFileError.tooLarge(path: file, limit: 999)) { try read(file, 999) }
        // Has no end.
        #expect(throws: LocalFileError.tooLarge(path: "/dev/zero", limit: 1 << 20)) { try read("/dev/zero", 1 << 20) }
        // A folder that takes the place of a file after the search.
        let search = try InputSearch([folder.add("b.png")], extensions: images)
        try FileManager.default.removeItem(atPath: folder("b.png"))
        mkdir(folder("b.png"), 0o700)
        #expect(throws: LocalFileError.unreadable(path: folder("b.png"), errno: EISDIR)) {
            try #require(search.files.first).bytes(limit: 10)
        }
    }
}
