// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HTTPWire

/// Speaks HTTP/2 on a connection: many requests at once, each with the bounds that HTTP/1.1 gives it.
final class HTTP2Driver: ProtocolDriver {
    private enum Phase {
        /// The body is coming in.
        case reading(deadline: ContinuousClock.Instant)
        /// The handler has the request, or the response is being sent.
        case responding
        /// There is a response; the rest of the body is dropped until it ends or comes too slowly.
        case discarding(Pace, period: Duration)
        /// The client left while the handler is at work; the slot is taken until that is over.
        case abandoned
    }

    private struct Current {
        let exchange: ActiveExchange
        var phase: Phase
        /// The whole response is sent.
        var responseIsSent = false
        /// More of the body followed the response than is worth reading.
        var isTooLong = false
    }

    private unowned let connection: Connection
    private unowned let loop: EventLoop
    private let session: HTTP2Session
    private let openedAt: ContinuousClock.Instant
    private var requests: [Int32: Current] = [:]
    /// When the last stream ended, or the connection began.
    private var idleSince: ContinuousClock.Instant
    private var noticeAt: ContinuousClock.Instant?
    private var sawPeerFinish = false
    private var isLost = false

    /// Bytes that wait for the socket before streams are asked for more.
    ///
    /// The library's own replies to frames may exceed it a little.
    private static let outputBound = 256 << 10
    private static let outputStep = 64 << 10
    /// After an early response, a rest of the body up to this may take the body's time; a longer one must go on coming.
    private static let discardLimit = 64 << 10
    /// A response up to this is sent however many bytes wait on the connection already.
    private static let smallResponse = 16 << 10
    /// How long after GOAWAY's notice clients may still begin streams.
    private static let noticeTime = Duration.seconds(1)

    /// nil if the settings are not valid.
    ///
    /// - Parameters:
    ///   - connection: one that begins with HTTP/2's preface, or offered an upgrade.
    ///   - upgrade: the request that offered HTTP/2, and its `HTTP2-Settings`.
    init?(connection: Connection, upgrade: (request: HTTPRequestHead, settings: [UInt8])?) {
        self.connection = connection
        loop = connection.loop
        openedAt = loop.now
        idleSince = openedAt
        let limits = loop.configuration.http2
        do throws(HTTP2Failure) {
            session = try HTTP2Session(limits: limits, now: openedAt, upgrade: upgrade)
        } catch {
            return nil
        }
        if loop.isDraining { drain() }
    }

    // MARK: What the connection calls

    var wantsInput: Bool { !session.isFinished && connection.output.count < 2 * Self.outputBound }

    func take(_ bytes: UnsafeRawBufferPointer) {
        session.receive(bytes, now: loop.now)
        handleEvents()
    }

    func respond(exchange number: UInt64, _ response: Response) {
        let id = Int32(truncatingIfNeeded: number)
        guard let current = requests[id] else { return }
        if case .abandoned = current.phase {
            forget(id)
        } else {
            send(response, on: id)
        }
    }

    func advance() -> Bool {
        if connection.peerHasFinished, !sawPeerFinish { finishForPeer() }
        var moved = false
        while connection.output.count < Self.outputBound {
            let bytes = session.output(atMost: Self.outputStep, now: loop.now)
            connection.output.append(bytes)
            if bytes.isEmpty, !handleEvents() { break }
            moved = moved || !bytes.isEmpty
        }
        if connection.output.isEmpty, !moved, session.isFinished || nothingCanFollow {
            connectionLost()
            connection.finish()
            return false
        }
        return moved
    }

    var heldBytes: Int { session.responseBytes }

    /// Cancels everything; no response can be sent any more.
    func connectionLost() {
        isLost = true
        for id in requests.keys { cancel(id, status: 499) }
    }

    // MARK: Ending

    func drain() {
        guard noticeAt == nil else { return }
        noticeAt = loop.now
        session.beginShutdown()
    }

    /// The client sends nothing more, but may still read: complete requests get their responses.
    private func finishForPeer() {
        sawPeerFinish = true
        for (id, current) in requests {
            switch current.phase {
            case .reading: session.reset(id, .cancel)
            case .discarding where current.responseIsSent: session.reset(id, .noError)
            case .discarding, .responding, .abandoned: break
            }
        }
        // If the client is gone, its kernel replies with a reset, which cancels the rest.
        session.finishShutdown()
    }

    /// The client sends nothing more, so it opens no window, and no handler is at work for it.
    private var nothingCanFollow: Bool {
        sawPeerFinish
            && !requests.values.contains { current in
                if case .abandoned = current.phase { false } else { current.exchange.isRunning }
            }
    }

    // MARK: Time

