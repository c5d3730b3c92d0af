// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import LocalFiles
import Testing

/// Results are written whole, through links, FIFOs and devices, and replace nothing that they should not.
@Suite struct ResultFileTests {
    private func write(_ text: String, to path: String, replaces: Bool = false) throws -> ResultFile.Outcome {
        try ResultFile.write(Array(text.utf8), to: path, replaces: replaces)
    }

    @Test func aResultAppearsWithItsFoldersAndNothingElse() throws {
        let folder = TemporaryFolder()
        #expect(try write("new", to: folder("a/b/c.npy")) == .written)
        #expect(folder.text("a/b/c.npy") == "new")
        #expect(folder.tree == ["a/", "a/b/", "a/b/c.npy"])
    }

    @Test func anExistingResultIsReplacedOnlyIfAsked() throws {
        let folder = TemporaryFolder()
        let path = folder.add("r", "old")
        chmod(path, 0o640)
        #expect(try write("new", to: path) == .exists)
        #expect(folder.text("r") == "old")
        #expect(try write("new", to: path, replaces: true) == .written)
        #expect(folder.text("r") == "new")
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o640)
        // As mktemp leaves it.
        #expect(try write("third", to: folder.add("empty", "")) == .written)
        #expect(folder.text("empty") == "third")
        #expect(folder.tree == ["empty", "r"])
    }

    @Test func aFileSystemWithoutUnnamedFilesGivesTheSame() throws {
        let folder = TemporaryFolder()
        let path = folder("r")
        for (text, replaces, expected) in [("one", false, "one"), ("two", false, "one"), ("three", true, "three")] {
            let outcome = try ResultFile.write(Array(text.utf8), to: path, replaces: replaces, isNamed: true)
            #expect(outcome == (expected == text ? .written : .exists))
            #expect(folder.text("r") == expected)
            #expect(folder.tree == ["r"])
        }
        #expect(throws: LocalFileError.cannotCreate(path: "/proc/none", errno: ENOENT)) {
            try ResultFile.write([1], to: "/proc/none", replaces: false, isNamed: true)
        }
    }

    @Test func aLinkStaysAndItsTargetIsWritten() throws {
        let folder = TemporaryFolder()
        folder.add("sub/old", "old")
        folder.link("link", to: "sub/old")
        folder.link("dangling", to: "sub/new")
        #expect(try write("one", to: folder("link"), replaces: true) == .written)
        #expect(try write("two", to: folder("dangling")) == .written)
        #expect(folder.text("sub/old") == "one")
        #expect(folder.text("sub/new") == "two")
        var status = stat()
        #expect(lstat(folder("link"), &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
        #expect(lstat(folder("dangling"), &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
        folder.link("loop", to: "loop")
        #expect(throws: LocalFileError.cannotCreate(path: folder("loop"), errno: ELOOP)) {
            try write("x", to: folder("loop"))
        }
    }

    @Test func aDeviceStaysADevice() throws {
        let folder = TemporaryFolder()
        // Devices of our own where possible: code that replaces them would break the machine.
        func device(_ name: String, _ minor: dev_t) -> String {
            mknod(folder(name), S_IFCHR | 0o600, 1 << 8 | minor) == 0 ? folder(name) : "/dev/" + name
        }
        let (null, full) = (device("null", 3), device("full", 7))
        #expect(try write("x", to: null) == .written)
        #expect(throws: LocalFileError.cannotWrite(path: full, errno: ENOSPC)) { try write("x", to: full) }
        var status = stat()
        for path in [null, full] {
            #expect(stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
        }
    }

    @Test func aFIFOGetsTheBytes() throws {
        let folder = TemporaryFolder()
        mkfifo(folder("pipe"), 0o600)
        // Open for both, so that neither end waits for the other.
        let reader = open(folder("pipe"), O_RDWR)
        defer { close(reader) }
        #expect(try write("through", to: folder("pipe")) == .written)
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = read(reader, &bytes, 16)
        #expect(String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self) == "through")
        #expect(folder.tree == ["pipe"])
    }

    @Test func whatCannotBeWrittenIsNamed() throws {
        let folder = TemporaryFolder()
        let file = folder.add("file")
        #expect(throws: LocalFileError.cannotCreate(path: file + "/r", errno: ENOTDIR)) {
            try write("x", to: file + "/r")
        }
        #expect(throws: LocalFileError.cannotCreate(path: folder.path, errno: EISDIR)) {
            try write("x", to: folder.path, replaces: true)
        }
        let long = folder(String(repeating: "n", count: 300))
        #expect(throws: LocalFileError.cannotCreate(path: long, errno: ENAMETOOLONG)) { try write("x", to: long) }
        #expect(folder.tree == ["file"])
        let text = "\(LocalFileError.cannotCreate(path: "a", errno: ENOTDIR))"
        #expect(text == "a cannot be created: Not a directory")
    }
}
