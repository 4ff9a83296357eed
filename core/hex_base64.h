/* Bytes as text: hexadecimal, and the URL-safe Base64 of RFC 4648 section 5 without padding.
 *
 * The decoders are strict: one text for each value, so that a token or a digest cannot be spelled
 * in two ways (hexadecimal digits may be of either case). Not constant-time. All functions are
 * pure. */
#pragma once

#include <stddef.h>

#include "core/err.h"
#include "core/span.h"

#define HEX_LEN(bytes) ((bytes)*2)
#define BASE64URL_LEN(bytes) (((bytes) / 3) * 4 + (((bytes) % 3) * 4 + 2) / 3)

/* Lower-case digits. DST takes HEX_LEN(LEN) characters and a terminator. Returns the text. */
struct span hex_encode(const void *src, size_t len, char *dst);
/* ERR_SYNTAX, or ERR_FULL where more than CAP bytes would come out; *LEN is how many did. */
enum err hex_decode(struct span s, void *dst, size_t cap, size_t *len) MUST_USE;

/* DST takes BASE64URL_LEN(LEN) characters and a terminator. Returns the text. */
struct span base64url_encode(const void *src, size_t len, char *dst);
/* As hex_decode. Padding, and bits set behind the last byte, are ERR_SYNTAX. */
enum err base64url_decode(struct span s, void *dst, size_t cap, size_t *len) MUST_USE;
