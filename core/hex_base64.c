#include "core/hex_base64.h"

#include <stdint.h>

struct span hex_encode(const void *src, size_t len, char *dst)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *in = (const uint8_t *)src;
    for (size_t i = 0; i < len; i++) {
        dst[2 * i] = digits[in[i] >> 4];
        dst[2 * i + 1] = digits[in[i] & 15];
    }
    dst[HEX_LEN(len)] = '\0';
    return span_of(dst, HEX_LEN(len));
}

enum err hex_decode(struct span s, void *dst, size_t cap, size_t *len)
{
    if (s.len % 2 != 0)
        return ERR_SYNTAX;
    if (s.len / 2 > cap)
        return ERR_FULL;

    uint8_t *out = (uint8_t *)dst;
    for (size_t i = 0; i < s.len / 2; i++) {
        uint64_t byte;
        TRY(span_hex_u64(span_sub(s, 2 * i, 2), &byte));
        out[i] = (uint8_t)byte;
    }
    *len = s.len / 2;
    return ERR_OK;
}

static const char base64url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

struct span base64url_encode(const void *src, size_t len, char *dst)
{
    const uint8_t *in = (const uint8_t *)src;
    char *out = dst;
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | in[i];
        for (held += 8; held >= 6; held -= 6)
            *out++ = base64url_alphabet[bits >> (held - 6) & 63];
    }
    if (held > 0)
        *out++ = base64url_alphabet[bits << (6 - held) & 63];
    *out = '\0';
    return span_of(dst, (size_t)(out - dst));
}

static int base64url_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : -1;
}

enum err base64url_decode(struct span s, void *dst, size_t cap, size_t *len)
{
    /* A single character behind whole groups holds six bits: less than a byte. */
    if (s.len % 4 == 1)
        return ERR_SYNTAX;
    size_t size = s.len / 4 * 3 + s.len % 4 * 3 / 4;
    if (size > cap)
        return ERR_FULL;

    uint8_t *out = (uint8_t *)dst;
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < s.len; i++) {
        int digit = base64url_digit(s.p[i]);
        if (digit < 0)
            return ERR_SYNTAX;
        bits = bits << 6 | (unsigned)digit;
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        *out++ = (uint8_t)(bits >> held);
    }
    if (bits & ((1U << held) - 1))
        return ERR_SYNTAX;
    *len = size;
    return ERR_OK;
}
