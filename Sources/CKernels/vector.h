// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>
#include <string.h>

// Vectors of LANES floats as clang's extension writes them, so that one source serves every instruction set.

#define INLINE static inline __attribute__((always_inline))

_Static_assert(LANES == 4 || LANES == 8 || LANES == 16, "the shuffles below know these widths");

typedef float vf __attribute__((ext_vector_type(LANES)));
typedef int32_t vi __attribute__((ext_vector_type(LANES)));
typedef float vf_unaligned __attribute__((ext_vector_type(LANES), aligned(4), may_alias));
typedef uint16_t vh __attribute__((ext_vector_type(LANES)));
typedef uint16_t vh_unaligned __attribute__((ext_vector_type(LANES), aligned(2), may_alias));

INLINE vf load(const float *p) { return *(const vf_unaligned *)p; }
INLINE void store(float *p, vf v) { *(vf_unaligned *)p = v; }
INLINE vf splat(float s) { return (vf)(s); }
INLINE vf vmax(vf a, vf b) { return a > b ? a : b; }
INLINE vf vmin(vf a, vf b) { return a < b ? a : b; }
INLINE vi bits(vf v) { return __builtin_bit_cast(vi, v); }
INLINE vf from_bits(vi v) { return __builtin_bit_cast(vf, v); }

/// a * b + c, fused only where the set has the instruction: elsewhere clang would call a library for each lane.
INLINE vf multiply_add(vf a, vf b, vf c) {
#if HAS_FMA
    return __builtin_elementwise_fma(a, b, c);
#else
    return a * b + c;
#endif
}

/// The first `count` floats; the other lanes are `rest`.
INLINE vf load_part(const float *p, long count, float rest) {
    float lanes[LANES];
    for (long i = 0; i < LANES; i++) lanes[i] = rest;
    memcpy(lanes, p, (size_t)count * sizeof(float));
    return load(lanes);
}

INLINE void store_part(float *p, vf v, long count) {
    float lanes[LANES];
    store(lanes, v);
    memcpy(p, lanes, (size_t)count * sizeof(float));
}

/// Rotates: lane i takes the value of lane i + n, modulo LANES.
#define LANE(i, n) ((i) + (n)) % LANES
#if LANES == 16
#define ROTATED(v, n) \
    __builtin_shufflevector(v, v, LANE(0, n), LANE(1, n), LANE(2, n), LANE(3, n), LANE(4, n), LANE(5, n), LANE(6, n), \
                            LANE(7, n), LANE(8, n), LANE(9, n), LANE(10, n), LANE(11, n), LANE(12, n), LANE(13, n), \
                            LANE(14, n), LANE(15, n))
#elif LANES == 8
#define ROTATED(v, n) \
    __builtin_shufflevector(v, v, LANE(0, n), LANE(1, n), LANE(2, n), LANE(3, n), LANE(4, n), LANE(5, n), LANE(6, n), \
                            LANE(7, n))
#else
#define ROTATED(v, n) __builtin_shufflevector(v, v, LANE(0, n), LANE(1, n), LANE(2, n), LANE(3, n))
#endif

/// Sum of the lanes, by halving.
INLINE float sum_of_lanes(vf v) {
#if LANES > 8
    v += ROTATED(v, 8);
#endif
#if LANES > 4
    v += ROTATED(v, 4);
#endif
    v += ROTATED(v, 2);
    v += ROTATED(v, 1);
    return v[0];
}

INLINE float max_of_lanes(vf v) {
#if LANES > 8
    v = vmax(v, ROTATED(v, 8));
#endif
#if LANES > 4
    v = vmax(v, ROTATED(v, 4));
#endif
    v = vmax(v, ROTATED(v, 2));
    v = vmax(v, ROTATED(v, 1));
    return v[0];
}

#if HAS_HALF
typedef _Float16 vhalf __attribute__((ext_vector_type(LANES)));

INLINE vf from_half(const uint16_t *p) {
    return __builtin_convertvector(__builtin_bit_cast(vhalf, *(const vh_unaligned *)p), vf);
}

INLINE uint16_t to_half(float value) {
    return __builtin_bit_cast(uint16_t, (_Float16)value);
}
#else
/// By integer operations. Normal numbers get another exponent, subnormal ones are multiples of 2⁻²⁴, and infinity and NaN
/// keep the largest exponent.
INLINE vf from_half(const uint16_t *p) {
    typedef uint32_t vu __attribute__((ext_vector_type(LANES)));
    vu h = __builtin_convertvector(*(const vh_unaligned *)p, vu);
    vu magnitude = (h & 0x7fff) << 13;
    vf value = __builtin_bit_cast(vf, magnitude) * splat(0x1p112f);
    vu special = __builtin_bit_cast(vu, magnitude >= (0x7c00u << 13));
    vu result = __builtin_bit_cast(vu, value) | (special & 0x7f800000);
    return __builtin_bit_cast(vf, result | ((h & 0x8000) << 16));
}

/// Round to nearest, ties to even.
INLINE uint16_t to_half(float value) {
    uint32_t b = __builtin_bit_cast(uint32_t, value);
    uint32_t sign = (b >> 16) & 0x8000, magnitude = b & 0x7fffffff;
    if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00);
    if (magnitude >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
    if (magnitude < 0x38800000) {
        // Adding 2⁻¹ leaves the multiple of 2⁻²⁴ in the low bits, rounded by the addition.
        float shifted = __builtin_bit_cast(float, magnitude) + 0.5f;
        return (uint16_t)(sign | (__builtin_bit_cast(uint32_t, shifted) - 0x3f000000));
    }
    uint32_t odd = (magnitude >> 13) & 1;
    return (uint16_t)(sign | ((magnitude + 0xfff + odd - 0x38000000) >> 13));
}
#endif
