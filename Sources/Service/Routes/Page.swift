// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import HTTPTypes

/// The page at `/`, which a policy confines to its own script and style and to this server.
enum Page {
    /// - Parameter html: the page, with `<script>` and `<style>` elements without attributes.
    /// - Returns: the page with its policy.
    static func file(_ html: [UInt8]) -> EmbeddedFile {
        EmbeddedFile(
            html,
            type: "text/html; charset=utf-8",
            // A page of an older binary could send what this one refuses.
            caching: "no-cache",
            fields: [
                .contentSecurityPolicy: policy(of: String(decoding: html, as: UTF8.self)),
                .referrerPolicy: "no-referrer",
                .permissionsPolicy: "camera=(self), geolocation=(), microphone=()",
            ]
        )
    }

    private static func policy(of html: String) -> String {
        [
            "default-src 'none'",
            "script-src \(hashes(of: "script", in: html))",
            "style-src \(hashes(of: "style", in: html))",
            "img-src 'self' blob: data:",
            "media-src blob: mediastream:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ].joined(separator: "; ")
    }

    /// The source expressions of all elements of a name (CSP 3, 2.3.1).
    private static func hashes(of element: String, in html: String) -> String {
        html.components(separatedBy: "<\(element)>").dropFirst().map { rest in
            let content = rest.components(separatedBy: "</\(element)>")[0]
            return "'sha256-\(Data(SHA256.hash(data: Data(content.utf8))).base64EncodedString())'"
        }.joined(separator: " ")
    }
}
