// SPDX-License-Identifier: Apache-2.0

import CNGHTTP2

/// The bridge to libnghttp2: its options, its callbacks, and what is asked of it.
///
/// The library gets the session's address without a reference: it lives no longer than the session, and calls only
/// from within a call of the session's own.
extension HTTP2Session {
    // MARK: Beginning

    /// - Throws: `.internalError` without memory.
    func makeLibrary() throws(HTTP2Failure) -> OpaquePointer {
        var callbacks: OpaquePointer?
        var options: OpaquePointer?
        guard nghttp2_session_callbacks_new(&callbacks) == 0, nghttp2_option_new(&options) == 0 else {
            throw .internalError
        }
        defer {
            nghttp2_session_callbacks_del(callbacks)
            nghttp2_option_del(options)
        }
        setCallbacks(callbacks)
        // Windows open as bodies are consumed, not as they arrive.
        nghttp2_option_set_no_auto_window_update(options, 1)
        nghttp2_option_set_no_closed_streams(options, 1)
        nghttp2_option_set_max_settings(options, limits.settings)
        nghttp2_option_set_max_continuations(options, limits.continuations + 1)
        var library: OpaquePointer?
        let owner = Unmanaged.passUnretained(self).toOpaque()
        guard nghttp2_session_server_new2(&library, callbacks, owner, options) == 0, let library else {
            throw .internalError
        }
        return library
    }

    /// - Throws: `.internalError` without memory.
    func submitSettings() throws(HTTP2Failure) {
        // To the library a stream too many is an error of the connection, to us one of the stream (RFC 9113 5.1.2): the
        // library is given a higher limit than the client, and ``announcedSettings()`` replaces what it would say.
        let entries = settings(streams: limits.streams * 10)
        let flags = UInt8(NGHTTP2_FLAG_NONE.rawValue)
        guard nghttp2_submit_settings(library, flags, entries, entries.count) == 0,
            nghttp2_session_set_local_window_size(library, flags, 0, Int32(clamping: limits.connectionWindow)) == 0
        else { throw .internalError }
    }

    /// The SETTINGS frame that the client gets.
    ///
    /// - Throws: `.internalError`, never in practice: all values are valid.
    func announcedSettings() throws(HTTP2Failure) -> [UInt8] {
        let entries = settings(streams: limits.streams)
        let payload = [UInt8](unsafeUninitializedCapacity: entries.count * 6) { buffer, count in
            count = max(0, nghttp2_pack_settings_payload(buffer.baseAddress, buffer.count, entries, entries.count))
        }
        guard !payload.isEmpty else { throw .internalError }
        return HTTP2FrameHeader.frame(.settings, payload)
    }

    private func settings(streams: Int) -> [nghttp2_settings_entry] {
        [
            (NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams),
            (NGHTTP2_SETTINGS_ENABLE_PUSH, 0),
            (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.streamWindow),
            (NGHTTP2_SETTINGS_MAX_FRAME_SIZE, HTTP2FrameHeader.maximumPayload),
            (NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.headerList),
            (NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1),
        ].map { nghttp2_settings_entry(settings_id: Int32($0.rawValue), value: UInt32(clamping: $1)) }
    }

