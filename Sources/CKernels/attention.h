// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "activations.h"
#include "tile.h"

// Attention, one head at a time. Keys and values of the head are packed into panels, which stay in the second-level cache
// together with one tile of queries and its scores; scores stay in the first-level cache. Products of this size (64 to 72
// deep, a few hundred rows) use these kernels under every setting of `matrix-products`.

/// Floats from a row of scores to the next: one vector more than whole panels, so that rows do not share a cache set.
INLINE long score_stride(long rows) { return panel_count(rows) * PANEL + LANES; }

/// Floats of one member's scratch: keys, values, queries, scores.
static long attention_member_scratch(long rows, long dimension) {
    return panel_count(rows) * PANEL * dimension + rows * padded_columns(dimension)
        + TILE_ROWS * (dimension + score_stride(rows));
}

static long attention_scratch(long rows, long dimension, long team_size) {
    return team_size * attention_member_scratch(rows, dimension);
}

typedef struct {
    const ck_attention *a;
    long tiles, parts;
} attention_plan;

// Rows of q, k and v are pages apart, where hardware prefetchers do not follow: row `row + PREFETCH_ROWS` is prefetched.
#define PREFETCH_ROWS 8

INLINE void prefetch_row(const float *row, long count) {
    for (long i = 0; i < count; i += 16) __builtin_prefetch(row + i, 0, 3);
    __builtin_prefetch(row + count - 1, 0, 3);
}

/// Replaces whole vectors by exp(x - max) and returns the sum. Unused lanes hold -infinity and become 0.
INLINE float exponentials(float *x, long vectors) {
    const float lowest = -__builtin_inff();
    vf highest[4] = {splat(lowest), splat(lowest), splat(lowest), splat(lowest)};
    long i = 0;
    for (; i + 4 <= vectors; i += 4) {
        for (int v = 0; v < 4; v++) highest[v] = vmax(highest[v], load(x + (i + v) * LANES));
    }
    for (; i < vectors; i++) highest[0] = vmax(highest[0], load(x + i * LANES));
    const vf top = splat(max_of_lanes(vmax(vmax(highest[0], highest[1]), vmax(highest[2], highest[3]))));
    vf sum = splat(0);
    for (i = 0; i < vectors; i++) {
        const vf e = vexp(load(x + i * LANES) - top);
        sum += e;
        store(x + i * LANES, e);
    }
    return sum_of_lanes(sum);
}

/// Packs keys [rows, dimension] into panels [dimension, columns] of their transpose; missing columns are zero.
static void pack_keys(const float *keys, long stride, long rows, long dimension, float *to) {
    for (long panel = 0; panel < panel_count(rows); panel++) {
        const long first = panel * PANEL, width = panel_vectors(rows, panel) * LANES;
        const long columns = rows - first < width ? rows - first : width;
        // Four keys at a time: each store to the panel then covers four floats of a line.
        for (long c = 0; c < width; c += 4) {
            const float *four[4];
            for (long i = 0; i < 4; i++) {
                const long row = first + c + i;
                four[i] = keys + (row < rows ? row : rows - 1) * stride;
                prefetch_row(keys + (row + PREFETCH_ROWS < rows ? row + PREFETCH_ROWS : rows - 1) * stride, dimension);
            }
            float *out = to + c;
            for (long d = 0; d < dimension; d++, out += width) {
                for (long i = 0; i < 4; i++) out[i] = four[i][d];
            }
            for (long i = columns - c > 0 ? columns - c : 0; i < 4; i++) {
                for (long d = 0; d < dimension; d++) to[d * width + c + i] = 0;
            }
        }
        to += width * dimension;
    }
}

