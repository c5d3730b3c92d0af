// SPDX-License-Identifier: Apache-2.0

#include "include/CJPEG.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

_Static_assert(cjpeg_message_length >= JMSG_LENGTH_MAX, "a message fits");

typedef struct {
    struct jpeg_error_mgr base;
    jmp_buf escape;
    char *message;
} Errors;

static _Noreturn void leave(j_common_ptr info) {
    Errors *errors = (Errors *)info->err;
    if (errors->message) info->err->format_message(info, errors->message);
    longjmp(errors->escape, 1);
}

static void judge(j_common_ptr info, int level) {
    if (level >= 0) return;  // a trace message
    switch (info->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:  // bytes between a segment's last block and the next marker: no block needed them
    case JWRN_JFIF_MAJOR:       // an unknown revision of JFIF
    case JWRN_ADOBE_XFORM:      // an unknown colour transform, taken as the usual one
        return;
    }
    // After any other warning libjpeg goes on with grey or noise in place of the image.
    leave(info);
}

static void output_nothing(j_common_ptr info) {
    (void)info;
}

static struct jpeg_error_mgr *start_errors(Errors *errors, char *message) {
    jpeg_std_error(&errors->base);
    errors->base.error_exit = leave;
    errors->base.emit_message = judge;
    errors->base.output_message = output_nothing;
    errors->message = message;
    return &errors->base;
}

CJPEGStatus cjpeg_decode(const uint8_t *bytes, size_t length, int width, int height, int is_cmyk, uint8_t *target,
                         char *message) {
    struct jpeg_decompress_struct info;
    Errors errors;
    message[0] = 0;
    memset(&info, 0, sizeof info);
    info.err = start_errors(&errors, message);
    if (setjmp(errors.escape)) {
        int code = errors.base.msg_code;
        jpeg_destroy_decompress(&info);
        return code == JERR_OUT_OF_MEMORY ? CJPEG_OUT_OF_MEMORY : CJPEG_CORRUPT;
    }
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, bytes, length);
    jpeg_read_header(&info, TRUE);
    info.out_color_space = is_cmyk ? JCS_CMYK : JCS_EXT_RGB;
    jpeg_start_decompress(&info);
    if (info.output_width != (JDIMENSION)width || info.output_height != (JDIMENSION)height ||
        info.output_components != (is_cmyk ? 4 : 3)) {
        snprintf(message, cjpeg_message_length, "%u x %u pixels where the header says otherwise", info.output_width,
                 info.output_height);
        jpeg_destroy_decompress(&info);
        return CJPEG_CORRUPT;
    }
    size_t stride = (size_t)width * info.output_components;
    while (info.output_scanline < info.output_height) {
        JSAMPROW rows[16];
        JDIMENSION count = info.output_height - info.output_scanline;
        if (count > 16) count = 16;
        for (JDIMENSION i = 0; i < count; i++) rows[i] = target + (info.output_scanline + i) * stride;
        jpeg_read_scanlines(&info, rows, count);
    }
    jpeg_finish_decompress(&info);
    jpeg_destroy_decompress(&info);
    return CJPEG_DONE;
}

uint8_t *cjpeg_encode(const uint8_t *pixels, int width, int height, int quality, size_t *length) {
    struct jpeg_compress_struct info;
    Errors errors;
    unsigned char *bytes = NULL;
    unsigned long count = 0;
    memset(&info, 0, sizeof info);
    info.err = start_errors(&errors, NULL);
    // Only a lack of memory fails here; what was allocated for the bytes so far belongs to the library then.
    if (setjmp(errors.escape)) {
        jpeg_destroy_compress(&info);
        return NULL;
    }
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &bytes, &count);
    info.image_width = (JDIMENSION)width;
    info.image_height = (JDIMENSION)height;
    info.input_components = 3;
    info.in_color_space = JCS_EXT_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, quality, TRUE);
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
        JSAMPROW row = (JSAMPROW)(pixels + (size_t)info.next_scanline * width * 3);
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    *length = count;
    return bytes;
}
