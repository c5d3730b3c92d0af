// SPDX-License-Identifier: Apache-2.0

#include "include/CPixels.h"
#include "vectors.h"

// t / 255, rounded.
CPIXELS_INLINE uint32_t by255(uint32_t t) {
    t += 128;
    return (t + (t >> 8)) >> 8;
}

void cpixels_compose_on_white(uint8_t *pixels, size_t count) {
    // The destination is behind the source, so a pixel is read before its memory is written.
    const uint8_t *src = pixels;
    uint8_t *dst = pixels;
    for (size_t i = 0; i < count; i++, src += 4, dst += 3) {
        uint32_t alpha = src[3], white = 255 * (255 - alpha);
        uint8_t r = by255(src[0] * alpha + white), g = by255(src[1] * alpha + white),
                b = by255(src[2] * alpha + white);
        dst[0] = r;
        dst[1] = g;
        dst[2] = b;
    }
}

void cpixels_inverted_cmyk_to_rgb(uint8_t *pixels, size_t count) {
    const uint8_t *src = pixels;
    uint8_t *dst = pixels;
    for (size_t i = 0; i < count; i++, src += 4, dst += 3) {
        uint32_t k = src[3];
        uint32_t r = k - by255((255 - src[0]) * k), g = k - by255((255 - src[1]) * k), b = k - by255((255 - src[2]) * k);
        dst[0] = (uint8_t)r;
        dst[1] = (uint8_t)g;
        dst[2] = (uint8_t)b;
    }
}

void cpixels_rearrange(const uint8_t *src, size_t width, size_t height, uint8_t *dst, ptrdiff_t origin,
                       ptrdiff_t step_x, ptrdiff_t step_y) {
    // Square tiles, so that a transposition keeps the lines of its source and of its destination in the cache.
    enum { tile = 32 };
    for (size_t ty = 0; ty < height; ty += tile)
        for (size_t tx = 0; tx < width; tx += tile) {
            size_t bottom = ty + tile < height ? ty + tile : height, right = tx + tile < width ? tx + tile : width;
            for (size_t y = ty; y < bottom; y++) {
                const uint8_t *p = src + 3 * (y * width + tx);
                uint8_t *q = dst + origin + (ptrdiff_t)y * step_y + (ptrdiff_t)tx * step_x;
                for (size_t x = tx; x < right; x++, p += 3, q += step_x) {
                    q[0] = p[0];
                    q[1] = p[1];
                    q[2] = p[2];
                }
            }
        }
}
