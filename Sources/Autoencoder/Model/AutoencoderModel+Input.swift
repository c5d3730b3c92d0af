// SPDX-License-Identifier: Apache-2.0

import TensorKernels

extension AutoencoderModel {
    /// What the encoder's network sees of a picture, for comparing with other implementations.
    ///
    /// - Parameter pixels: `[imageSide, imageSide, 3]`.
    /// - Returns: `[3, encoderInputSide, encoderInputSide]`; empty if the count is wrong.
    package func encoderInput(of pixels: [UInt8]) -> [Float] {
        let side = configuration.encoderInputSide
        guard pixels.count == configuration.imageSide * configuration.imageSide * 3 else { return [] }
        let workspace = Workspace(capacity: preprocessor.workspaceCount)
        return [Float](unsafeUninitializedCapacity: 3 * side * side) { input, count in
            count = 3 * side * side
            pixels.withUnsafeBufferPointer { pixels in
                guard let source = pixels.baseAddress, let target = input.baseAddress else { return }
                guard preprocessor.layout == .channelsLast else {
                    return preprocessor(source, flipped: false, into: target, workspace: workspace, team: .solo)
                }
                withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { buffer in
                    guard let seen = buffer.baseAddress else { return }
                    preprocessor(source, flipped: false, into: seen, workspace: workspace, team: .solo)
                    transpose(seen, rows: side * side, columns: 3, into: target)
                }
            }
        }
    }
}
