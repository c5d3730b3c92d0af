// SPDX-License-Identifier: Apache-2.0

/// How many coefficients of a DCT plane lie within its first `bandCount` radial bands: the authors' `band_count`.
///
/// Band edges are on the radius sqrt(y² + x²), from 0 to the corner's. The count includes the cells strictly below the
/// edge, so all bands together hold all coefficients but the last.
///
/// - Parameters:
///   - bandCount: b; 0 or less gives 0, more than there are bands gives all of them.
///   - numberOfBands: K >= 1, the authors' `freq_num_bands`.
///   - schedule: the authors' `v_patch_nums`; its first K members are the edges, relative to the largest of them.
///   - height: rows of the plane.
///   - width: columns of the plane.
/// - Returns: 0...height*width.
/// - Source: docs/model.md, "Frequency settings". All arithmetic is fp32: an edge may equal a radius.
package func radialBandCoefficientCount(
    _ bandCount: Int,
    numberOfBands: Int,
    schedule: [Float]?,
    height: Int,
    width: Int
) -> Int {
    guard bandCount > 0 else { return 0 }
    func radius(_ y: Int, _ x: Int) -> Float { (Float(y) * Float(y) + Float(x) * Float(x)).squareRoot() }
    let corner = radius(height - 1, width - 1)
    let edge: Float
    if let schedule, !schedule.isEmpty {
        let used = schedule.prefix(numberOfBands)
        let largest = max(used.max() ?? 0, 1e-6)
        edge = used[min(bandCount, used.count) - 1] / largest * corner
    } else {
        // torch.linspace counts up from the start in its first half and down from the end in its second.
        let step = corner / Float(numberOfBands)
        let index = min(bandCount, numberOfBands)
        edge =
            index < numberOfBands / 2 + numberOfBands % 2
            ? step * Float(index) : corner - step * Float(numberOfBands - index)
    }
    return (0..<height * width).count { radius($0 / width, $0 % width) < edge }
}