/// Packs values [rows, dimension] into panels [rows, columns]; missing columns are zero.
static void pack_values(const float *values, long stride, long rows, long dimension, float *to) {
    for (long r = 0; r < rows; r++) {
        const float *value = values + r * stride;
        prefetch_row(values + (r + PREFETCH_ROWS < rows ? r + PREFETCH_ROWS : rows - 1) * stride, dimension);
        for (long first = 0; first < dimension; first += PANEL) {
            const long width = panel_vectors(dimension, first / PANEL) * LANES;
            float *out = to + first * rows + r * width;
            for (long c = 0; c < width; c += LANES) {
                const long left = dimension - first - c;
                store(out + c, left >= LANES ? load(value + first + c) : load_part(value + first + c, left, 0));
            }
        }
    }
}

static void attention_unit(void *context, long index, long member) {
    const attention_plan *plan = context;
    const ck_attention *a = plan->a;
    const long head = index / plan->parts, part = index % plan->parts;
    const long dimension = a->dimension, width = a->heads * dimension, stride = 3 * width;
    const float *queries = a->qkv + head * dimension;
    const float *keys = queries + width, *values = keys + width;
    const long scores_stride = score_stride(a->rows);

    float *packed_keys = a->scratch + member * attention_member_scratch(a->rows, dimension);
    float *packed_values = packed_keys + panel_count(a->rows) * PANEL * dimension;
    float *packed_queries = packed_values + a->rows * padded_columns(dimension);
    float *scores = packed_queries + TILE_ROWS * dimension;
    pack_keys(keys, stride, a->rows, dimension, packed_keys);
    pack_values(values, stride, a->rows, dimension, packed_values);

    const long end = plan->tiles * (part + 1) / plan->parts;
    for (long i = plan->tiles * part / plan->parts; i < end; i++) {
        const long row = a->rows * i / plan->tiles, rows = a->rows * (i + 1) / plan->tiles - row;
        for (long r = 0; r < rows; r++) {
            for (long d = 0; d < dimension; d++) {
                packed_queries[r * dimension + d] = queries[(row + r) * stride + d] * a->scale;
            }
        }
        tile product = {
            .a = packed_queries,
            .depth = dimension,
            .a_stride = dimension,
            .out_stride = scores_stride,
            .low = -__builtin_inff(),
            .high = __builtin_inff(),
        };
        for (long panel = 0; panel < panel_count(a->rows); panel++) {
            product.b = packed_keys + panel * PANEL * dimension;
            product.out = scores + panel * PANEL;
            run_tile(&product, rows, panel_vectors(a->rows, panel) * LANES);
        }
        float scales[TILE_ROWS];
        for (long r = 0; r < rows; r++) {
            float *row_scores = scores + r * scores_stride;
            for (long c = a->rows; c < padded_columns(a->rows); c++) row_scores[c] = -__builtin_inff();
            scales[r] = 1 / exponentials(row_scores, padded_columns(a->rows) / LANES);
        }
        product.a = scores;
        product.a_stride = scores_stride;
        product.depth = a->rows;
        product.out_stride = width;
        for (long panel = 0; panel < panel_count(dimension); panel++) {
            const long first = panel * PANEL;
            const long columns = dimension - first < PANEL ? dimension - first : PANEL;
            product.b = packed_values + first * a->rows;
            product.out = a->out + row * width + head * dimension + first;
            run_tile(&product, rows, columns);
        }
        for (long r = 0; r < rows; r++) {
            float *out = a->out + (row + r) * width + head * dimension;
            for (long d = 0; d < dimension; d++) out[d] *= scales[r];
        }
    }
}

static void attention(const ck_attention *a, ck_team *team, long team_size) {
    if (a->rows <= 0 || a->heads <= 0 || a->dimension <= 0) return;
    attention_plan plan = {.a = a, .tiles = tile_count(a->rows), .parts = 1};
    if (team_size > 1) {
        // With few heads for many members, the queries of a head are divided; each part packs the keys again.
        const long wanted = (4 * team_size + a->heads - 1) / a->heads;
        plan.parts = wanted < plan.tiles ? wanted : plan.tiles;
    }
    ck_team_run(team, a->heads * plan.parts, attention_unit, &plan);
}
