// SPDX-License-Identifier: Apache-2.0

extension ConfigurationError: CustomStringConvertible {
    /// One sentence for the person who wrote the file.
    package var description: String {
        switch self {
        case .tooLong(let bytes, let limit): "the file has \(bytes) bytes or more; the limit is \(limit)"
        case .notJSON(let error): "not JSON: \(error)"
        case .formatUnknown(let found, let supported): "format is \(found); this version reads \(supported)"
        case .missing(let path): "\(path) is missing"
        case .unknownMember(let path): "\(path) is not a known member"
        case .wrongType(let path, let expected, let found):
            "\(path.isEmpty ? "the document" : path) must be of type \(expected), found \(found)"
        case .outOfRange(let path, let value, let minimum, let maximum):
            "\(path) is \(Self.text(value)), must be within \(Self.text(minimum))...\(Self.text(maximum))"
        case .notAmong(let path, let value, let allowed):
            "\(path) is \(value), must be one of \(allowed.joined(separator: ", "))"
        case .countMismatch(let path, let expected, let found): "\(path) has \(found) elements, must have \(expected)"
        case .tooMany(let path, let count, let limit): "\(path) has \(count) elements; the limit is \(limit)"
        case .empty(let path): "\(path) is empty"
        case .unsafeFileName(let path, let value): "\(path) is \(value), must name a file in the model folder itself"
        case .headsDoNotDivideWidth(let path, let width, let headCount):
            "\(path) is \(headCount), which does not divide the width \(width)"
        case .patchesDoNotFillImage(let path, let side, let patchSide):
            "\(path) is \(patchSide), which does not divide the side \(side)"
        case .gridMismatch(let path, let expected, let found): "\(path) gives the side \(found), must give \(expected)"
        case .channelsMismatch(let path, let expected, let found):
            "\(path) gives \(found) channels, must give \(expected)"
        case .notSquare(let path, let value): "\(path) is \(value), must be a square number such as 64 (8 x 8)"
        case .embeddingHeadWithoutPacking: "head.source is embedding, but the model has no packing"
        case .packingNeedsLite(let family):
            "packing needs an encoder of the family uae-lite; encoder.family is \(family)"
        case .packingNeedsEvenSide(let path, let side): "\(path) is \(side); with packing it must be even"
        case .layerDoesNotFit(let path, let height, let width): "\(path) does not fit a map of \(height) x \(width)"
        case .channelsDoNotFormPixels(let path, let channels, let factor):
            "\(path) needs channels divisible by \(factor * factor), found \(channels)"
        case .nestedTooDeeply(let path, let limit): "\(path) is nested more than \(limit) deep"
        case .activationsTooLarge(let path, let count, let limit):
            "\(path) makes a map of \(count) numbers; the limit is \(limit)"
        }
    }

    /// Whole numbers without a fraction.
    private static func text(_ number: Double) -> String {
        Int(exactly: number).map(String.init) ?? String(number)
    }
}
