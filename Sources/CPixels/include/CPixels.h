// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <stdint.h>

// Kernels over interleaved 8-bit images. No function allocates or checks a length.

/// One axis of a resampling step: output i is the weighted sum of `counts[i]` inputs from `starts[i]` on.
/// Weights are fixed-point with 22 fractional bits, `stride` of them kept per output.
typedef struct {
    const int32_t *_Nonnull starts;
    const int32_t *_Nonnull counts;
    const int32_t *_Nonnull weights;
    /// How many outputs from i on are averages of two neighbouring inputs each; 0 if output i is not.
    const int32_t *_Nonnull pair_runs;
    int32_t stride;
    int32_t outputs;
} CPixelsAxis;

/// Horizontal pass over `rows` rows of RGB: dst is [rows, x.outputs, 3].
void cpixels_resample_columns(const uint8_t *_Nonnull src, size_t src_stride, size_t rows, CPixelsAxis x,
                              uint8_t *_Nonnull dst, size_t dst_stride);

/// Vertical pass: every output row is a weighted sum of input rows, `row_bytes` long.
void cpixels_resample_rows(const uint8_t *_Nonnull src, size_t src_stride, size_t row_bytes, CPixelsAxis y,
                           uint8_t *_Nonnull dst, size_t dst_stride);

/// Both passes of a halving step, row by row while the rows are in the cache, each rounded to 8 bits. `dst` may be the
/// start of the memory that `src` points into, because an output row never overlaps source rows that are still to be read.
/// `scratch` holds `scratch_rows` rows of `scratch_stride` bytes: at least 1 row as wide as the source when
/// `vertical_first`, else at least the largest y count rows as wide as the destination.
void cpixels_resample_fused(const uint8_t *_Nonnull src, size_t src_stride, size_t columns, CPixelsAxis x,
                            CPixelsAxis y, int vertical_first, uint8_t *_Nonnull scratch, size_t scratch_stride,
                            uint8_t *_Nonnull dst, size_t dst_stride);

/// Rearranges an RGB image: pixel (x, y) of the source is written to dst + origin + x * step_x + y * step_y (bytes).
void cpixels_rearrange(const uint8_t *_Nonnull src, size_t width, size_t height, uint8_t *_Nonnull dst,
                       ptrdiff_t origin, ptrdiff_t step_x, ptrdiff_t step_y);

/// Composes RGBA on white, in place: 4 bytes of a pixel become 3 at the front of the buffer.
void cpixels_compose_on_white(uint8_t *_Nonnull pixels, size_t count);

/// Converts Adobe-inverted CMYK to RGB, in place: 4 bytes of a pixel become 3 at the front of the buffer.
void cpixels_inverted_cmyk_to_rgb(uint8_t *_Nonnull pixels, size_t count);

/// Sum of squared differences of two byte runs.
uint64_t cpixels_squared_error(const uint8_t *_Nonnull a, const uint8_t *_Nonnull b, size_t count);

/// Number of floats that `cpixels_ssim_sum` needs as scratch.
size_t cpixels_ssim_scratch_count(size_t width);

/// Sum of the SSIM index over the (width - 10) x (height - 10) x 3 windows inside two RGB images;
/// 11x11 Gaussian, sigma 1.5, k1 0.01, k2 0.03. Both sides must be at least 11.
double cpixels_ssim_sum(const uint8_t *_Nonnull a, const uint8_t *_Nonnull b, size_t width, size_t height,
                        float *_Nonnull scratch);
