// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "CPixels.h"
#include "vectors.h"

enum { fraction_bits = 22, one_half = 1 << 21 };

CPIXELS_INLINE uint8_t rounded(int32_t sum) {
    sum >>= fraction_bits;
    return sum < 0 ? 0 : sum > 255 ? 255 : (uint8_t)sum;
}

// Three bytes as four lanes, without reading a fourth byte that may be outside the image.
CPIXELS_INLINE i32x4 pixel_at(const uint8_t *p) { return (i32x4){p[0], p[1], p[2], 0}; }

CPIXELS_INLINE void column(const uint8_t *p, const int32_t *weights, int32_t count, uint8_t *out) {
    i32x8 pairs = {0};
    int32_t k = 0;
    // Eight bytes are read for the six of two pixels, so another pixel must follow.
    for (; k + 2 < count; k += 2) {
        u8x8 bytes;
        memcpy(&bytes, p + 3 * k, 8);
        u8x8 spread = __builtin_shufflevector(bytes, bytes, 0, 1, 2, 6, 3, 4, 5, 7);
        int32_t w0 = weights[k], w1 = weights[k + 1];
        pairs += __builtin_convertvector(spread, i32x8) * (i32x8){w0, w0, w0, 0, w1, w1, w1, 0};
    }
    i32x4 sum = __builtin_shufflevector(pairs, pairs, 0, 1, 2, 3) + __builtin_shufflevector(pairs, pairs, 4, 5, 6, 7);
    for (; k < count; k++) sum += pixel_at(p + 3 * k) * weights[k];
    out[0] = rounded(sum[0] + one_half);
    out[1] = rounded(sum[1] + one_half);
    out[2] = rounded(sum[2] + one_half);
}

// Weights (1/2, 1/2) sum to 2^21 (a + b + 1), so the result is the average, rounded up.
CPIXELS_INLINE u8x16 average(u8x16 a, u8x16 b) {
    u16x16 sum = __builtin_convertvector(a, u16x16) + __builtin_convertvector(b, u16x16) + 1;
    return __builtin_convertvector(sum >> 1, u8x16);
}

// Averages `count` neighbouring pixel pairs.
CPIXELS_INLINE void average_pairs(const uint8_t *src, size_t count, uint8_t *dst) {
    size_t i = 0;
    // A turn makes three pixels (nine bytes), reads 19 bytes and stores 16, so the last pixels are left to the loop below.
    for (; i + 6 <= count; i += 3, src += 18, dst += 9) {
        u8x16 left, right;
        memcpy(&left, src, 16);
        memcpy(&right, src + 3, 16);
        u8x16 means = average(left, right);
        means = __builtin_shufflevector(means, means, 0, 1, 2, 6, 7, 8, 12, 13, 14, 15, 15, 15, 15, 15, 15, 15);
        memcpy(dst, &means, 16);
    }
    for (; i < count; i++, src += 6, dst += 3)
        for (int c = 0; c < 3; c++) dst[c] = (uint8_t)((src[c] + src[c + 3] + 1) >> 1);
}

// Averages two rows of `count` neighbouring pixel pairs. The order of the two averages affects the last bit.
CPIXELS_INLINE void average_quads(const uint8_t *upper, const uint8_t *lower, size_t count, int vertical_first,
                                  uint8_t *dst) {
    size_t i = 0;
    for (; i + 6 <= count; i += 3, upper += 18, lower += 18, dst += 9) {
        u8x16 a, b, c, d;
        memcpy(&a, upper, 16);
        memcpy(&b, upper + 3, 16);
        memcpy(&c, lower, 16);
        memcpy(&d, lower + 3, 16);
        u8x16 means = vertical_first ? average(average(a, c), average(b, d)) : average(average(a, b), average(c, d));
        means = __builtin_shufflevector(means, means, 0, 1, 2, 6, 7, 8, 12, 13, 14, 15, 15, 15, 15, 15, 15, 15);
        memcpy(dst, &means, 16);
    }
    for (; i < count; i++, upper += 6, lower += 6, dst += 3)
        for (int k = 0; k < 3; k++) {
            int a = upper[k], b = upper[k + 3], c = lower[k], d = lower[k + 3];
            if (!vertical_first) {
                int t = b;
                b = c;
                c = t;
            }
            dst[k] = (uint8_t)((((a + c + 1) >> 1) + ((b + d + 1) >> 1) + 1) >> 1);
        }
}

