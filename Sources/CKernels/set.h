// SPDX-License-Identifier: Apache-2.0

// One instruction set's table. The including file defines SET, SET_NAME, LANES, TILE_ROWS, HAS_FMA and HAS_HALF.

#include "sets.h"

#include "activations.h"
#include "attention.h"
#include "depthwise.h"
#include "linear.h"
#include "normalization.h"

static double fma_limit(long rounds) {
    // Enough independent sums to cover an FMA's latency on both pipes.
    vf sums[10];
    for (int i = 0; i < 10; i++) sums[i] = splat((float)i);
    const vf a = splat(0.999f), b = splat(0.001f);
    for (long round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < 10; i++) sums[i] = multiply_add(sums[i], a, b);
        __asm__ volatile("" : : : "memory");
    }
    vf all = sums[0];
    for (int i = 1; i < 10; i++) all += sums[i];
    volatile float keep = sum_of_lanes(all);
    (void)keep;
    return (double)rounds * 10 * LANES;
}

#define PASTE(a, b) a##b
#define TABLE_NAME(set) PASTE(ck_kernels_, set)

const ck_kernels TABLE_NAME(SET) = {
    .name = SET_NAME,
    .lanes = LANES,
    .tile_rows = TILE_ROWS,
    .panel_columns = PANEL,
    .packed_bytes = packed_bytes,
    .pack = pack,
    .linear_scratch = linear_scratch,
    .linear = linear,
    .attention_scratch = attention_scratch,
    .attention = attention,
    .layer_norm = layer_norm,
    .softmax = softmax,
    .activate = activate,
    .depthwise = depthwise,
    .fma_limit = fma_limit,
};
