// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "CPixels.h"
#include "vectors.h"

// Side of the Gaussian window; quantities that are filtered: both images, the sum of their squares, their product.
enum { taps = SSIM_TAPS, maps = SSIM_MAPS };

// exp(-d^2 / (2 * 1.5^2)) for d = -5...5, divided by the sum.
static const float gaussian[taps] = {
    0.00102838008f, 0.00759875814f, 0.0360007721f, 0.109360691f, 0.213005537f, 0.266011721f,
    0.213005537f,   0.109360691f,   0.0360007721f, 0.00759875814f, 0.00102838008f,
};

static uint64_t squared_error(const uint8_t *a, const uint8_t *b, size_t count) {
    uint64_t total = 0;
    // 2^15 squares of at most 2^16 fit into 32 bits.
    for (size_t start = 0; start < count; start += 1 << 15) {
        size_t end = start + (1 << 15) < count ? start + (1 << 15) : count;
        uint32_t sum = 0;
        for (size_t i = start; i < end; i++) {
            int32_t difference = (int32_t)a[i] - (int32_t)b[i];
            sum += (uint32_t)(difference * difference);
        }
        total += sum;
    }
    return total;
}

CPIXELS_INLINE void filter_row(const uint8_t *a, const uint8_t *b, size_t values, float *plain, float *filtered) {
    float *sum = plain + 2 * values, *product = plain + 3 * values;
    for (size_t i = 0; i < values; i++) {
        float p = a[i], q = b[i];
        plain[i] = p;
        plain[values + i] = q;
        sum[i] = p * p + q * q;
        product[i] = p * q;
    }
    for (size_t map = 0; map < maps; map++) {
        const float *in = plain + map * values;
        float *out = filtered + map * values;
        for (size_t i = 0; i < values - 3 * (taps - 1); i++) {
            float total = 0;
#pragma clang loop unroll(full)
            for (size_t k = 0; k < taps; k++) total += gaussian[k] * in[i + 3 * k];
            out[i] = total;
        }
    }
}

static double ssim_sum(const uint8_t *a, const uint8_t *b, size_t width, size_t height, float *scratch) {
    const float c1 = 0.01f * 0.01f * 255 * 255, c2 = 0.03f * 0.03f * 255 * 255;
    const size_t values = 3 * width, inner = values - 3 * (taps - 1), row_floats = maps * values;
    float *plain = scratch + taps * row_floats, *mean = plain + row_floats;
    double total = 0;
    for (size_t y = 0; y < height; y++) {
        filter_row(a + y * values, b + y * values, values, plain, scratch + (y % taps) * row_floats);
        if (y + 1 < taps) continue;
        for (size_t map = 0; map < maps; map++) {
            const float *rows[taps];
            for (size_t k = 0; k < taps; k++) rows[k] = scratch + ((y + 1 + k) % taps) * row_floats + map * values;
            for (size_t i = 0; i < inner; i++) {
                float sum = 0;
#pragma clang loop unroll(full)
                for (size_t k = 0; k < taps; k++) sum += gaussian[k] * rows[k][i];
                mean[map * values + i] = sum;
            }
        }
        // Eight running sums, so that a row is summed in vectors and in a fixed order.
        float sums[8] = {0};
        for (size_t i = 0; i < inner; i++) {
            float p = mean[i], q = mean[values + i], pq = p * q, squares = p * p + q * q;
            float variances = mean[2 * values + i] - squares, covariance = mean[3 * values + i] - pq;
            float index = (2 * pq + c1) * (2 * covariance + c2) / ((squares + c1) * (variances + c2));
            mean[i] = index;
        }
        size_t i = 0;
        for (; i + 8 <= inner; i += 8)
            for (size_t k = 0; k < 8; k++) sums[k] += mean[i + k];
        for (; i < inner; i++) sums[0] += mean[i];
        for (size_t k = 0; k < 8; k++) total += sums[k];
    }
    return total;
}
