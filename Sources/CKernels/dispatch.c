// SPDX-License-Identifier: Apache-2.0
#include "sets.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    const ck_kernels *set;
    bool (*is_supported)(void);
} candidate;

#if defined(__x86_64__)
static bool has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

static bool has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}
#endif

static bool has_baseline(void) { return true; }

/// The fastest first.
static const candidate candidates[] = {
#if defined(__x86_64__)
    {&ck_kernels_avx512, has_avx512},
    {&ck_kernels_avx2, has_avx2},
#endif
    {&ck_kernels_baseline, has_baseline},
};

const ck_kernels *ck_kernels_available(long index) {
#if defined(__x86_64__)
    __builtin_cpu_init();
#endif
    if (index < 0) return NULL;
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++) {
        if (candidates[i].is_supported() && index-- == 0) return candidates[i].set;
    }
    return NULL;
}
