// SPDX-License-Identifier: Apache-2.0

// One instruction set's table. The including file defines SET, SET_NAME, LANES, TILE_ROWS, HAS_FMA and HAS_HALF.

#include "sets.h"

#include "activations.h"
#include "attention.h"
#include "depthwise.h"
#include "linear.h"
#include "normalization.h"

// Keeps the compiler from optimising the register's value away.
#if defined(__aarch64__)
#define OPAQUE(v) __asm__ volatile("" : "+w"(v))
#else
#define OPAQUE(v) __asm__ volatile("" : "+v"(v))
#endif

static double fma_limit(long rounds) {
    // Enough independent sums to hide the latency of a multiply-add on both pipes.
    vf sums[12];
    for (int i = 0; i < 12; i++) sums[i] = splat((float)i);
    vf a = splat(0.999f), b = splat(0.001f);
    for (long round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < 12; i++) {
            sums[i] = multiply_add(a, b, sums[i]);
            OPAQUE(sums[i]);
        }
    }
    return (double)rounds * 12 * LANES;
}

#define PASTE(a, b) a##b
#define TABLE_NAME(set) PASTE(ck_kernels_, set)

const ck_kernels TABLE_NAME(SET) = {
    .name = SET_NAME,
    .lanes = LANES,
    .fused = HAS_FMA,
    .tile_rows = TILE_ROWS,
    .panel_columns = PANEL,
    .packed_bytes = packed_bytes,
    .pack = pack,
    .linear_scratch = linear_scratch,
    .linear = linear,
    .finish = finish,
    .attention_scratch = attention_scratch,
    .attention = attention,
    .layer_norm = layer_norm,
    .softmax = softmax,
    .activate = activate,
    .depthwise = depthwise,
    .fma_limit = fma_limit,
};
