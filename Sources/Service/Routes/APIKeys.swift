// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import HTTPTypes
import InferenceQueue
import Synchronization

/// The keys that clients may send as `Authorization: Bearer KEY`, and the rate limit of each.
final class APIKeys: Sendable {
    /// Digests compare in constant time, whatever their keys' lengths.
    private typealias Digest = SHA256Digest

    private struct State {
        var digests: [Digest]
        /// At most one per key, so no client can make it grow.
        var buckets: [Caller: TokenBucket] = [:]
    }

    private let path: String
    /// Requests per minute of one key; 0: any number.
    private let perMinute: Int
    private let state: Mutex<State>

    /// - Parameters:
    ///   - path: a text file, one key per line; empty lines and lines that start with `#` are ignored.
    ///   - perMinute: requests per minute of one key; 0: any number.
    /// - Throws: `ServiceError.unreadableKeys`, `.noKeys`.
    init(path: String, perMinute: Int = 0) throws(ServiceError) {
        self.path = path
        self.perMinute = perMinute
        state = Mutex(State(digests: try Self.read(path)))
    }

    /// Reads the file again; keys that stay keep the state of their rate limit.
    ///
    /// - Returns: how many keys there are now.
    /// - Throws: `ServiceError`; the keys stay as they were.
    func reload() throws(ServiceError) -> Int {
        let digests = try Self.read(path)
        let callers = Set(digests.map(Self.caller))
        state.withLock { state in
            state.digests = digests
            state.buckets = state.buckets.filter { callers.contains($0.key) }
        }
        return digests.count
    }

    private static func read(_ path: String) throws(ServiceError) -> [Digest] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { throw .unreadableKeys(path: path) }
        // White space around a key cannot be sent in a header.
        let keys = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty && !$0.hasPrefix("#") }
        guard !keys.isEmpty else { throw .noKeys(path: path) }
        return keys.map(digest)
    }

    /// The caller that a key belongs to.
    ///
    /// - Parameter authorization: the value of the header.
    /// - Returns: always the same for the same key.
    /// - Throws: a `Problem` of kind `unauthorized`.
    func caller(_ authorization: String?) throws(Problem) -> Caller {
        if let digest = known(authorization) { return Self.caller(digest) }
        var problem = Problem(.unauthorized, "The request has no valid API key; send 'Authorization: Bearer KEY'.")
        problem.fields[.wwwAuthenticate] = "Bearer realm=\"uae\""
        throw problem
    }

    /// Takes one request off the rate of a key, whose `caller` comes from ``caller(_:)``.
    ///
    /// - Throws: a `Problem` of kind `rateLimited`.
    func spend(by caller: Caller, now: ContinuousClock.Instant = .now) throws(Problem) {
        guard perMinute > 0 else { return }
        let wait = state.withLock { state in
            state.buckets[caller, default: TokenBucket(perMinute: perMinute, now: now)].take(now)
        }
        guard let wait else { return }
        throw Problem(
            .rateLimited,
            "This API key may send \(perMinute) requests per minute.",
            [("limit", .integer(perMinute))]
        ).retrying(afterSeconds: max(1, Int((wait / .seconds(1)).rounded(.up))))
    }

    private func known(_ authorization: String?) -> Digest? {
        guard let authorization, authorization.lowercased().hasPrefix("bearer ") else { return nil }
        let given = Self.digest(String(authorization.dropFirst(7)))
        let digests = state.withLock { $0.digests }
        // Every key is compared in full, so that the time reveals nothing.
        var isKnown = false
        for digest in digests { isKnown = digest == given || isKnown }
        return isKnown ? given : nil
    }

    private static func digest(_ key: String) -> Digest {
        SHA256.hash(data: Array(key.utf8))
    }

    /// Names a caller in the log: the first eight hexadecimal digits of its key's SHA-256.
    static func name(of caller: Caller) -> String? {
        guard case .key(let number) = caller else { return nil }
        let digits = String(number >> 32, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    private static func caller(_ digest: Digest) -> Caller {
        .key(digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }
}