    private func setCallbacks(_ callbacks: OpaquePointer?) {
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, owner in
            HTTP2Session.of(owner) { session in
                if let frame { session.beginSection(frame.pointee.hd.stream_id, frame.pointee.headers.cat) }
                return 0
            }
        }
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _,
            frame,
            name,
            nameCount,
            value,
            count,
            _,
            owner in
            HTTP2Session.of(owner) { session in
                session.addField(
                    frame?.pointee.hd.stream_id ?? 0,
                    UnsafeRawBufferPointer(start: name, count: nameCount),
                    UnsafeRawBufferPointer(start: value, count: count)
                )
            }
        }
        // Without this the library leaves out an invalid field and serves the request (RFC 9113 8.1.1 forbids it).
        nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks) { _, _, _, _, _, _, _, _ in
            NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, owner in
            HTTP2Session.of(owner) { session in
                if let frame { session.received(frame.pointee) }
                return 0
            }
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, id, bytes, count, owner in
            HTTP2Session.of(owner) { session in
                session.receivedData(id, UnsafeBufferPointer(start: bytes, count: count))
                return 0
            }
        }
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, owner in
            HTTP2Session.of(owner) { session in
                if let frame { session.sent(frame.pointee) }
                return 0
            }
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, id, code, owner in
            HTTP2Session.of(owner) { session in
                session.closed(id, code)
                return 0
            }
        }
    }

    private static func of(_ owner: UnsafeMutableRawPointer?, _ body: (HTTP2Session) -> Int32) -> Int32 {
        guard let owner else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
        return body(Unmanaged<HTTP2Session>.fromOpaque(owner).takeUnretainedValue())
    }

    // MARK: Receiving

    private func beginSection(_ id: Int32, _ category: nghttp2_headers_category) {
        guard category == NGHTTP2_HCAT_REQUEST else {
            streams[id]?.section = HTTP2FieldSection(limits: limits, isTrailer: true)
            return
        }
        let hasRoom = streams.count + heldSlots < limits.streams
        streams[id] = Stream(section: HTTP2FieldSection(limits: limits, isTrailer: false), now: now)
        if !hasRoom { reset(id, .refusedStream) }
    }

    private func addField(_ id: Int32, _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Int32 {
        streams[id]?.section?.add(name: name, value: value)
        guard let size = streams[id]?.section?.listSize, size > limits.headerList * limits.headerBombFactor else {
            return 0
        }
        callbackFailure = .enhanceYourCalm
        return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
    }

    private func received(_ frame: nghttp2_frame) {
        let id = frame.hd.stream_id
        let hasFlag = frame.hd.flags & 0x1 != 0
        switch HTTP2FrameHeader.Kind(rawValue: frame.hd.type) {
        case .headers: receivedSection(id, endsStream: hasFlag, frame.headers.cat)
        case .data:
            if hasFlag {
                end(id)
            } else if frame.hd.length <= frame.data.padlen {
                // Nothing but padding.
                if !meters.idleFrames.add(5, now: now) { callbackFailure = .enhanceYourCalm }
            }
        case .rstStream: streams[id]?.wasResetByClient = true
        case .settings: isAcknowledged = isAcknowledged || hasFlag
        case .ping:
            let data = withUnsafeBytes(of: frame.ping.opaque_data) { Array($0) }
            if hasFlag, data == Self.shutdownMark { finishShutdown() }
        case .priority, .pushPromise, .goAway, .windowUpdate, .continuation, nil: break
        }
    }

    private func receivedSection(_ id: Int32, endsStream: Bool, _ category: nghttp2_headers_category) {
        guard let stream = streams[id], !stream.isReset, let section = stream.section else { return }
        streams[id]?.section = nil
        do throws(HTTP2FieldSection.Fault) {
            if category == NGHTTP2_HCAT_REQUEST {
                streams[id]?.isHeadRequest = section.isHeadRequest
                events.append(.head(stream: id, try section.head(endsStream: endsStream)))
            } else if let fault = section.fault {
                throw fault
            }
        } catch {
            // Trailers too many or too large: the head was accepted long ago, so the stream is reset.
            guard case .refused(let refusal) = error, category == NGHTTP2_HCAT_REQUEST else {
                return reset(id, .protocolError)
            }
            events.append(.refused(stream: id, refusal, section.partialHead))
        }
        if endsStream { end(id) }
    }

    private func end(_ id: Int32) {
        guard let stream = streams[id] else { return }
        streams[id]?.clientHasEnded = true
        if !stream.isReset { events.append(.end(stream: id)) }
    }

    private func receivedData(_ id: Int32, _ bytes: UnsafeBufferPointer<UInt8>) {
        if streams[id]?.isReset == false {
            events.append(.body(stream: id, Array(bytes)))
        } else {
            nghttp2_session_consume_connection(library, bytes.count)
        }
    }

    private func closed(_ id: Int32, _ code: UInt32) {
        dropBody(of: id)
        guard let stream = streams.removeValue(forKey: id) else { return }
        let closing: Closing =
            if stream.wasResetByClient {
                .resetByClient
            } else if stream.isReset && stream.resetCode != .protocolError {
                .resetHere
            } else {
                code == HTTP2Failure.noError.rawValue ? .finished : .faulty
            }
        let isByClient = closing == .resetByClient || (closing == .finished && stream.clientHasEnded)
        closedStreams.insert(id, isByClient ? .byClient : .byServer)
        events.append(.closed(stream: id, closing))
    }

    // MARK: Sending

    private func sent(_ frame: nghttp2_frame) {
        let id = frame.hd.stream_id
        switch HTTP2FrameHeader.Kind(rawValue: frame.hd.type) {
        case .rstStream:
            if streams[id] == nil { closedStreams.insert(id, .byServer) }
            switch HTTP2Failure(rawValue: frame.rst_stream.error_code) {
            // Our own doing, not the client's fault.
            case .noError, .cancel: break
            default:
                if !meters.faults.add(1, now: now) { callbackFailure = .enhanceYourCalm }
            }
        case .data, .headers:
            if frame.hd.type == HTTP2FrameHeader.Kind.data.rawValue {
                dataSentAt = now
                // A client that takes much may open its windows often.
                meters.windowUpdates.credit(4)
            }
            streams[id]?.movedAt = now
            if frame.hd.flags & 0x1 != 0, streams[id]?.clientHasEnded == false {
                events.append(.respondedEarly(stream: id))
            }
        case .goAway: if frame.goaway.error_code != HTTP2Failure.noError.rawValue { libraryHasFailed = true }
        case .priority, .settings, .pushPromise, .ping, .windowUpdate, .continuation, nil: break
        }
    }

    /// - Returns: false when the library does not take it.
    func submit(_ block: HTTP2FieldBlock, on id: Int32, hasContent: Bool) -> Bool {
        var block = block
        var provider = nghttp2_data_provider()
        provider.read_callback = { _, id, buffer, capacity, flags, _, owner in
            guard let owner, let buffer, let flags else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
            let session = Unmanaged<HTTP2Session>.fromOpaque(owner).takeUnretainedValue()
            let target = UnsafeMutableRawBufferPointer(start: buffer, count: capacity)
            guard let (count, isLast) = session.copyBody(of: id, to: target) else {
                // RST_STREAM follows; without this the response would look complete.
                return Int(NGHTTP2_ERR_DEFERRED.rawValue)
            }
            if isLast { flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue }
            return count
        }
        return block.withFields { fields in
            withUnsafePointer(to: &provider) { provider in
                nghttp2_submit_response(library, id, fields.baseAddress, fields.count, hasContent ? provider : nil) == 0
            }
        }
    }

    func submitInformational(_ block: HTTP2FieldBlock, on id: Int32) {
        var block = block
        block.withFields { fields in
            _ = nghttp2_submit_headers(
                library,
                UInt8(NGHTTP2_FLAG_NONE.rawValue),
                id,
                nil,
                fields.baseAddress,
                fields.count,
                nil
            )
        }
    }

    /// - Returns: nil: the stream has been reset.
    private func copyBody(of id: Int32, to target: UnsafeMutableRawBufferPointer) -> (count: Int, isLast: Bool)? {
        guard let stream = streams[id], !stream.isReset else { return nil }
        let count = min(target.count, stream.body.count - stream.sent)
        target.copyBytes(from: stream.body[stream.sent..<stream.sent + count])
        dataSent += count
        let isLast = stream.sent + count == stream.body.count
        if isLast { dropBody(of: id) } else { streams[id]?.sent += count }
        return (count, isLast)
    }
}