    var nextDeadline: ContinuousClock.Instant? {
        let configuration = loop.configuration
        var next = session.earliestPeriod.map { $0 + configuration.writeTimeout }
        for current in requests.values {
            switch current.phase {
            case .reading(let deadline): next = earlier(next, deadline)
            case .discarding(let pace, let period) where current.responseIsSent:
                next = earlier(next, pace.deadline(period))
            case .discarding, .responding, .abandoned: break
            }
        }
        if session.hasFailed { return next }
        let incompleteSince = session.incompleteSince ?? (session.hasSettings ? nil : openedAt)
        next = earlier(next, incompleteSince.map { $0 + configuration.headerTimeout })
        if !session.isAcknowledged {
            next = earlier(next, openedAt + max(configuration.headerTimeout, configuration.idleTimeout))
        }
        guard session.acceptsStreams else { return next }
        if requests.isEmpty, !session.hasOpenStreams { next = earlier(next, idleSince + configuration.idleTimeout) }
        return earlier(next, noticeAt.map { $0 + Self.noticeTime })
    }

    func checkDeadline(_ now: ContinuousClock.Instant) {
        let configuration = loop.configuration
        if let since = session.incompleteSince ?? (session.hasSettings ? nil : openedAt),
            now >= since + configuration.headerTimeout
        {
            session.fail(session.hasSettings ? .enhanceYourCalm : .protocolError)
        } else if !session.isAcknowledged,
            now >= openedAt + max(configuration.headerTimeout, configuration.idleTimeout)
        {
            session.fail(.settingsTimeout)
        } else if requests.isEmpty, !session.hasOpenStreams, now >= idleSince + configuration.idleTimeout {
            session.finishShutdown()
        }
        if let noticeAt, now >= noticeAt + Self.noticeTime { session.finishShutdown() }
        let slow = session.slowResponses(now, period: configuration.writeTimeout, rate: configuration.minimumRate)
        for id in slow { session.reset(id, .cancel) }
        for (id, current) in requests { checkDeadline(now, id, current) }
    }

    private func checkDeadline(_ now: ContinuousClock.Instant, _ id: Int32, _ current: Current) {
        switch current.phase {
        case .reading(let deadline) where now >= deadline:
            if current.exchange.isTooSlow(now, loop: loop) {
                refuse(.bodyTimeout, on: id)
            } else {
                requests[id]?.phase = .reading(deadline: now + .seconds(1))
            }
        case .discarding(var pace, let period) where current.responseIsSent:
            if pace.isTooSlow(now, period: period, rate: loop.configuration.minimumRate) {
                session.reset(id, .noError)
            } else {
                requests[id]?.phase = .discarding(pace, period: period)
            }
        case .reading, .discarding, .responding, .abandoned: break
        }
    }

    // MARK: Events

    /// - Returns: whether there were any.
    @discardableResult private func handleEvents() -> Bool {
        let events = session.takeEvents()
        for event in events {
            switch event {
            case .head(let id, let head): begin(id, head)
            case .refused(let id, let refusal, let head): respond(refusal, to: head, on: id)
            case .body(let id, let bytes): take(bytes, on: id)
            case .end(let id): end(id)
            case .respondedEarly(let id): dropRest(of: id)
            case .closed(let id, let closing): closed(id, closing)
            }
        }
        return !events.isEmpty
    }

    private func begin(_ id: Int32, _ head: HTTP2Head) {
        var request = head.request
        request.isOverLimit = connection.isOverLimit
        let now = loop.now
        let deadline = now + loop.configuration.bodyTimeout
        let admission = loop.handler.admit(request)
        let exchange = ActiveExchange(
            number: UInt64(id),
            head: request,
            startedAt: now,
            admission: admission,
            client: connection.client,
            discardLimit: 0
        )
        requests[id] = Current(exchange: exchange, phase: .reading(deadline: deadline))
        switch admission {
        case .respond(let response, _): send(response, on: id)
        case .readBody:
            do throws(HTTPRefusal) {
                try requests[id]?.exchange.expectBody()
            } catch {
                return refuse(error, on: id)
            }
            if head.expectsContinue, request.hasBody { session.sendContinue(on: id) }
        }
        // A connection beyond the limit serves one probe.
        if connection.isOverLimit { session.finishShutdown() }
    }

