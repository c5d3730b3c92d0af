// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Float kernels, compiled from one source for each instruction set and chosen at run time, and the team of threads that
// runs them. Every output element is computed by the same operations in the same order, whatever its row's place, the
// number of rows and the thread.

// ---- team.c: persistent threads ----

/// Work on item `index` as member `member` (0 is the caller) of the team.
typedef void (*ck_team_body)(void *_Nullable context, long index, long member);
typedef struct ck_team ck_team;

/// A team of `size` members, the caller included; null when a thread could not be started.
ck_team *_Nullable ck_team_create(long size);
void ck_team_destroy(ck_team *_Nonnull team);
/// Runs `body` for every index below `count` and returns when all are done. One owner at a time; not from a body.
/// A null team is the caller alone.
void ck_team_run(ck_team *_Nullable team, long count, ck_team_body _Nonnull body, void *_Nullable context);
/// How often a member left the work to the others, because it had not run while they waited for it.
long ck_team_rests(const ck_team *_Nonnull team);

// ---- memory.c ----

/// Memory at a multiple of 64 bytes; large blocks on huge pages where the system has them. Null when out of memory.
void *_Nullable ck_allocate(long bytes);
void ck_free(void *_Nullable memory);

// ---- the operations ----

/// What is applied to a product while it is in the cache.
typedef enum {
    CK_NONE,
    CK_GELU,
    CK_GELU_TANH,
    CK_QUICK_GELU,
    CK_RELU,
    CK_RELU6,
    CK_SILU,
    CK_ACCUMULATE,
} ck_epilogue;

/// out = epilogue(x · weightᵀ + bias), or out += x · weightᵀ + bias.
typedef struct {
    const float *_Nonnull x;          // [rows, inputs], rows x_stride apart
    const void *_Nullable weight;     // panels, as `pack` left them; null: another library multiplies
    const float *_Nullable bias;      // [outputs]
    float *_Nonnull out;              // [rows, outputs], rows out_stride apart
    float *_Nonnull scratch;          // linear_scratch floats
    long rows, inputs, outputs, x_stride, out_stride;
    ck_epilogue epilogue;
    bool half_weights;
} ck_linear;

/// The rest of a product that another library computed: out = epilogue(product + bias), or out += product + bias.
typedef struct {
    const float *_Nonnull product;    // [rows, columns]
    const float *_Nullable bias;      // [columns]
    float *_Nonnull out;              // [rows, columns], rows out_stride apart
    long rows, columns, out_stride;
    ck_epilogue epilogue;
} ck_finish;

/// softmax(scale · q kᵀ) v for each head.
typedef struct {
    const float *_Nonnull qkv;        // [rows, 3 * heads * dimension]: q | k | v
    float *_Nonnull out;              // [rows, heads * dimension]
    float *_Nonnull scratch;          // attention_scratch floats
    long rows, heads, dimension;
    float scale;
} ck_attention;

typedef struct {
    const float *_Nonnull x;          // [rows, width]
    const float *_Nullable weight;    // [width]
    const float *_Nullable bias;      // [width]
    float *_Nonnull out;              // [rows, width]
    long rows, width;
    float epsilon;
} ck_layer_norm;

typedef struct {
    const float *_Nonnull x;          // [height, width, channels]
    const float *_Nonnull weight;     // [kernel * kernel, channels]
    const float *_Nullable bias;      // [channels]
    float *_Nonnull out;              // [out_height, out_width, channels]
    long channels, kernel, stride, height, width, pad_top, pad_left, out_height, out_width;
    ck_epilogue activation;
} ck_depthwise;

/// One instruction set's kernels.
typedef struct {
    const char *_Nonnull name;
    long lanes;                       // floats in a vector
    bool fused;                       // multiply-adds are one instruction: not so in the baseline of x86-64
    long tile_rows, panel_columns;    // of the matrix product's tile in registers

    long (*_Nonnull packed_bytes)(long outputs, long inputs, bool half_weights);
    /// weight: [outputs, inputs]; packed: packed_bytes bytes at a multiple of 64.
    void (*_Nonnull pack)(const float *_Nonnull weight, long outputs, long inputs, bool half_weights,
                          void *_Nonnull packed);
    long (*_Nonnull linear_scratch)(long rows, long inputs, long team_size);
    void (*_Nonnull linear)(const ck_linear *_Nonnull, ck_team *_Nullable, long team_size);
    void (*_Nonnull finish)(const ck_finish *_Nonnull);

    long (*_Nonnull attention_scratch)(long rows, long dimension, long team_size);
    void (*_Nonnull attention)(const ck_attention *_Nonnull, ck_team *_Nullable, long team_size);

    void (*_Nonnull layer_norm)(const ck_layer_norm *_Nonnull, ck_team *_Nullable, long team_size);
    void (*_Nonnull softmax)(float *_Nonnull x, long rows, long columns);
    void (*_Nonnull activate)(float *_Nonnull x, long count, ck_epilogue activation);
    void (*_Nonnull depthwise)(const ck_depthwise *_Nonnull, ck_team *_Nullable, long team_size);
    /// For benchmarks: multiply-adds on registers only, at the core's full speed. Returns their number.
    double (*_Nonnull fma_limit)(long rounds);
} ck_kernels;

/// The sets that this processor can run, fastest first; null after the last.
const ck_kernels *_Nullable ck_kernels_available(long index);
