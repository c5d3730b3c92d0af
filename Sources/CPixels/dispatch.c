// SPDX-License-Identifier: Apache-2.0
#include "kernels.h"

/// The best set that this processor runs. Asked for anew in each call, which takes nanoseconds beside an image's work.
static const cpixels_kernels *best(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) return &cpixels_kernels_avx2;
#endif
    return &cpixels_kernels_baseline;
}

void cpixels_resample_columns(const uint8_t *src, size_t src_stride, size_t rows, CPixelsAxis x, uint8_t *dst,
                              size_t dst_stride) {
    best()->resample_columns(src, src_stride, rows, x, dst, dst_stride);
}

void cpixels_resample_rows(const uint8_t *src, size_t src_stride, size_t row_bytes, CPixelsAxis y, uint8_t *dst,
                           size_t dst_stride) {
    best()->resample_rows(src, src_stride, row_bytes, y, dst, dst_stride);
}

void cpixels_resample_fused(const uint8_t *src, size_t src_stride, size_t columns, CPixelsAxis x, CPixelsAxis y,
                            int vertical_first, uint8_t *scratch, size_t scratch_stride, uint8_t *dst,
                            size_t dst_stride) {
    best()->resample_fused(src, src_stride, columns, x, y, vertical_first, scratch, scratch_stride, dst, dst_stride);
}

uint64_t cpixels_squared_error(const uint8_t *a, const uint8_t *b, size_t count) {
    return best()->squared_error(a, b, count);
}

double cpixels_ssim_sum(const uint8_t *a, const uint8_t *b, size_t width, size_t height, float *scratch) {
    return best()->ssim_sum(a, b, width, height, scratch);
}

// SSIM_TAPS filtered rows of SSIM_MAPS quantities, then one row of values before filtering and one after.
size_t cpixels_ssim_scratch_count(size_t width) { return (SSIM_TAPS + 2) * SSIM_MAPS * 3 * width; }