    private func take(_ bytes: [UInt8], on id: Int32) {
        do throws(HTTPRefusal) {
            try requests[id]?.exchange.append(bytes, loop: loop)
            // While the rest of a body is dropped, too: a client whose window stays shut would wait for it to open.
            session.consume(bytes.count, on: id, reopensStream: requests[id] != nil)
            guard case .discarding(var pace, let period) = requests[id]?.phase else { return }
            pace.move(bytes.count, loop.now)
            requests[id]?.phase = .discarding(pace, period: period)
        } catch {
            let hasResponse = requests[id]?.exchange.hasResponse ?? true
            session.consume(bytes.count, on: id, reopensStream: !hasResponse)
            if !hasResponse { return refuse(error, on: id) }
            requests[id]?.isTooLong = true
            // A reset would also take back the part of the response that is not sent.
            if requests[id]?.responseIsSent == true { giveUp(id) }
        }
    }

    private func end(_ id: Int32) {
        guard let current = requests[id] else { return }
        requests[id]?.phase = .responding
        if !current.exchange.hasResponse { requests[id]?.exchange.start(connection: connection.id, loop: loop) }
    }

    /// The response is sent before the request has ended.
    ///
    /// The stream is reset (RFC 9113 8.1), but not at once if the client may be sending: many lose the response then.
    private func dropRest(of id: Int32) {
        requests[id]?.responseIsSent = true
        guard let current = requests[id], !current.isTooLong else { return giveUp(id) }
        let rest = (current.exchange.head.contentLength ?? .max) - current.exchange.bodyCount
        if rest > Self.discardLimit {
            requests[id]?.phase = .discarding(Pace(loop.now), period: loop.configuration.lingerTimeout)
        }
    }

    /// Ends a stream whose body goes on beyond what is worth reading, and the connection after its other streams.
    ///
    /// A client that waits for the window to open, reset or not, would wait until the connection is idle.
    private func giveUp(_ id: Int32) {
        session.reset(id, .noError)
        session.finishShutdown()
    }

    private func closed(_ id: Int32, _ closing: HTTP2Session.Closing) {
        guard requests[id] != nil else {
            // A request that was malformed from the start got no response, but counts as one.
            if closing == .faulty { report(nil, note: nil, status: 400, bytesOut: 0) }
            idleSince = loop.now
            return
        }
        switch closing {
        case .finished, .resetByClient, .resetHere: cancel(id, status: 499)
        case .faulty: cancel(id, status: 400)
        }
    }

    /// The stream is gone; the slot stays taken while the handler is at work.
    private func cancel(_ id: Int32, status: Int) {
        guard let current = requests[id] else { return }
        if case .abandoned = current.phase { return }
        let isRunning = current.exchange.isRunning
        current.exchange.cancel(status: status, loop: loop)
        guard isRunning, !isLost else { return forget(id) }
        requests[id]?.phase = .abandoned
        session.heldSlots += 1
    }

    private func forget(_ id: Int32) {
        if case .abandoned = requests.removeValue(forKey: id)?.phase { session.heldSlots -= 1 }
        idleSince = loop.now
    }

    // MARK: Responses

    private func send(_ response: Response, on id: Int32) {
        guard let current = requests[id] else { return }
        let limit = loop.configuration.maximumConnectionBytes
        // The first one is sent whatever its size, and as many as fit beside it.
        if response.body.count > Self.smallResponse, current.exchange.head.method != .head, session.responseBytes > 0,
            session.responseBytes + response.body.count > limit
        {
            return refuse(.tooManyResponseBytes(limit: limit), on: id)
        }
        session.respond(response, on: id, date: loop.date.now(), now: loop.now)
        let bytesOut = current.exchange.head.method == .head ? 0 : response.body.count
        requests[id]?.exchange.finish(status: response.status, bytesOut: bytesOut, loop: loop)
        if case .reading = current.phase {
            requests[id]?.phase = .discarding(Pace(loop.now), period: loop.configuration.bodyTimeout)
            requests[id]?.exchange.bodyLimit = current.exchange.bodyCount + loop.configuration.lingerBytes
        }
    }

    /// Responds with the protocol's own error; other streams go on.
    private func refuse(_ refusal: HTTPRefusal, on id: Int32) {
        guard let exchange = requests[id]?.exchange else { return }
        send(loop.handler.refusal(refusal, of: exchange.head, note: exchange.note).response, on: id)
    }

    /// Responds to a request that the handler has not seen.
    private func respond(_ refusal: HTTPRefusal, to head: HTTPRequestHead, on id: Int32) {
        let (response, note) = loop.handler.refusal(refusal, of: head, note: nil)
        session.respond(response, on: id, date: loop.date.now(), now: loop.now)
        report(head, note: note, status: response.status, bytesOut: response.body.count)
    }

    private func report(_ head: HTTPRequestHead?, note: RequestNote?, status: Int, bytesOut: Int) {
        loop.handler.completed(
            Exchange(
                head: head,
                note: note,
                client: connection.client,
                status: status,
                bytesIn: 0,
                bytesOut: bytesOut,
                duration: .zero
            )
        )
    }
}
