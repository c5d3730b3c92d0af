// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "CPixels.h"

// The kernels that gain from wider vectors, compiled once for each instruction set from resample.h and quality.h. The
// arguments are those of the functions in CPixels.h.
typedef struct {
    void (*resample_columns)(const uint8_t *src, size_t src_stride, size_t rows, CPixelsAxis x, uint8_t *dst,
                             size_t dst_stride);
    void (*resample_rows)(const uint8_t *src, size_t src_stride, size_t row_bytes, CPixelsAxis y, uint8_t *dst,
                          size_t dst_stride);
    void (*resample_fused)(const uint8_t *src, size_t src_stride, size_t columns, CPixelsAxis x, CPixelsAxis y,
                           int vertical_first, uint8_t *scratch, size_t scratch_stride, uint8_t *dst,
                           size_t dst_stride);
    uint64_t (*squared_error)(const uint8_t *a, const uint8_t *b, size_t count);
    double (*ssim_sum)(const uint8_t *a, const uint8_t *b, size_t width, size_t height, float *scratch);
} cpixels_kernels;

/// Side of SSIM's window, and the quantities that it filters.
enum { SSIM_TAPS = 11, SSIM_MAPS = 4 };

extern const cpixels_kernels cpixels_kernels_baseline;
#if defined(__x86_64__)
extern const cpixels_kernels cpixels_kernels_avx2;
#endif
