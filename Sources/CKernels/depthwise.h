// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "activations.h"
#include "vector.h"

// Depthwise convolution, channels last: a vector holds neighbouring channels of one pixel, a unit of work is one row of the
// output. Taps are taken in row-major order; taps outside the picture are skipped.

INLINE vf load_channels(const float *p, long count) { return count == LANES ? load(p) : load_part(p, count, 0); }

static void depthwise_unit(void *context, long y, long member) {
    (void)member;
    const ck_depthwise *d = context;
    const long channels = d->channels, kernel = d->kernel;
    for (long c = 0; c < channels; c += LANES) {
        const long count = channels - c < LANES ? channels - c : LANES;
        const vf bias = d->bias ? load_channels(d->bias + c, count) : splat(0);
        for (long x = 0; x < d->out_width; x++) {
            vf sum = bias;
            for (long ky = 0; ky < kernel; ky++) {
                const long row = y * d->stride - d->pad_top + ky;
                if (row < 0 || row >= d->height) continue;
                for (long kx = 0; kx < kernel; kx++) {
                    const long column = x * d->stride - d->pad_left + kx;
                    if (column < 0 || column >= d->width) continue;
                    sum = multiply_add(load_channels(d->x + (row * d->width + column) * channels + c, count),
                              load_channels(d->weight + (ky * kernel + kx) * channels + c, count), sum);
                }
            }
            sum = activated(sum, d->activation);
            float *out = d->out + (y * d->out_width + x) * channels + c;
            if (count == LANES) store(out, sum);
            else store_part(out, sum, count);
        }
    }
}

static void depthwise(const ck_depthwise *d, ck_team *team, long team_size) {
    (void)team_size;
    ck_team_run(team, d->out_height, depthwise_unit, (void *)d);
}
