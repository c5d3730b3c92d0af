// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <stdint.h>

// libjpeg reports errors by longjmp, which Swift cannot receive, so the calls are made here.

typedef enum {
    CJPEG_DONE,
    CJPEG_CORRUPT,
    CJPEG_OUT_OF_MEMORY,
} CJPEGStatus;

/// Bytes that a message takes at most, its final NUL included: libjpeg's JMSG_LENGTH_MAX.
enum { cjpeg_message_length = 200 };

/// Decodes a whole file to `width` x `height` pixels of RGB, or of inverted CMYK as Adobe writes it, with libjpeg's
/// defaults: the accurate DCT and smooth chroma upsampling. Warnings that lose no pixel are passed over; any other ends
/// the decoding. `message` says why a file is corrupt.
CJPEGStatus cjpeg_decode(const uint8_t *_Nonnull bytes, size_t length, int width, int height, int is_cmyk,
                         uint8_t *_Nonnull target, char *_Nonnull message);

/// Encodes RGB as a baseline JPEG with 4:2:0 chroma. Returns memory to be freed with `free`, or NULL if there is none.
uint8_t *_Nullable cjpeg_encode(const uint8_t *_Nonnull pixels, int width, int height, int quality,
                                size_t *_Nonnull length);
