// SPDX-License-Identifier: Apache-2.0

// One instruction set's table. The including file defines SET.

#include "kernels.h"

#include "quality.h"
#include "resample.h"

#define PASTE(a, b) a##b
#define TABLE_NAME(set) PASTE(cpixels_kernels_, set)

const cpixels_kernels TABLE_NAME(SET) = {
    .resample_columns = resample_columns,
    .resample_rows = resample_rows,
    .resample_fused = resample_fused,
    .squared_error = squared_error,
    .ssim_sum = ssim_sum,
};
