// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "activations.h"
#include "tile.h"

// x · weightᵀ + bias over weights packed into panels. Panel p holds the columns from p * PANEL on as [inputs, PANEL]; the
// last panel is [inputs, LANES] where that is wide enough. Missing columns are zero.

static long packed_bytes(long outputs, long inputs, bool half_weights) {
    return padded_columns(outputs) * inputs * (half_weights ? 2 : 4);
}

static void pack(const float *weight, long outputs, long inputs, bool half_weights, void *packed) {
    for (long panel = 0; panel < panel_count(outputs); panel++) {
        const long first = panel * PANEL, width = panel_vectors(outputs, panel) * LANES;
        const long columns = outputs - first < width ? outputs - first : width;
        float *to = (float *)packed + first * inputs;
        uint16_t *half_to = (uint16_t *)packed + first * inputs;
        // One cache line of four outputs at a time: more would share cache sets where rows are a power of two apart.
        for (long block = 0; block < inputs; block += 16) {
            const long end = block + 16 < inputs ? block + 16 : inputs;
            for (long c = 0; c < width; c += 4) {
                const float *from[4];
                bool used[4];
                for (long i = 0; i < 4; i++) {
                    used[i] = c + i < columns;
                    from[i] = weight + (first + (used[i] ? c + i : 0)) * inputs;
                }
                for (long k = block; k < end; k++) {
                    for (long i = 0; i < 4; i++) {
                        const float value = used[i] ? from[i][k] : 0;
                        if (half_weights) half_to[k * width + c + i] = to_half(value);
                        else to[k * width + c + i] = value;
                    }
                }
            }
        }
    }
}

// A unit of work multiplies a group of row tiles by a group of panels. A panel is read from memory once for a whole group
// of rows; the tokens of an image are one group.
#define ROW_GROUP 300

typedef struct {
    const ck_linear *l;
    const float *x;  // the rows: the caller's, or a copy whose rows do not collide in the cache
    long x_stride;
    float *converted;  // one panel for each member, for half-precision weights
    long tiles, row_groups, panels, panel_groups;
} linear_plan;

/// Whether the rows of a tile share a few sets of the first-level cache (4096 bytes a way) and evict each other.
INLINE bool rows_collide(const ck_linear *l) { return l->rows > 4 && l->inputs > 64 && l->x_stride % 512 == 0; }

/// Floats from a row of the copy to the next: an odd number of cache lines.
INLINE long copy_stride(long inputs) { return (inputs + 15) / 16 * 16 | 16; }

static linear_plan plan_linear(const ck_linear *l, long team_size) {
    linear_plan plan = {.l = l, .tiles = tile_count(l->rows), .panels = panel_count(l->outputs)};
    plan.row_groups = (l->rows + ROW_GROUP - 1) / ROW_GROUP;
    plan.panel_groups = 1;
    if (team_size > 1) {
        // Eight units for each member: the others wait for the last one for at most a sixteenth of its share.
        const long units = 8 * team_size, wanted = (units + plan.row_groups - 1) / plan.row_groups;
        plan.panel_groups = wanted < plan.panels ? wanted : plan.panels;
        // With too few panels for that, rows are divided further, but not below four tiles for each panel.
        const long finer = (units + plan.panels - 1) / plan.panels, finest = (plan.tiles + 3) / 4;
        if (plan.panel_groups == plan.panels && plan.row_groups < finer) {
            plan.row_groups = finer < finest ? finer : finest > plan.row_groups ? finest : plan.row_groups;
        }
    }
    return plan;
}

static long linear_scratch(long rows, long inputs, long team_size) {
    return rows * copy_stride(inputs) + team_size * inputs * PANEL;
}

static void copy_unit(void *context, long index, long member) {
    (void)member;
    const linear_plan *plan = context;
    const ck_linear *l = plan->l;
    const long end = l->rows * (index + 1) / plan->tiles;
    for (long row = l->rows * index / plan->tiles; row < end; row++) {
        memcpy(l->scratch + row * plan->x_stride, l->x + row * l->x_stride, (size_t)l->inputs * sizeof(float));
    }
}

// A few rows finish a panel so quickly that the wait for the next one is measurable, so the next one is prefetched.
// Many rows run slightly faster without prefetching. Shallow panels have no long wait, and converted ones are made one at
// a time.
#define AHEAD_TILES 16
#define AHEAD_DEPTH 128

/// Cache lines of the next panel to prefetch while `tiles` tiles use `panel`.
INLINE long lines_ahead(const ck_linear *l, long panel, long end_panel, long tiles) {
    if (tiles > AHEAD_TILES || l->inputs < AHEAD_DEPTH || l->half_weights || panel + 1 == end_panel) return 0;
    return panel_vectors(l->outputs, panel + 1) * LANES * l->inputs * 4 / 64;
}

