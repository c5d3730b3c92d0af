// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "activations.h"
#include "vector.h"

// LayerNorm in two passes over a row that stays in the first-level cache: the mean, then the squared differences from it.
// A single pass would lose digits of the variance in rows far from zero.

typedef struct {
    const ck_layer_norm *n;
    long units;
} layer_norm_plan;

INLINE vf four_sums(vf sums[4]) { return (sums[0] + sums[1]) + (sums[2] + sums[3]); }

static void layer_norm_row(const ck_layer_norm *n, const float *x, float *out) {
    const long width = n->width, whole = width / LANES * LANES;
    vf sums[4] = {splat(0), splat(0), splat(0), splat(0)};
    long i = 0;
    for (; i + 4 * LANES <= width; i += 4 * LANES) {
        for (int v = 0; v < 4; v++) sums[v] += load(x + i + v * LANES);
    }
    for (; i < whole; i += LANES) sums[0] += load(x + i);
    if (whole < width) sums[1] += load_part(x + whole, width - whole, 0);
    const float mean = sum_of_lanes(four_sums(sums)) / (float)width;

    const vf means = splat(mean);
    vf squares[4] = {splat(0), splat(0), splat(0), splat(0)};
    for (i = 0; i + 4 * LANES <= width; i += 4 * LANES) {
        for (int v = 0; v < 4; v++) {
            const vf centred = load(x + i + v * LANES) - means;
            squares[v] = multiply_add(centred, centred, squares[v]);
        }
    }
    for (; i < whole; i += LANES) {
        const vf centred = load(x + i) - means;
        squares[0] = multiply_add(centred, centred, squares[0]);
    }
    if (whole < width) {
        const vf centred = load_part(x + whole, width - whole, mean) - means;
        squares[1] = multiply_add(centred, centred, squares[1]);
    }
    const float variance = sum_of_lanes(four_sums(squares)) / (float)width;
    const vf scale = splat(1 / __builtin_sqrtf(variance + n->epsilon));

    for (i = 0; i < whole; i += LANES) {
        vf y = (load(x + i) - means) * scale;
        if (n->weight) y *= load(n->weight + i);
        if (n->bias) y += load(n->bias + i);
        store(out + i, y);
    }
    if (whole < width) {
        const long rest = width - whole;
        vf y = (load_part(x + whole, rest, mean) - means) * scale;
        if (n->weight) y *= load_part(n->weight + whole, rest, 1);
        if (n->bias) y += load_part(n->bias + whole, rest, 0);
        store_part(out + whole, y, rest);
    }
}

static void layer_norm_unit(void *context, long index, long member) {
    (void)member;
    const layer_norm_plan *plan = context;
    const ck_layer_norm *n = plan->n;
    const long end = n->rows * (index + 1) / plan->units;
    for (long row = n->rows * index / plan->units; row < end; row++) {
        layer_norm_row(n, n->x + row * n->width, n->out + row * n->width);
    }
}

static void layer_norm(const ck_layer_norm *n, ck_team *team, long team_size) {
    if (n->rows <= 0) return;
    layer_norm_plan plan = {.n = n, .units = 4 * team_size < n->rows ? 4 * team_size : n->rows};
    ck_team_run(team, plan.units, layer_norm_unit, &plan);
}

static void softmax(float *x, long rows, long columns) {
    if (columns <= 0) return;
    const long whole = columns / LANES * LANES, rest = columns - whole;
    for (long row = 0; row < rows; row++, x += columns) {
        vf highest = rest > 0 ? load_part(x + whole, rest, -__builtin_inff()) : splat(-__builtin_inff());
        for (long i = 0; i < whole; i += LANES) highest = vmax(highest, load(x + i));
        const vf top = splat(max_of_lanes(highest));
        vf sum = splat(0);
        for (long i = 0; i < whole; i += LANES) {
            const vf e = vexp(load(x + i) - top);
            sum += e;
            store(x + i, e);
        }
        if (rest > 0) {
            const vf e = vexp(load_part(x + whole, rest, -__builtin_inff()) - top);
            sum += e;
            store_part(x + whole, e, rest);
        }
        const vf scale = splat(1 / sum_of_lanes(sum));
        for (long i = 0; i < whole; i += LANES) store(x + i, load(x + i) * scale);
        if (rest > 0) store_part(x + whole, load_part(x + whole, rest, 0) * scale, rest);
    }
}
