/* A span is a borrowed run of bytes: pointer and length, no terminator, no ownership.
 * Whoever hands out a span says how long the bytes live. All functions are pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/err.h"

struct span {
    const char *p;
    size_t len;
};

#define SPAN_LIT(s) ((struct span){(s), sizeof(s) - 1})
#define SPAN_FMT "%.*s"
#define SPAN_ARG(s) (int)(s).len, (s).p

static inline struct span span_of(const void *p, size_t len)
{
    return (struct span){(const char *)p, len};
}

/* NULL gives the empty span. */
static inline struct span span_str(const char *s)
{
    return (struct span){s, s ? strlen(s) : 0};
}

static inline bool span_eq(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* ASCII case is ignored, whatever the locale. */
bool span_eq_nocase(struct span a, struct span b);
/* Bytewise order, a shorter prefix first: <0, 0, >0. */
int span_cmp(struct span a, struct span b);
bool span_starts(struct span s, struct span prefix);
bool span_ends(struct span s, struct span suffix);
/* Index of the first (last) C, or -1. */
ptrdiff_t span_chr(struct span s, char c);
ptrdiff_t span_rchr(struct span s, char c);
/* From FROM (clamped) to the end; LEN bytes from FROM, clamped. */
struct span span_from(struct span s, size_t from);
struct span span_sub(struct span s, size_t from, size_t len);
/* Without leading and trailing SP and HTAB (OWS of RFC 9110 5.6.3). */
struct span span_trim(struct span s);
/* Takes the part before the first SEP off the front of REST; false when REST is spent.
 * "a,,b" gives "a", "", "b"; an empty REST gives nothing. */
bool span_split(struct span *rest, char sep, struct span *part);
/* Decimal digits only, all of S, no sign, no overflow. */
enum err span_to_u64(struct span s, uint64_t *out) MUST_USE;
/* Hexadecimal digits only, 1 to 16 of them. */
enum err span_hex_u64(struct span s, uint64_t *out) MUST_USE;
/* Copies S with a terminator into DST of size CAP; ERR_FULL when it does not fit or holds a NUL. */
enum err span_copy_z(struct span s, char *dst, size_t cap) MUST_USE;

static inline char ascii_lower(char c)
{
    return (c >= 'A' && c <= 'Z') ? (char)(c + ('a' - 'A')) : c;
}
/* Lower-cases LEN bytes in place. */
void ascii_lower_in_place(char *p, size_t len);
/* A fast keyed hash (SipHash-1-3 with the process's random key): for tables whose keys peers
 * choose. */
uint64_t span_hash(struct span s);
