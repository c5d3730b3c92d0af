// SPDX-License-Identifier: Apache-2.0

internal import CPixels
internal import Glibc

/// One resize: both axes and their order.
///
/// Values are rounded to 8 bits between the passes, so the order affects the result.
struct ResampleStep {
    var x: ResampleAxis
    var y: ResampleAxis
    var verticalFirst: Bool
    /// Windows that do not overlap (box halving) let both passes run on a few rows at a time.
    let isFused: Bool

    /// - Parameters:
    ///   - filter: Pillow's filter.
    ///   - source: `[width, height]` of the whole input.
    ///   - target: `[width, height]` of the whole output.
    ///   - columns: the output columns wanted.
    ///   - rows: the output rows wanted.
    init(
        _ filter: ResampleFilter,
        from source: (width: Int, height: Int),
        to target: (width: Int, height: Int),
        columns: Range<Int>,
        rows: Range<Int>
    ) {
        x = ResampleAxis(filter, from: source.width, to: target.width, outputs: columns)
        y = ResampleAxis(filter, from: source.height, to: target.height, outputs: rows)
        // Since Pillow 13: the vertical pass is first if that saves work.
        let shrinkage = source.height - target.height
        verticalFirst = shrinkage > 0 && shrinkage > 2 * (source.width - target.width)
        isFused = filter == .box && !x.isIdentity && !y.isIdentity
    }

    /// The step on an image that is not stored upright; all arithmetic is on integers, so the bits are the same.
    func turned(_ orientation: Orientation, source: (width: Int, height: Int)) -> ResampleStep {
        var step = self
        if orientation.mirrorsX { step.x = x.mirrored(inputCount: source.width) }
        if orientation.mirrorsY { step.y = y.mirrored(inputCount: source.height) }
        if orientation.transposes {
            swap(&step.x, &step.y)
            step.verticalFirst.toggle()
        }
        return step
    }

    /// Bytes of the result, `[y.outputCount, x.outputCount, 3]`.
    var byteCount: Int { y.outputCount * x.outputCount * 3 }

    /// Runs the step.
    ///
    /// - Parameters:
    ///   - source: the first wanted input pixel; `[y.inputs, x.inputs, 3]` from there on.
    ///   - stride: bytes from one source row to the next.
    ///   - target: `byteCount` bytes; a fused step may be given the start of the memory that it reads.
    func run(_ source: UnsafePointer<UInt8>, stride: Int, into target: UnsafeMutablePointer<UInt8>) {
        let rowBytes = x.outputCount * 3
        switch (x.isIdentity, y.isIdentity) {
        case (true, true):
            for row in 0..<y.outputCount { memcpy(target + row * rowBytes, source + row * stride, rowBytes) }
        case (false, true):
            resampleColumns(source, stride, rows: y.inputs.count, into: target)
        case (true, false):
            resampleRows(source, stride, rowBytes: rowBytes, into: target)
        case (false, false):
            isFused ? runFused(source, stride, into: target) : runPasses(source, stride, into: target)
        }
    }

    private func runPasses(_ source: UnsafePointer<UInt8>, _ stride: Int, into target: UnsafeMutablePointer<UInt8>) {
        let betweenRows = verticalFirst ? y.outputCount : y.inputs.count
        let betweenBytes = 3 * (verticalFirst ? x.inputs.count : x.outputCount)
        withScratch(byteCount: betweenRows * betweenBytes) { between in
            if verticalFirst {
                resampleRows(source, stride, rowBytes: betweenBytes, into: between)
                resampleColumns(between, betweenBytes, rows: betweenRows, into: target)
            } else {
                resampleColumns(source, stride, rows: betweenRows, into: between)
                resampleRows(between, betweenBytes, rowBytes: betweenBytes, into: target)
            }
        }
    }

    private func runFused(_ source: UnsafePointer<UInt8>, _ stride: Int, into target: UnsafeMutablePointer<UInt8>) {
        let scratchStride = 3 * max(x.inputs.count, x.outputCount)
        withScratch(byteCount: scratchStride * y.longestWindow) { scratch in
            x.withKernelAxis { kernelX in
                y.withKernelAxis { kernelY in
                    cpixels_resample_fused(
                        source,
                        stride,
                        x.inputs.count,
                        kernelX,
                        kernelY,
                        verticalFirst ? 1 : 0,
                        scratch,
                        scratchStride,
                        target,
                        x.outputCount * 3
                    )
                }
            }
        }
    }

    private func resampleColumns(
        _ source: UnsafePointer<UInt8>,
        _ stride: Int,
        rows: Int,
        into target: UnsafeMutablePointer<UInt8>
    ) {
        x.withKernelAxis { axis in cpixels_resample_columns(source, stride, rows, axis, target, x.outputCount * 3) }
    }

    private func resampleRows(
        _ source: UnsafePointer<UInt8>,
        _ stride: Int,
        rowBytes: Int,
        into target: UnsafeMutablePointer<UInt8>
    ) {
        y.withKernelAxis { axis in cpixels_resample_rows(source, stride, rowBytes, axis, target, rowBytes) }
    }

    private func withScratch(byteCount: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Void) {
        let memory = PixelMemory(byteCount: byteCount)
        body(memory.base)
    }
}
