// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "CKernels.h"
#include "vector.h"

/// eˣ to 2 units in the last place; 0 below -87, e⁸⁸ from 88.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2. Adding 1.5 · 2²³ rounds to n and leaves it in the low bits.
INLINE vf vexp(vf x) {
    const vf shifter = splat(0x1.8p23f);
    const vf bounded = vmin(vmax(x, splat(-87)), splat(88));
    const vf shifted = multiply_add(bounded, splat(1.44269504f), shifter);
    const vf n = shifted - shifter;
    vf r = multiply_add(n, splat(-0.693359375f), bounded);
    r = multiply_add(n, splat(2.12194440e-4f), r);
    vf p = splat(1.9875691500e-4f);
    p = multiply_add(p, r, splat(1.3981999507e-3f));
    p = multiply_add(p, r, splat(8.3334519073e-3f));
    p = multiply_add(p, r, splat(4.1665795894e-2f));
    p = multiply_add(p, r, splat(1.6666665459e-1f));
    p = multiply_add(p, r, splat(5.0000001201e-1f));
    p = multiply_add(p, r * r, r) + splat(1);
    const vf power = from_bits(bits(p) + (bits(shifted) << 23));
    return x < splat(-87) ? splat(0) : power;
}

/// x Φ(x). Φ(x) - 1/2 = x P(x²)/Q(x²), a minimax fit to 4e-9 on |x| <= 5.3; beyond, Φ is 0 or 1 in single precision.
INLINE vf gelu(vf x) {
    const vf t = vmin(vmax(x, splat(-5.3f)), splat(5.3f));
    const vf u = t * t;
    vf p = splat(2.4050340385883828e-08f);
    p = multiply_add(p, u, splat(6.3789639170863666e-06f));
    p = multiply_add(p, u, splat(0.00016032856365200132f));
    p = multiply_add(p, u, splat(0.004627957008779049f));
    p = multiply_add(p, u, splat(0.0329352542757988f));
    p = multiply_add(p, u, splat(0.3989422619342804f));
    vf q = splat(1.2371623370199814e-06f);
    q = multiply_add(q, u, splat(7.135011401260272e-05f));
    q = multiply_add(q, u, splat(0.0018365384312346578f));
    q = multiply_add(q, u, splat(0.02813851088285446f));
    q = multiply_add(q, u, splat(0.24922266602516174f));
    q = multiply_add(q, u, splat(1));
    return x * multiply_add(t, p / q, splat(0.5f));
}

/// x / (1 + e⁻ˢˣ).
INLINE vf sigmoid_gated(vf x, float slope) { return x / (splat(1) + vexp(x * splat(-slope))); }

/// The tanh form of GELU: (1 + tanh y) / 2 is the logistic of 2y, y = √(2/π) (x + 0.044715 x³).
INLINE vf gelu_tanh(vf x) {
    const vf inner = x * multiply_add(x * x, splat(2 * 0.7978845608f * 0.044715f), splat(2 * 0.7978845608f));
    return x / (splat(1) + vexp(-inner));
}

INLINE vf relu(vf x) { return vmax(x, splat(0)); }
INLINE vf relu6(vf x) { return vmin(vmax(x, splat(0)), splat(6)); }

/// Activations that only bound their argument, which is free while the value is in a register.
INLINE bool is_bound(ck_epilogue activation) { return activation == CK_RELU || activation == CK_RELU6; }
INLINE float lower_bound(ck_epilogue activation) { return is_bound(activation) ? 0 : -__builtin_inff(); }
INLINE float upper_bound(ck_epilogue activation) { return activation == CK_RELU6 ? 6 : __builtin_inff(); }

INLINE vf activated(vf x, ck_epilogue activation) {
    switch (activation) {
    case CK_GELU: return gelu(x);
    case CK_GELU_TANH: return gelu_tanh(x);
    case CK_QUICK_GELU: return sigmoid_gated(x, 1.702f);
    case CK_SILU: return sigmoid_gated(x, 1);
    case CK_RELU: return relu(x);
    case CK_RELU6: return relu6(x);
    case CK_NONE:
    case CK_ACCUMULATE: return x;
    }
    return x;
}

INLINE void activate_as(float *x, long count, ck_epilogue activation) {
    long i = 0;
    for (; i + LANES <= count; i += LANES) store(x + i, activated(load(x + i), activation));
    if (i < count) store_part(x + i, activated(load_part(x + i, count - i, 0), activation), count - i);
}

static void activate(float *x, long count, ck_epilogue activation) {
    switch (activation) {
    case CK_GELU: activate_as(x, count, CK_GELU); break;
    case CK_GELU_TANH: activate_as(x, count, CK_GELU_TANH); break;
    case CK_QUICK_GELU: activate_as(x, count, CK_QUICK_GELU); break;
    case CK_SILU: activate_as(x, count, CK_SILU); break;
    case CK_RELU: activate_as(x, count, CK_RELU); break;
    case CK_RELU6: activate_as(x, count, CK_RELU6); break;
    case CK_NONE:
    case CK_ACCUMULATE: break;
    }
}
