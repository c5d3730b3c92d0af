// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HTTPWire
import SocketServer
import Synchronization

/// A service whose response is chosen by the request's path.
///
/// `/echo` the body, `/large` eight million bytes, `/gate` a response once the test opens the gate, `/small` a body of
/// at most ten bytes, anything under `/early` a response before the body.
final class ScriptedHandler: RequestHandler {
    private struct State {
        var admitted: [String] = []
        var responded: [String] = []
        var statuses: [Int] = []
        var cancelled = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
        var isOpen = false
    }

    private let state = Mutex(State())

    /// Paths whose head was seen, and whose whole request was handled.
    var admitted: [String] { state.withLock { $0.admitted } }
    var responded: [String] { state.withLock { $0.responded } }
    /// What was reported as done, in order.
    var statuses: [Int] { state.withLock { $0.statuses } }
    /// Tasks that found themselves cancelled at the gate.
    var cancelled: Int { state.withLock { $0.cancelled } }
    /// Requests that wait at the gate.
    var waiting: Int { state.withLock { $0.waiting.count } }

    func openGate() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func admit(_ head: HTTPRequestHead) -> Admission {
        state.withLock { $0.admitted.append(head.path) }
        if head.path.hasPrefix("/early") { return .respond(Response(status: 403, body: Array("no".utf8))) }
        return .readBody(limit: head.path == "/small" ? 10 : 16 << 20) { [self] in await respond(to: $0) }
    }

    private func respond(to request: Request) async -> Response {
        if request.head.path == "/gate" {
            await withCheckedContinuation { continuation in
                let isOpen = state.withLock { state in
                    if !state.isOpen { state.waiting.append(continuation) }
                    return state.isOpen
                }
                if isOpen { continuation.resume() }
            }
            if Task.isCancelled { state.withLock { $0.cancelled += 1 } }
        }
        state.withLock { $0.responded.append(request.head.path) }
        let fields: HTTPFields = request.head.isOverLimit ? [.server: "over-limit"] : [:]
        switch request.head.path {
        case "/large": return Response(status: 200, fields: fields, body: [UInt8](repeating: 7, count: 8_000_000))
        case "/echo", "/small": return Response(status: 200, fields: fields, body: request.body)
        default: return Response(status: 200, fields: fields, body: Array(request.head.path.utf8))
        }
    }

    /// `Server` repeats the header `From` of the refused request.
    func refusal(
        _ refusal: HTTPRefusal,
        of head: HTTPRequestHead?,
        note: RequestNote?
    ) -> (response: Response, note: RequestNote?) {
        var fields = HTTPFields()
        if let from = HTTPField.Name("From") { fields[.server] = head?.fields[from] }
        return (Response(status: refusal.status, fields: fields, body: Array("\(refusal)".utf8)), note)
    }

    func completed(_ exchange: Exchange) {
        state.withLock { $0.statuses.append(exchange.status) }
    }
}
