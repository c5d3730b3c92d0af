// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc

/// A descriptor that Dispatch watches, with a source for reading and, once output has been blocked, one for writing.
///
/// Both sources keep the watch alive, and the watch keeps them, until it is cancelled: Dispatch releases a source's
/// handlers then. A suspended source must be resumed before it is released. The descriptor must stay open until both
/// sources have been cancelled, or Dispatch would watch whatever gets its number next.
///
/// Dispatch disables a source while its handler runs, and has a thread of its own enable it again: two changes of
/// thread for each event. A client that is at work sends again within microseconds, so a descriptor that had something
/// to read is read once more in the queue's next turn, and goes back to Dispatch when it has nothing.
final class DispatchWatch: DescriptorWatch {
    private let descriptor: Int32
    private let events: DispatchEvents
    private let reader: any DispatchSourceRead
    private var writer: (any DispatchSourceWrite)?
    /// nil: the watch is cancelled.
    private var handler: (any DescriptorHandler)?
    private var wantsToRead = true
    private var isReadAgain = false
    private var readerIsSuspended = false
    private var writerIsSuspended = true
    /// Sources that use the descriptor.
    private var sourceCount = 1
    private var closed: (() -> Void)?

    init(descriptor: Int32, events: DispatchEvents, handler: any DescriptorHandler) {
        self.descriptor = descriptor
        self.events = events
        self.handler = handler
        reader = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: events.queue)
        reader.setEventHandler { [self] in readable() }
        reader.setCancelHandler { [self] in sourceEnded() }
        reader.activate()
    }

    func setInterest(reading: Bool, writing: Bool) {
        if handler == nil { return }
        wantsToRead = reading
        updateReader()
        guard writing == writerIsSuspended else { return }
        writerIsSuspended = !writing
        if let writer {
            if writing { writer.resume() } else { writer.suspend() }
        } else {
            makeWriter()
        }
    }

    var hasHungUp: Bool {
        var state = pollfd(fd: descriptor, events: 0, revents: 0)
        return poll(&state, 1, 0) > 0
    }

    func cancel(closed: @escaping () -> Void) {
        if handler == nil { return }
        handler = nil
        self.closed = closed
        reader.cancel()
        if readerIsSuspended { reader.resume() }
        writer?.cancel()
        if writerIsSuspended { writer?.resume() }
    }

    /// Tries a read although Dispatch has reported nothing.
    func readAgain() {
        guard let handler else { return }
        keepActive(handler.handle(.readable))
    }

    private func readable() {
        guard let handler else { return }
        // Dispatch reports a hang-up like the end of what the peer sends: as no bytes to read.
        let hasHungUp = reader.data == 0 && hasHungUp
        keepActive(handler.handle(hasHungUp ? .hungUp : .readable))
    }

    private func keepActive(_ isActive: Bool) {
        if handler == nil { return }
        isReadAgain = isActive
        updateReader()
        if isActive { events.readAgain(self) }
    }

    private func updateReader() {
        let suspends = isReadAgain || !wantsToRead
        guard suspends != readerIsSuspended else { return }
        readerIsSuspended = suspends
        if suspends { reader.suspend() } else { reader.resume() }
    }

    private func makeWriter() {
        let source = DispatchSource.makeWriteSource(fileDescriptor: descriptor, queue: events.queue)
        source.setEventHandler { [self] in _ = handler?.handle(.writable) }
        source.setCancelHandler { [self] in sourceEnded() }
        sourceCount += 1
        writer = source
        source.activate()
    }

    private func sourceEnded() {
        sourceCount -= 1
        guard sourceCount == 0 else { return }
        close(descriptor)
        closed?()
        closed = nil
    }
}