CPIXELS_INLINE void combine_columns(const uint8_t *src, CPixelsAxis x, uint8_t *dst) {
    for (int32_t i = 0; i < x.outputs;) {
        const uint8_t *start = src + 3 * (size_t)x.starts[i];
        int32_t run = x.pair_runs[i];
        if (run > 0) {
            average_pairs(start, run, dst + 3 * (size_t)i);
            i += run;
        } else {
            column(start, x.weights + (size_t)i * x.stride, x.counts[i], dst + 3 * (size_t)i);
            i++;
        }
    }
}

CPIXELS_INLINE void combine_rows(const uint8_t *src, size_t stride, size_t bytes, CPixelsAxis y, int32_t output,
                                 uint8_t *dst) {
    const int32_t *weights = y.weights + (size_t)output * y.stride;
    const int32_t count = y.counts[output];
    size_t i = 0;
    if (y.pair_runs[output] > 0) {
        for (; i + 16 <= bytes; i += 16) {
            u8x16 upper, lower;
            memcpy(&upper, src + i, 16);
            memcpy(&lower, src + stride + i, 16);
            upper = average(upper, lower);
            memcpy(dst + i, &upper, 16);
        }
    } else {
        for (; i + 16 <= bytes; i += 16) {
            i32x16 sum = (i32x16){0} + one_half;
            for (int32_t k = 0; k < count; k++) {
                u8x16 values;
                memcpy(&values, src + k * stride + i, 16);
                sum += __builtin_convertvector(values, i32x16) * weights[k];
            }
            sum >>= fraction_bits;
            sum = __builtin_elementwise_max(__builtin_elementwise_min(sum, (i32x16){0} + 255), (i32x16){0});
            u8x16 values = __builtin_convertvector(sum, u8x16);
            memcpy(dst + i, &values, 16);
        }
    }
    for (; i < bytes; i++) {
        int32_t sum = one_half;
        for (int32_t k = 0; k < count; k++) sum += src[k * stride + i] * weights[k];
        dst[i] = rounded(sum);
    }
}

static void resample_columns(const uint8_t *src, size_t src_stride, size_t rows, CPixelsAxis x, uint8_t *dst,
                             size_t dst_stride) {
    for (size_t row = 0; row < rows; row++) combine_columns(src + row * src_stride, x, dst + row * dst_stride);
}

static void resample_rows(const uint8_t *src, size_t src_stride, size_t row_bytes, CPixelsAxis y, uint8_t *dst,
                          size_t dst_stride) {
    for (int32_t i = 0; i < y.outputs; i++)
        combine_rows(src + y.starts[i] * src_stride, src_stride, row_bytes, y, i, dst + i * dst_stride);
}

static void resample_fused(const uint8_t *src, size_t src_stride, size_t columns, CPixelsAxis x, CPixelsAxis y,
                           int vertical_first, uint8_t *scratch, size_t scratch_stride, uint8_t *dst,
                           size_t dst_stride) {
    for (int32_t i = 0; i < y.outputs; i++) {
        const uint8_t *rows = src + y.starts[i] * src_stride;
        uint8_t *out = dst + i * dst_stride;
        if (y.pair_runs[i] > 0 && x.pair_runs[0] == x.outputs) {
            const uint8_t *upper = rows + 3 * (size_t)x.starts[0];
            average_quads(upper, upper + src_stride, x.outputs, vertical_first, out);
        } else if (vertical_first) {
            combine_rows(rows, src_stride, 3 * columns, y, i, scratch);
            combine_columns(scratch, x, out);
        } else {
            for (int32_t k = 0; k < y.counts[i]; k++)
                combine_columns(rows + k * src_stride, x, scratch + k * scratch_stride);
            combine_rows(scratch, scratch_stride, 3 * (size_t)x.outputs, y, i, out);
        }
    }
}
