// SPDX-License-Identifier: Apache-2.0

/// The mean of each channel of a map `[channels, tokenCount]`.
func meanOfPlanes(
    _ map: UnsafePointer<Float>,
    channels: Int,
    tokenCount: Int,
    into means: UnsafeMutablePointer<Float>
) {
    for channel in 0..<channels {
        var sum = 0.0
        for index in 0..<tokenCount { sum += Double(map[channel * tokenCount + index]) }
        means[channel] = Float(sum / Double(tokenCount))
    }
}

/// The mean of each column of a map `[rows, width]`.
func meanOfRows(
    _ map: UnsafePointer<Float>,
    rows: Int,
    width: Int,
    into means: UnsafeMutablePointer<Float>
) {
    means.update(repeating: 0, count: width)
    for row in 0..<rows {
        for column in 0..<width { means[column] += map[row * width + column] }
    }
    for column in 0..<width { means[column] /= Float(rows) }
}
