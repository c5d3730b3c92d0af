// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stddef.h>
#include <stdint.h>

/// SHA-256's compression of whole 64-byte blocks (FIPS 180-4, 6.2.2), with the processor's own instructions where it
/// has them.
void uae_sha256_blocks(uint32_t state[8], const uint8_t *bytes, size_t block_count);
