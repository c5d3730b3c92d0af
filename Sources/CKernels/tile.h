// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vector.h"

// The tile of the matrix product: sums of up to TILE_ROWS rows by PANEL columns stay in registers over the whole depth.
// A sum adds its products in order of depth for every height of the tile, so that a row's bits do not depend on the other
// rows.

#define PANEL (2 * LANES)

typedef struct {
    const float *a;     // [rows, depth], rows a_stride apart
    const float *b;     // [depth, columns of the panel]
    const float *bias;  // of the whole panel, or null
    float *out;         // as wide as the panel, rows out_stride apart
    long depth, a_stride, out_stride;
    float low, high;    // bounds of what is stored
    bool accumulate;    // add to what `out` holds
    const char *ahead, *ahead_end;  // cache lines to prefetch meanwhile; none where both are equal
    long ahead_pace;                // lines to prefetch every AHEAD_STEP products
} tile;

// A sum of more than DEPTH_BLOCK products is a sum of blocks, because rounding errors grow with the length of a sum.
#define DEPTH_BLOCK 1024

// Products between two prefetches: enough for the loop between them to run at full speed.
#define AHEAD_STEP 32

/// Adds `count` products to each sum.
INLINE void tile_sums(const int rows, const int vectors, vf sums[TILE_ROWS][2], const float *a, long stride,
                      const float *b, long count) {
    for (long k = 0; k < count; k++) {
        vf weights[2];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) weights[v] = load(b + v * LANES);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            const vf value = splat(a[r * stride]);
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) sums[r][v] = multiply_add(value, weights[v], sums[r][v]);
        }
        a += 1;
        b += vectors * LANES;
    }
}

INLINE void tile_product(const int rows, const int vectors, const bool fetches, const tile *t) {
    vf sums[TILE_ROWS][2];
    _Alignas(64) float totals[TILE_ROWS][PANEL];  // of the blocks before
    const float *a = t->a, *b = t->b;
    const char *ahead = t->ahead;
    const long stride = t->a_stride;
    // The output has left the cache since the last panel: prefetch it while the products are summed.
    for (int r = 0; r < rows; r++) {
        __builtin_prefetch(t->out + r * t->out_stride, 1, 3);
        __builtin_prefetch(t->out + r * t->out_stride + vectors * LANES - 1, 1, 3);
    }
    for (long start = 0;; start += DEPTH_BLOCK) {
        const bool last = t->depth - start <= DEPTH_BLOCK;
        const long length = last ? t->depth - start : DEPTH_BLOCK;
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) sums[r][v] = splat(0);
        }
        if (fetches) {
            for (long done = 0; done < length; done += AHEAD_STEP) {
                for (long line = 0; line < t->ahead_pace && ahead < t->ahead_end; line++, ahead += 64) {
                    __builtin_prefetch(ahead, 0, 2);
                }
                const long count = length - done < AHEAD_STEP ? length - done : AHEAD_STEP;
                tile_sums(rows, vectors, sums, a + done, stride, b + done * vectors * LANES, count);
            }
        } else {
            tile_sums(rows, vectors, sums, a, stride, b, length);
        }
        a += length;
        b += length * vectors * LANES;
        if (start > 0) {
#pragma clang loop unroll(full)
            for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
                for (int v = 0; v < vectors; v++) sums[r][v] += load(totals[r] + v * LANES);
            }
        }
        if (last) break;
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) store(totals[r] + v * LANES, sums[r][v]);
        }
    }
    const vf low = splat(t->low), high = splat(t->high);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
            vf y = sums[r][v];
            float *out = t->out + r * t->out_stride + v * LANES;
            if (t->bias) y += load(t->bias + v * LANES);
            if (t->accumulate) y += load(out);
            store(out, vmin(vmax(y, low), high));
        }
    }
}

typedef void (*tile_function)(const tile *);

#define TILE(rows) \
    static void tile_##rows##_1(const tile *t) { tile_product(rows, 1, false, t); } \
    static void tile_##rows##_2(const tile *t) { tile_product(rows, 2, false, t); } \
    static void tile_##rows##_1_ahead(const tile *t) { tile_product(rows, 1, true, t); } \
    static void tile_##rows##_2_ahead(const tile *t) { tile_product(rows, 2, true, t); }
#define ENTRY(rows) {{tile_##rows##_1, tile_##rows##_2}, {tile_##rows##_1_ahead, tile_##rows##_2_ahead}}

// The table below has entries for these heights. Another height would leave null entries, which would be called.
_Static_assert(TILE_ROWS == 4 || TILE_ROWS == 6 || TILE_ROWS == 12 || TILE_ROWS == 14, "tile_functions has no such height");

TILE(1) TILE(2) TILE(3) TILE(4)
#if TILE_ROWS >= 6
TILE(5) TILE(6)
#endif
#if TILE_ROWS >= 12
TILE(7) TILE(8) TILE(9) TILE(10) TILE(11) TILE(12)
#endif
#if TILE_ROWS >= 14
TILE(13) TILE(14)
#endif

/// Indexed by rows - 1, whether to prefetch, and vectors - 1.
static const tile_function tile_functions[TILE_ROWS][2][2] = {
    ENTRY(1), ENTRY(2), ENTRY(3), ENTRY(4),
#if TILE_ROWS >= 6
    ENTRY(5), ENTRY(6),
#endif
#if TILE_ROWS >= 12
    ENTRY(7), ENTRY(8), ENTRY(9), ENTRY(10), ENTRY(11), ENTRY(12),
#endif
#if TILE_ROWS >= 14
    ENTRY(13), ENTRY(14),
#endif
};

#undef TILE
#undef ENTRY

/// Columns are divided into panels of PANEL; the last one is LANES wide where that is enough.
INLINE long panel_count(long columns) { return (columns + PANEL - 1) / PANEL; }
INLINE long padded_columns(long columns) { return (columns + LANES - 1) / LANES * LANES; }
INLINE int panel_vectors(long columns, long panel) { return columns - panel * PANEL > LANES ? 2 : 1; }

/// Rows are divided into tiles of nearly equal height: tile i of n begins at rows * i / n.
INLINE long tile_count(long rows) { return (rows + TILE_ROWS - 1) / TILE_ROWS; }

/// Multiplies a tile by a part of a panel, with the result in a tile on the stack first.
static __attribute__((noinline)) void run_part_of_tile(const tile *whole, long rows, long columns) {
    float part[TILE_ROWS * PANEL], bias[PANEL];
    tile t = *whole;
    t.out = part;
    t.out_stride = PANEL;
    if (t.accumulate) {
        for (long r = 0; r < rows; r++) {
            for (long c = 0; c < PANEL; c++) part[r * PANEL + c] = c < columns ? whole->out[r * whole->out_stride + c] : 0;
        }
    }
    if (t.bias) {
        for (long c = 0; c < PANEL; c++) bias[c] = c < columns ? whole->bias[c] : 0;
        t.bias = bias;
    }
    tile_functions[rows - 1][false][columns > LANES](&t);
    for (long r = 0; r < rows; r++) {
        memcpy(whole->out + r * whole->out_stride, part + r * PANEL, (size_t)columns * sizeof(float));
    }
}

/// Multiplies one tile by the first `columns` columns of one panel.
INLINE void run_tile(const tile *t, long rows, long columns) {
    if (columns == PANEL || columns == LANES) tile_functions[rows - 1][t->ahead < t->ahead_end][columns > LANES](t);
    else run_part_of_tile(t, rows, columns);
}
