// SPDX-License-Identifier: Apache-2.0

import Fixtures
import ImageCodec
import Testing

/// A linear congruential generator: the same damage in every run.
private struct Damage: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 32 | state << 32
    }

    /// Overwrites, flips, inserts, removes, repeats or exchanges a few runs of bytes.
    mutating func spoil(_ bytes: [UInt8], with other: [UInt8]) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...4, using: &self) where !result.isEmpty {
            let start = Int.random(in: 0..<result.count, using: &self)
            let end = min(start + Int.random(in: 1...16, using: &self), result.count)
            switch Int.random(in: 0..<7, using: &self) {
            case 0: result[start] = UInt8.random(in: 0...255, using: &self)
            case 1: result[start] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 2: result.replaceSubrange(start..<end, with: repeatElement(0xff, count: end - start))
            case 3: result.removeSubrange(start..<end)
            case 4: result.insert(contentsOf: result[start..<end], at: start)
            case 5: result.removeLast(Int.random(in: 0...min(40, result.count), using: &self))
            default:
                let from = Int.random(in: 0..<other.count, using: &self)
                result.insert(contentsOf: other[from..<min(from + 64, other.count)], at: start)
            }
        }
        return result
    }
}

@Suite struct MutationTests {
    @Test(arguments: 0..<8)
    func spoiltFilesGiveAImageOrATypedError(part: Int) throws {
        let files = try ImageCases.load().pictures.map { picture in try ImageCases.file(picture.name) }
        var damage = Damage(state: UInt64(part) &* 0x9e37_79b9_7f4a_7c15 &+ 1)
        let limits = ImageLimits(maximumPixels: 4_000_000, maximumSide: 4096, maximumScans: 30)
        var (pictures, refusals) = (0, 0)
        for round in 0..<800 {
            let spoilt = damage.spoil(files[round % files.count], with: files[(round * 7 + part) % files.count])
            let bytes = part % 2 == 0 && ImageFormat.sniff(spoilt) == .png ? withTrueChecksums(spoilt) : spoilt
            do throws(ImageDecodeError) {
                let image = try decode(bytes, limits: limits)
                #expect(image.pixels.count == image.width * image.height * 3)
                #expect(image.width * image.height <= limits.maximumPixels)
                pictures += 1
            } catch {
                refusals += 1
            }
        }
        // Both outcomes occur, or the loop would show nothing.
        #expect(pictures > 20 && refusals > 200)
    }
}
