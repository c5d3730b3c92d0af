// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "activations.h"
#include "vector.h"

// Depthwise convolution, channels last: a vector holds neighbouring channels of one pixel. A unit of work is one row of
// the output, in which a run of pixels shares each loaded weight. Taps are added in row-major order without those outside
// the image, both in a run and in a single pixel.

/// Pixels of a run: enough sums for two multiply-adds a cycle with a latency of four; with a weight and a pixel they fit
/// into 16 registers.
#define RUN 8

typedef struct {
    const float *x;       // the first tap of the first pixel
    const float *weight;  // of that tap
    float *out;           // the first pixel
    long rows, columns;   // of taps
    long row_stride;      // floats from a row of the image to the next
    long channels, kernel;
    const float *bias;
    float low, high;
} depthwise_run;

/// `count` pixels for one vector of channels, with all sizes constant. The first `left` and last `right` columns under the
/// run are outside the image.
INLINE void depthwise_vector(const depthwise_run *d, const int count, const int kernel, const int stride,
                             const int left, const int right, long c) {
    vf sums[RUN];
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++) sums[i] = d->bias ? load(d->bias + c) : splat(0);
    for (long ky = 0; ky < d->rows; ky++) {
        const float *x = d->x + ky * d->row_stride + c;
        const float *weight = d->weight + ky * kernel * d->channels + c;
#pragma clang loop unroll(full)
        for (int kx = 0; kx < kernel; kx++) {
            const vf w = load(weight + kx * d->channels);
#pragma clang loop unroll(full)
            for (int i = 0; i < count; i++) {
                const int column = i * stride + kx;
                if (column < left || column >= (count - 1) * stride + kernel - right) continue;
                sums[i] = multiply_add(load(x + (column - left) * d->channels), w, sums[i]);
            }
        }
    }
    const vf low = splat(d->low), high = splat(d->high);
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++) store(d->out + i * d->channels + c, vmin(vmax(sums[i], low), high));
}

/// `lanes` channels of one pixel, of any shape.
INLINE void depthwise_pixel(const depthwise_run *d, long c, long lanes) {
    const bool whole = lanes == LANES;
    vf sum = splat(0);
    if (d->bias) sum = whole ? load(d->bias + c) : load_part(d->bias + c, lanes, 0);
    for (long ky = 0; ky < d->rows; ky++) {
        for (long kx = 0; kx < d->columns; kx++) {
            const float *x = d->x + ky * d->row_stride + kx * d->channels + c;
            const float *weight = d->weight + (ky * d->kernel + kx) * d->channels + c;
            sum = whole ? multiply_add(load(x), load(weight), sum)
                        : multiply_add(load_part(x, lanes, 0), load_part(weight, lanes, 0), sum);
        }
    }
    sum = vmin(vmax(sum, splat(d->low)), splat(d->high));
    if (whole) store(d->out + c, sum);
    else store_part(d->out + c, sum, lanes);
}

typedef void (*depthwise_function)(const depthwise_run *, long first, long end);

/// Columns of SAME padding on either side of an image whose side is a multiple of the stride.
#define PAD_LEFT(kernel, stride) (((kernel) - (stride)) / 2)
#define PAD_RIGHT(kernel, stride) ((kernel) - (stride) - PAD_LEFT(kernel, stride))

#define RUN_AS(name, count, kernel, stride, left, right) \
    static void depthwise_##name##_##kernel##_##stride(const depthwise_run *d, long first, long end) { \
        for (long c = first; c < end; c += LANES) depthwise_vector(d, count, kernel, stride, left, right, c); \
    }
#define RUNS_OF(kernel, stride) \
    RUN_AS(whole, RUN, kernel, stride, 0, 0) \
    RUN_AS(whole_left, RUN, kernel, stride, PAD_LEFT(kernel, stride), 0) \
    RUN_AS(whole_right, RUN, kernel, stride, 0, PAD_RIGHT(kernel, stride)) \
    RUN_AS(half, RUN / 2, kernel, stride, 0, 0) \
    RUN_AS(half_left, RUN / 2, kernel, stride, PAD_LEFT(kernel, stride), 0) \
    RUN_AS(half_right, RUN / 2, kernel, stride, 0, PAD_RIGHT(kernel, stride))
RUNS_OF(3, 1) RUNS_OF(3, 2) RUNS_OF(5, 1) RUNS_OF(5, 2) RUNS_OF(7, 1) RUNS_OF(7, 2)

/// [whole or half run][inside, at the left edge, at the right edge]
typedef depthwise_function depthwise_functions[2][3];

