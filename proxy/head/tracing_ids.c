#include "core/random.h"
#include "proxy/head/tracing.h"

#define REQUEST_ID_MAX 256

/* xoshiro256** of Blackman and Vigna, seeded once a thread: these are names, not secrets. */
static uint64_t next_random(void)
{
    static _Thread_local uint64_t s[4];
    if ((s[0] | s[1] | s[2] | s[3]) == 0)
        random_bytes(s, sizeof s);

    uint64_t fifth = s[1] * 5, result = ((fifth << 7) | (fifth >> 57)) * 9, shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = (s[3] << 45) | (s[3] >> 19);
    return result;
}

/* Eight digits for 32 bits, all at once: each half-byte is spread to a byte of its own, and those above nine
 * are moved to the letters. In what order they stand does not matter for names. */
static void put_hex8(char *at, uint32_t v)
{
    uint64_t x = v;
    x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
    x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    uint64_t letters = (x + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
    x += UINT64_C(0x3030303030303030) + letters * ('a' - '0' - 10);
    memcpy(at, &x, sizeof x);
}

static void put_hex16(char *at, uint64_t v)
{
    put_hex8(at, (uint32_t)v);
    put_hex8(at + 8, (uint32_t)(v >> 32));
}

enum err tracing_request_id(struct fields *f, struct arena *a)
{
    const struct field *have = fields_find(f, FIELD_X_REQUEST_ID);
    if (have && have->value.len > 0 && have->value.len <= REQUEST_ID_MAX)
        return fields_set(f, a, FIELD_X_REQUEST_ID, have->value);

    char id[32];
    put_hex16(id, next_random());
    put_hex16(id + 16, next_random());
    struct span made = arena_copy(a, span_of(id, 32));
    return made.p ? fields_set(f, a, FIELD_X_REQUEST_ID, made) : ERR_FULL;
}

/* --- traceparent --------------------------------------------------------------------------------- */

static bool is_lower_hex(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
            return false;
    return true;
}

static bool is_zero(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] != '0')
            return false;
    return true;
}

/* version "-" trace-id "-" parent-id "-" trace-flags (Trace Context 3.2.2); a version we do not know may
 * have more behind another "-" (3.2.4). */
static bool is_traceparent(struct span v)
{
    if (v.len < 55 || v.p[2] != '-' || v.p[35] != '-' || v.p[52] != '-')
        return false;
    struct span version = span_sub(v, 0, 2), trace = span_sub(v, 3, 32);
    struct span parent = span_sub(v, 36, 16), flags = span_sub(v, 53, 2);
    if (!is_lower_hex(version) || span_eq(version, SPAN_LIT("ff")))
        return false;
    if (v.len > 55 && (span_eq(version, SPAN_LIT("00")) || v.p[55] != '-'))
        return false;
    return is_lower_hex(trace) && is_lower_hex(parent) && is_lower_hex(flags) && !is_zero(trace) &&
           !is_zero(parent);
}

bool tracing_is_span_id(struct span s)
{
    return s.len == TRACING_SPAN_LEN && is_lower_hex(s) && !is_zero(s);
}

bool tracing_parse(const struct fields *f, struct span *trace, struct span *parent)
{
    const struct field *have = fields_find(f, FIELD_TRACEPARENT);
    if (!have || fields_count(f, FIELD_TRACEPARENT) != 1 || !is_traceparent(have->value))
        return false;
    *trace = span_sub(have->value, 3, 32);
    *parent = span_sub(have->value, 36, TRACING_SPAN_LEN);
    return true;
}

void tracing_span_id(char out[TRACING_SPAN_LEN + 1])
{
    put_hex16(out, next_random() | 1);
    out[TRACING_SPAN_LEN] = '\0';
}

enum err tracing_traceparent(struct fields *f, struct arena *a)
{
    struct span trace, parent;
    if (tracing_parse(f, &trace, &parent))
        return ERR_OK;

    /* Sampled: a root that says it is not would switch off the tracing of everything behind it. */
    char text[55];
    memcpy(text, "00-", 3);
    put_hex16(text + 3, next_random() | 1); /* not all zero */
    put_hex16(text + 19, next_random());
    text[35] = '-';
    put_hex16(text + 36, next_random() | 1);
    memcpy(text + 52, "-01", 3);
    struct span made = arena_copy(a, span_of(text, 55));
    return made.p ? fields_set(f, a, FIELD_TRACEPARENT, made) : ERR_FULL;
}
