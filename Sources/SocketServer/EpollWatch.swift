// SPDX-License-Identifier: Apache-2.0

import CEpoll
import Glibc

/// A descriptor that the epoll descriptor of ``DispatchEvents`` watches.
final class EpollWatch: DescriptorWatch {
    let descriptor: Int32
    /// Names the watch in what epoll reports; the descriptor's number may be another connection's by then.
    let token: UInt64
    /// What is to be reported besides hang-ups.
    private(set) var interest = EPOLLIN.rawValue
    private unowned let events: DispatchEvents
    /// nil: the watch is cancelled.
    private var handler: (any DescriptorHandler)?

    init(descriptor: Int32, token: UInt64, events: DispatchEvents, handler: any DescriptorHandler) {
        self.descriptor = descriptor
        self.token = token
        self.events = events
        self.handler = handler
    }

    func setInterest(reading: Bool, writing: Bool) {
        let wanted = (reading ? EPOLLIN.rawValue : 0) | (writing ? EPOLLOUT.rawValue : 0)
        if handler == nil || wanted == interest { return }
        interest = wanted
        events.update(self)
    }

    func cancel(closed: @escaping () -> Void) {
        if handler == nil { return }
        handler = nil
        events.end(self, closed: closed)
    }

    /// - Parameter ready: events of epoll.
    func handle(_ ready: UInt32) {
        guard let handler else { return }
        var readiness: Readiness = []
        if ready & EPOLLOUT.rawValue != 0 { readiness.insert(.writable) }
        let isReadable = ready & EPOLLIN.rawValue != 0
        let isHungUp = ready & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0
        // What the client sent before it left is read first.
        if isHungUp, !isReadable || unreadCount == 0 {
            readiness.insert(.hungUp)
        } else if isReadable {
            readiness.insert(.readable)
        }
        handler.handle(readiness)
    }

    private var unreadCount: Int32 {
        var count: Int32 = 0
        return ioctl(descriptor, UInt(FIONREAD), &count) == 0 ? count : 0
    }
}
