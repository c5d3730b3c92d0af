#include <cblas.h>

// Types of the functions that Sources/TensorKernels/OpenBLAS.swift looks up.
typedef __typeof__(&cblas_sgemm) uae_cblas_sgemm;
typedef void (*uae_openblas_set_num_threads)(int threads);
typedef char *(*uae_openblas_get_config)(void);
