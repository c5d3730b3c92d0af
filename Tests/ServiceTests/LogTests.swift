// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Service
import Testing

/// Log lines: their forms, and what becomes of them when they have no reader.
@Suite struct LogTests {
    private let metadata: Logger.Metadata = [
        "status": .stringConvertible(200), "ms": .stringConvertible(0.125), "path": "/a status=500",
        "forged": "a\nb\u{1B}[2J\u{202E}\u{2028}c", "quoted": "say \"x\"", "empty": "",
        "flag": .stringConvertible(true), "list": [.stringConvertible(1), "b"],
    ]

    @Test func aJSONLineHasNumbersAndATimeWithItsZone() throws {
        let line = LogFormat.json.line(level: .info, message: "request", metadata: metadata)
        #expect(line.last == 0x0A && line.dropLast().allSatisfy { $0 >= 0x20 })
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
        #expect(String(decoding: line, as: UTF8.self).contains("\"status\":200}"))
        #expect(String(decoding: line, as: UTF8.self).contains("\"ms\":0.125,"))
        #expect(String(decoding: line, as: UTF8.self).contains("\"flag\":true,"))
        #expect(object["path"] as? String == "/a status=500")
        #expect((object["list"] as? [Any])?.count == 2)
        let time = try #require(object["time"] as? String)
        // RFC 3339 5.6.
        #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil, "\(time)")
        let parsed = try Date(
            time,
            strategy: .iso8601.year().month().day().time(includingFractionalSeconds: true)
                .timeZone(separator: .omitted)
        )
        #expect(abs(parsed.timeIntervalSinceNow) < 3600)
    }

    @Test func aTextLineCannotBeForged() {
        let line = LogFormat.text.line(time: "T", level: .error, message: "a\r\nb", metadata: metadata)
        #expect(
            String(decoding: line, as: UTF8.self)
                == "T error a  b empty=\"\" flag=true forged=\"a b [2J  c\" list=\"[\\\"1\\\", \\\"b\\\"]\" ms=0.125"
                + " path=\"/a status=500\" quoted=\"say \\\"x\\\"\" status=200\n"
        )
    }

    private struct Pipe: Sendable {
        let reader: Int32
        let writer: Int32

        init() throws {
            var ends: [Int32] = [0, 0]
            try #require(pipe(&ends) == 0)
            (reader, writer) = (ends[0], ends[1])
        }

        /// Reads until the writer is closed.
        func text() -> String {
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while case let count = read(reader, &buffer, buffer.count), count > 0 { bytes += buffer[..<count] }
            close(reader)
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    @Test func linesArriveInOrder() throws {
        let pipe = try Pipe()
        let queue = LogQueue(descriptor: pipe.writer)
        for number in 0..<1000 { queue.append(Array("\(number)\n".utf8)) }
        #expect(queue.flush(within: .seconds(60)))
        close(pipe.writer)
        #expect(pipe.text() == (0..<1000).map { "\($0)\n" }.joined())
        #expect(queue.droppedLines == 0)
    }

    @Test func aPipeThatNobodyReadsBlocksNobodyAndItsLinesAreCounted() throws {
        let pipe = try Pipe()
        _ = fcntl(pipe.writer, F_SETFL, O_NONBLOCK)
        while write(pipe.writer, "x\n", 2) == 2 {}
        _ = fcntl(pipe.writer, F_SETFL, 0)
        let queue = LogQueue(descriptor: pipe.writer, capacity: 10_000)
        let line = Array((String(repeating: "x", count: 99) + "\n").utf8)
        // Far more than the queue holds; it would not return if it waited.
        for _ in 0..<10_000 { queue.append(line) }
        #expect(!queue.flush(within: .milliseconds(10)))
        let dropped = queue.droppedLines
        #expect(dropped > 0 && dropped < 10_000)
        // What was not dropped is whole lines, and arrives once they are read.
        Thread { _ = pipe.text() }.start()
        #expect(queue.flush(within: .seconds(60)))
        #expect(queue.droppedLines == dropped)
        close(pipe.writer)
    }

    @Test(arguments: ["closed reader", "closed", "/dev/full", "not blocking"])
    func aDescriptorThatTakesNothingLosesItsLines(kind: String) throws {
        let pipe = try Pipe()
        var descriptor = pipe.writer
        switch kind {
        case "closed reader": close(pipe.reader)
        case "closed": descriptor = -1
        case "not blocking": _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        default: descriptor = open("/dev/full", O_WRONLY)
        }
        let queue = LogQueue(descriptor: descriptor)
        if kind == "not blocking" {
            // More than a pipe holds: the writer waits instead of losing lines.
            Thread { _ = pipe.text() }.start()
            for _ in 0..<10 { queue.append([UInt8](repeating: 0x78, count: 99_999) + [0x0A]) }
            #expect(queue.flush(within: .seconds(60)))
            #expect(queue.droppedLines == 0)
            close(pipe.writer)
            return
        }
        queue.append(Array("a\nb\n".utf8))
        #expect(queue.flush(within: .seconds(60)))
        #expect(queue.droppedLines == 2)
    }
}