#define ENTRY(kernel, stride) { \
    {depthwise_whole_##kernel##_##stride, depthwise_whole_left_##kernel##_##stride, \
     depthwise_whole_right_##kernel##_##stride}, \
    {depthwise_half_##kernel##_##stride, depthwise_half_left_##kernel##_##stride, \
     depthwise_half_right_##kernel##_##stride}, \
}
static const depthwise_functions functions_of_shape[3][2] = {
    {ENTRY(3, 1), ENTRY(3, 2)},
    {ENTRY(5, 1), ENTRY(5, 2)},
    {ENTRY(7, 1), ENTRY(7, 2)},
};
#undef RUN_AS
#undef RUNS_OF
#undef ENTRY

/// The function for `count` pixels from `x` on; null where none has the run's padding.
static depthwise_function function_of_run(const ck_depthwise *d, long x, long count) {
    const long kernel = d->kernel, stride = d->stride;
    if ((kernel != 3 && kernel != 5 && kernel != 7) || (stride != 1 && stride != 2)) return 0;
    if (x < 0 || x + count > d->out_width) return 0;
    const long first = x * stride - d->pad_left, end = first + (count - 1) * stride + kernel;
    const long left = first < 0 ? -first : 0, right = end > d->width ? end - d->width : 0;
    const depthwise_function *functions = functions_of_shape[(kernel - 3) / 2][stride - 1][count < RUN];
    if (left == 0 && right == 0) return functions[0];
    if (right == 0 && left == PAD_LEFT(kernel, stride)) return functions[1];
    if (left == 0 && right == PAD_RIGHT(kernel, stride)) return functions[2];
    return 0;
}

/// Channels that are computed together: few enough for the rows under the filter to stay in the first-level cache.
#define CHANNEL_BLOCK (64 / LANES * LANES)

typedef struct {
    const ck_depthwise *d;
    long parts;  // of a row's channels
} depthwise_plan;

static void depthwise_unit(void *context, long index, long member) {
    (void)member;
    const depthwise_plan *plan = context;
    const ck_depthwise *d = plan->d;
    const long channels = d->channels, kernel = d->kernel, stride = d->stride;
    const long y = index / plan->parts, part = index % plan->parts;
    const long blocks = (channels + CHANNEL_BLOCK - 1) / CHANNEL_BLOCK;
    const long part_start = blocks * part / plan->parts * CHANNEL_BLOCK;
    const long next_start = blocks * (part + 1) / plan->parts * CHANNEL_BLOCK;
    const long part_end = next_start < channels ? next_start : channels;
    const long top = y * stride - d->pad_top;
    const long first_row = top < 0 ? -top : 0;
    const long end_row = top + kernel > d->height ? d->height - top : kernel;
    depthwise_run run = {
        .rows = end_row > first_row ? end_row - first_row : 0,
        .row_stride = d->width * channels,
        .channels = channels,
        .kernel = kernel,
        .bias = d->bias,
        .low = lower_bound(d->activation),
        .high = upper_bound(d->activation),
    };
    for (long first = part_start; first < part_end; first += CHANNEL_BLOCK) {
        const long end = first + CHANNEL_BLOCK < part_end ? first + CHANNEL_BLOCK : part_end;
        const bool whole = (end - first) % LANES == 0;
        for (long x = 0, next; x < d->out_width; x = next) {
            // The last run of a row begins early enough to be whole; computing a pixel twice gives the same result.
            depthwise_function function = 0;
            long start = x;
            next = x + 1;
            for (long count = d->out_width - x > RUN / 2 ? RUN : RUN / 2; whole && count >= RUN / 2; count -= RUN / 2) {
                start = x + count <= d->out_width ? x : d->out_width - count;
                function = function_of_run(d, start, count);
                if (!function) continue;
                next = start + count;
                break;
            }
            if (!function) start = x;
            const long left = start * stride - d->pad_left;
            const long first_column = left < 0 ? -left : 0;
            const long end_column = left + kernel > d->width ? d->width - left : kernel;
            run.columns = end_column > first_column ? end_column - first_column : 0;
            run.x = d->x + ((top + first_row) * d->width + left + first_column) * channels;
            run.out = d->out + (y * d->out_width + start) * channels;
            if (function) {
                run.weight = d->weight + first_row * kernel * channels;
                function(&run, first, end);
                continue;
            }
            run.weight = d->weight + (first_row * kernel + first_column) * channels;
            for (long c = first; c < end; c += LANES) depthwise_pixel(&run, c, end - c < LANES ? end - c : LANES);
        }
    }
    if (is_bound(d->activation)) return;
    for (long x = 0; x < d->out_width; x++) {
        activate(d->out + (y * d->out_width + x) * channels + part_start, part_end - part_start, d->activation);
    }
}

static void depthwise(const ck_depthwise *d, ck_team *team, long team_size) {
    // Few rows cannot be divided evenly among the members; parts of their channels can.
    const long blocks = (d->channels + CHANNEL_BLOCK - 1) / CHANNEL_BLOCK;
    const long wanted = team_size > 1 ? (8 * team_size + d->out_height - 1) / d->out_height : 1;
    depthwise_plan plan = {.d = d, .parts = wanted < blocks ? wanted : blocks};
    ck_team_run(team, d->out_height * plan.parts, depthwise_unit, &plan);
}
