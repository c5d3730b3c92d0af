// SPDX-License-Identifier: Apache-2.0
#include "sets.h"

#include <stddef.h>

const ck_kernels *ck_kernels_available(long index) {
    const ck_kernels *found[3];
    long count = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) {
        found[count++] = &ck_kernels_avx512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) {
        found[count++] = &ck_kernels_avx2;
    }
#endif
    found[count++] = &ck_kernels_baseline;
    return index >= 0 && index < count ? found[index] : NULL;
}
