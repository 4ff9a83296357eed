/* Classes of characters of HTTP, and the scanning loops that fronts and backs spend their time in.
 * RFC 9110 5.5, 5.6.2; RFC 3986. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "core/span.h"

/* The lower-case form of a token character (tchar, RFC 9110 5.6.2); 0 for every other one. */
extern const unsigned char chars_token[256];

/* VCHAR, SP, HTAB and obs-text: what a field value or a reason phrase is made of. No CR, LF, NUL. */
static inline bool char_is_text(unsigned char c)
{
    return (c >= 0x20 && c != 0x7f) || c == '\t';
}

#ifdef __SSE2__
/* A bit for each of the 16 bytes that is no text. */
static inline unsigned chars_not_text(__m128i v)
{
    /* Comparison is signed and puts obs-text (0x80..0xff) below 0x20: the bytes are moved so that 0x00
     * becomes the smallest. */
    const __m128i moved = _mm_xor_si128(v, _mm_set1_epi8((char)0x80));
    const __m128i control = _mm_cmplt_epi8(moved, _mm_set1_epi8((char)(0x20 - 0x80)));
    const __m128i tab = _mm_cmpeq_epi8(v, _mm_set1_epi8('\t'));
    const __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, control), del));
}

static inline __m128i chars_load16(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline __m128i chars_between(__m128i v, char least, char most)
{
    return _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8((char)(least - 1))),
                         _mm_cmplt_epi8(v, _mm_set1_epi8((char)(most + 1))));
}

/* How many letters, digits and hyphens the 16 bytes at P begin with; those letters become lower case. */
static inline unsigned chars_lower16(char *p)
{
    /* From 16 - N on: N bytes with the bit, then none. */
    static const char which[32] = "                ";
    const __m128i v = chars_load16(p);
    const __m128i bit = _mm_set1_epi8(' '); /* 'a' - 'A' */
    const __m128i letter = chars_between(_mm_or_si128(v, bit), 'a', 'z');
    const __m128i other = _mm_or_si128(chars_between(v, '0', '9'),
                                       _mm_cmpeq_epi8(v, _mm_set1_epi8('-')));
    unsigned good = (unsigned)_mm_movemask_epi8(_mm_or_si128(letter, other));
    unsigned n = (unsigned)__builtin_ctz(~good | 0x10000);
    const __m128i lowered = _mm_and_si128(letter, chars_load16(which + 16 - n));
    _mm_storeu_si128((__m128i *)(void *)p, _mm_or_si128(v, lowered));
    return n;
}
#endif

/* How many characters of text S begins with. */
static inline size_t chars_text_len(struct span s)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; s.len - i >= 16; i += 16) {
        unsigned bad = chars_not_text(chars_load16(s.p + i));
        if (bad != 0)
            return i + (unsigned)__builtin_ctz(bad);
    }
#endif
    while (i < s.len && char_is_text((unsigned char)s.p[i]))
        i++;
    return i;
}

/* Whether S is nothing but text. */
static inline bool chars_are_text(struct span s)
{
#ifdef __SSE2__
    if (s.len >= 16) {
        unsigned bad = 0;
        for (size_t i = 0; i < s.len - 15; i += 16)
            bad |= chars_not_text(chars_load16(s.p + i));
        /* The last 16, some of them for the second time. */
        return (bad | chars_not_text(chars_load16(s.p + s.len - 16))) == 0;
    }
#endif
    return chars_text_len(s) == s.len;
}
