// SPDX-License-Identifier: Apache-2.0

extension ImageDCT {
    /// A change of colours beside the transform: plane = matrix · colours + offset, or colours = matrix · planes.
    struct Colours: Sendable {
        /// `[3, 3]`.
        let matrix: [Float]
        let offset: [Float]

        static let unchanged = Colours(matrix: [1, 0, 0, 0, 1, 0, 0, 0, 1], offset: [0, 0, 0])

        /// Pixels `[count, 3]` to planes `[3, count]`.
        func split(
            _ pixels: UnsafePointer<Float>,
            count: Int,
            into planes: UnsafeMutablePointer<Float>
        ) {
            for plane in 0..<3 {
                let (a, b, c) = (matrix[3 * plane], matrix[3 * plane + 1], matrix[3 * plane + 2])
                let shift = offset[plane]
                let target = planes + plane * count
                for index in 0..<count {
                    let pixel = pixels + 3 * index
                    target[index] = a * pixel[0] + b * pixel[1] + c * pixel[2] + shift
                }
            }
        }

        /// Planes `[3, count]` to pixels `[count, 3]`.
        func join(
            _ planes: UnsafePointer<Float>,
            count: Int,
            into pixels: UnsafeMutablePointer<Float>
        ) {
            let (first, second, third) = (planes, planes + count, planes + 2 * count)
            for colour in 0..<3 {
                let (a, b, c) = (
                    matrix[3 * colour], matrix[3 * colour + 1], matrix[3 * colour + 2]
                )
                let shift = offset[colour]
                for index in 0..<count {
                    pixels[3 * index + colour] = a * first[index] + b * second[index] + c * third[index] + shift
                }
            }
        }
    }
}
