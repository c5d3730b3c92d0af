// SPDX-License-Identifier: Apache-2.0

/// A request's header section over HTTP/2.
package struct HTTP2Head: Sendable {
    package var request: HTTPRequestHead
    package let expectsContinue: Bool
}