static void linear_unit(void *context, long index, long member) {
    const linear_plan *plan = context;
    const ck_linear *l = plan->l;
    const long row_group = index / plan->panel_groups, panel_group = index % plan->panel_groups;
    const long first_tile = plan->tiles * row_group / plan->row_groups;
    const long end_tile = plan->tiles * (row_group + 1) / plan->row_groups;
    const long first_panel = plan->panels * panel_group / plan->panel_groups;
    const long end_panel = plan->panels * (panel_group + 1) / plan->panel_groups;
    const bool activated = l->epilogue != CK_NONE && !is_bound(l->epilogue) && l->epilogue != CK_ACCUMULATE;

    for (long panel = first_panel; panel < end_panel; panel++) {
        const long column = panel * PANEL, width = panel_vectors(l->outputs, panel) * LANES;
        const long columns = l->outputs - column < width ? l->outputs - column : width;
        const float *b = (const float *)l->weight + column * l->inputs;
        if (l->half_weights) {
            const uint16_t *half = (const uint16_t *)l->weight + column * l->inputs;
            float *whole = plan->converted + member * l->inputs * PANEL;
            for (long i = 0; i < l->inputs * width; i += LANES) store(whole + i, from_half(half + i));
            b = whole;
        }
        tile t = {
            .b = b,
            .bias = l->bias ? l->bias + column : 0,
            .depth = l->inputs,
            .a_stride = plan->x_stride,
            .out_stride = l->out_stride,
            .low = lower_bound(l->epilogue),
            .high = upper_bound(l->epilogue),
            .accumulate = l->epilogue == CK_ACCUMULATE,
        };
        const long tiles = end_tile - first_tile, lines = lines_ahead(l, panel, end_panel, tiles);
        const char *ahead = (const char *)(b + width * l->inputs);
        t.ahead_pace = lines / tiles * AHEAD_STEP / l->inputs + 1;
        // A tile begins where the last one ended: a division for each would show beside tiles of sixteen products.
        long row = l->rows * first_tile / plan->tiles;
        t.ahead_end = ahead;
        for (long i = first_tile, rows; i < end_tile; i++, row += rows) {
            rows = l->rows * (i + 1) / plan->tiles - row;
            t.ahead = t.ahead_end;
            if (lines > 0) t.ahead_end = ahead + lines * (i - first_tile + 1) / tiles * 64;
            t.a = plan->x + row * plan->x_stride;
            t.out = l->out + row * l->out_stride + column;
            run_tile(&t, rows, columns);
            if (!activated) continue;
            for (long r = 0; r < rows; r++) activate(t.out + r * l->out_stride, columns, l->epilogue);
        }
    }
}

static void linear(const ck_linear *l, ck_team *team, long team_size) {
    if (l->rows <= 0 || l->outputs <= 0) return;
    linear_plan plan = plan_linear(l, team_size);
    plan.x = l->x;
    plan.x_stride = l->x_stride;
    plan.converted = l->scratch + l->rows * copy_stride(l->inputs);
    if (rows_collide(l)) {
        plan.x = l->scratch;
        plan.x_stride = copy_stride(l->inputs);
        ck_team_run(team, plan.tiles, copy_unit, &plan);
    }
    ck_team_run(team, plan.row_groups * plan.panel_groups, linear_unit, &plan);
}

static void finish(const ck_finish *f) {
    const long whole = f->columns / LANES * LANES, rest = f->columns - whole;
    const bool accumulates = f->epilogue == CK_ACCUMULATE;
    const vf low = splat(lower_bound(f->epilogue)), high = splat(upper_bound(f->epilogue));
    for (long r = 0; r < f->rows; r++) {
        const float *product = f->product + r * f->columns;
        float *out = f->out + r * f->out_stride;
        for (long c = 0; c < whole; c += LANES) {
            vf y = load(product + c);
            if (f->bias) y += load(f->bias + c);
            if (accumulates) y += load(out + c);
            store(out + c, vmin(vmax(y, low), high));
        }
        if (rest > 0) {
            vf y = load_part(product + whole, rest, 0);
            if (f->bias) y += load_part(f->bias + whole, rest, 0);
            if (accumulates) y += load_part(out + whole, rest, 0);
            store_part(out + whole, vmin(vmax(y, low), high), rest);
        }
        activate(out, is_bound(f->epilogue) ? 0 : f->columns, f->epilogue);
    }
}
