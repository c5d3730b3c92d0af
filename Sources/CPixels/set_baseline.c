// SPDX-License-Identifier: Apache-2.0
// The instructions of every processor of the architecture: SSE2 on x86-64, NEON on arm64.
#define SET baseline
#include "set.h"
