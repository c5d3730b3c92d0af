// SPDX-License-Identifier: Apache-2.0

import HTTPWire

/// A form that a response can take.
protocol ResponseForm: Sendable {
    var mediaType: String { get }
}

/// The form of a response that is always JSON.
enum JSONForm: ResponseForm {
    case json

    var mediaType: String { "application/json" }
}

extension AcceptHeader {
    /// The form that the client prefers; among equals the first.
    ///
    /// - Parameter forms: at least one, the default first.
    /// - Returns: one of them.
    /// - Throws: a `Problem` of kind `not-acceptable`.
    func best<Form: ResponseForm>(of forms: [Form]) throws(Problem) -> Form {
        var best = (form: forms[0], quality: 0.0)
        if isIndifferent { return best.form }
        for form in forms where quality(of: form.mediaType) > best.quality {
            best = (form, quality(of: form.mediaType))
        }
        guard best.quality > 0 else {
            throw .notAcceptable(
                "The Accept header allows no form of this response.",
                available: forms.map(\.mediaType)
            )
        }
        return best.form
    }
}

extension Problem {
    static func notAcceptable(_ detail: String, available: [String]) -> Problem {
        Problem(.notAcceptable, detail, [("available", .array(available.map(JSONValue.string)))])
    }
}
