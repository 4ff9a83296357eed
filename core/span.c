#include "core/span.h"

#include <pthread.h>

#include "core/random.h"
#include "core/siphash.h"

bool span_eq_nocase(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    if (span_eq(a, b)) /* most are written as they are in the RFCs */
        return true;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
            return false;
    return true;
}

int span_cmp(struct span a, struct span b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.p, b.p, common) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool span_starts(struct span s, struct span prefix)
{
    return s.len >= prefix.len && span_eq(span_sub(s, 0, prefix.len), prefix);
}

bool span_ends(struct span s, struct span suffix)
{
    return s.len >= suffix.len && span_eq(span_from(s, s.len - suffix.len), suffix);
}

ptrdiff_t span_chr(struct span s, char c)
{
    const char *at = s.len ? (const char *)memchr(s.p, c, s.len) : NULL;
    return at ? at - s.p : -1;
}

ptrdiff_t span_rchr(struct span s, char c)
{
    for (size_t i = s.len; i > 0; i--)
        if (s.p[i - 1] == c)
            return (ptrdiff_t)(i - 1);
    return -1;
}

struct span span_from(struct span s, size_t from)
{
    if (from == 0)
        return s;
    if (from > s.len)
        from = s.len;
    return (struct span){s.p ? s.p + from : NULL, s.len - from};
}

struct span span_sub(struct span s, size_t from, size_t len)
{
    struct span rest = span_from(s, from);
    if (rest.len > len)
        rest.len = len;
    return rest;
}

static bool is_ows(char c)
{
    return c == ' ' || c == '\t';
}

struct span span_trim(struct span s)
{
    while (s.len > 0 && is_ows(s.p[s.len - 1]))
        s.len--;
    while (s.len > 0 && is_ows(s.p[0])) {
        s.p++;
        s.len--;
    }
    return s;
}

bool span_split(struct span *rest, char sep, struct span *part)
{
    if (rest->len == 0)
        return false;

    ptrdiff_t at = span_chr(*rest, sep);
    if (at < 0) {
        *part = *rest;
        *rest = span_from(*rest, rest->len);
        return true;
    }
    *part = span_sub(*rest, 0, (size_t)at);
    *rest = span_from(*rest, (size_t)at + 1);
    return true;
}

enum err span_to_u64(struct span s, uint64_t *out)
{
    if (s.len == 0)
        return ERR_SYNTAX;

    uint64_t value = 0;
    bool fits = true;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)s.p[i] - '0';
        if (digit > 9)
            return ERR_SYNTAX;
        fits = fits && !__builtin_mul_overflow(value, 10U, &value) &&
               !__builtin_add_overflow(value, digit, &value);
    }
    if (!fits)
        return ERR_RANGE;
    *out = value;
    return ERR_OK;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum err span_hex_u64(struct span s, uint64_t *out)
{
    if (s.len == 0)
        return ERR_SYNTAX;

    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        int digit = hex_digit(s.p[i]);
        if (digit < 0)
            return ERR_SYNTAX;
        value = value << 4 | (unsigned)digit;
    }
    if (s.len > 16)
        return ERR_RANGE;
    *out = value;
    return ERR_OK;
}

enum err span_copy_z(struct span s, char *dst, size_t cap)
{
    if (s.len >= cap || span_chr(s, '\0') >= 0)
        return ERR_FULL;
    if (s.len)
        memcpy(dst, s.p, s.len);
    dst[s.len] = '\0';
    return ERR_OK;
}

void ascii_lower_in_place(char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        p[i] = ascii_lower(p[i]);
}

static struct siphash_key process_key;
static pthread_once_t process_key_once = PTHREAD_ONCE_INIT;

static void process_key_draw(void)
{
    random_bytes(&process_key, sizeof process_key);
}

uint64_t span_hash(struct span s)
{
    pthread_once(&process_key_once, process_key_draw);
    return siphash13(process_key, s.p, s.len);
}
