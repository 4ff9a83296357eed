#include "proxy/head/tracing.h"

#define SESSION SPAN_LIT("linkup-session")
#define TRACESTATE_MEMBERS 32
#define BAGGAGE_MEMBERS 64
#define BAGGAGE_BYTES 8192

/* The members of a list that are not ours, in their order. */
struct members {
    struct span ours; /* the key */
    struct span v[BAGGAGE_MEMBERS];
    size_t n;
    size_t seen;  /* also those that were passed over */
    size_t bytes; /* of v, with a comma each */
    bool had_ours;
};

/* The key of "key=value" or "key = value;property"; empty when there is none. */
static struct span key_of(struct span member)
{
    ptrdiff_t eq = span_chr(member, '=');
    return eq < 0 ? span_of(NULL, 0) : span_trim(span_sub(member, 0, (size_t)eq));
}

static bool has_key(const struct members *m, struct span key)
{
    for (size_t i = 0; i < m->n; i++)
        if (span_eq(key_of(m->v[i]), key))
            return true;
    return false;
}

static void keep(struct members *m, struct span member)
{
    m->v[m->n++] = member;
    m->bytes += member.len + 1;
}

typedef bool take_fn(struct members *m, struct span member, struct span key);

/* Trace Context 3.3.1.3: a key stands once, and members without one are no members. */
static bool take_tracestate(struct members *m, struct span member, struct span key)
{
    if (m->seen > TRACESTATE_MEMBERS)
        return false;
    if (key.len > 0 && !has_key(m, key))
        keep(m, member);
    return true;
}

static bool take_baggage(struct members *m, struct span member, struct span key)
{
    (void)key;
    if (m->seen > BAGGAGE_MEMBERS || m->bytes + member.len > BAGGAGE_BYTES)
        return false;
    keep(m, member);
    return true;
}

/* Reads the lines with ID, in their order, as one list. What lies beyond the limits is left out. */
static void read_members(struct members *m, const struct fields *f, enum field_id id,
                         struct span ours, take_fn *take)
{
    m->ours = ours;
    m->n = m->seen = m->bytes = 0;
    m->had_ours = false;
    const struct field *line = fields_find(f, id);
    for (; line && line < f->v + f->n; line++) {
        if (line->id != id)
            continue;
        struct span list = line->value, member;
        while (field_list_next(&list, &member)) {
            struct span key = key_of(member);
            m->seen++;
            if (span_eq(key, ours)) /* the whole key: "xlinkup-session" is another */
                m->had_ours = true;
            else if (!take(m, member, key))
                return;
        }
    }
}

static char *put(char *at, struct span s)
{
    memcpy(at, s.p, s.len);
    return at + s.len;
}

static size_t ours_len(const struct members *m, struct span value)
{
    return value.len > 0 ? m->ours.len + 1 + value.len : 0;
}

/* "linkup-session=VALUE,a=1,b=2"; p is NULL on a full arena. */
static struct span write_members(const struct members *m, struct span value, struct arena *a)
{
    char *text = arena_alloc(a, ours_len(m, value) + 1 + m->bytes);
    if (!text)
        return span_of(NULL, 0);
    char *at = text;
    if (value.len > 0) {
        at = put(at, m->ours);
        *at++ = '=';
        at = put(at, value);
        *at++ = ',';
    }
    for (size_t i = 0; i < m->n; i++) {
        at = put(at, m->v[i]);
        *at++ = ',';
    }
    return span_of(text, at > text ? (size_t)(at - text) - 1 : 0);
}

static enum err set_members(struct fields *f, enum field_id id, const struct members *m,
                            struct span value, struct arena *a)
{
    if (value.len == 0 && !m->had_ours)
        return ERR_OK;
    struct span list = write_members(m, value, a);
    if (!list.p)
        return ERR_FULL;
    if (list.len > 0)
        return fields_set(f, a, id, list);
    fields_remove(f, id);
    return ERR_OK;
}

static enum err set_tracestate(struct fields *f, struct span key, struct span value,
                               struct arena *a)
{
    struct members m;
    read_members(&m, f, FIELD_TRACESTATE, key, take_tracestate);
    if (value.len > 0 && m.n == TRACESTATE_MEMBERS)
        m.n--; /* the oldest, at the right end, makes room */
    return set_members(f, FIELD_TRACESTATE, &m, value, a);
}

static enum err set_baggage(struct fields *f, struct span key, struct span value, struct arena *a)
{
    struct members m;
    read_members(&m, f, FIELD_BAGGAGE, key, take_baggage);
    size_t ours = value.len > 0 ? 1 : 0;
    size_t ours_bytes = ours ? ours_len(&m, value) + 1 : 0;
    while (m.n > 0 && (m.n + ours > BAGGAGE_MEMBERS || m.bytes + ours_bytes > BAGGAGE_BYTES + 1)) {
        m.n--;
        m.bytes -= m.v[m.n].len + 1;
    }
    return set_members(f, FIELD_BAGGAGE, &m, value, a);
}

enum err tracing_tracestate(struct fields *f, struct span session, struct arena *a)
{
    return set_tracestate(f, SESSION, session, a);
}

enum err tracing_baggage(struct fields *f, struct span session, struct arena *a)
{
    return set_baggage(f, SESSION, session, a);
}

enum err tracing_hop(struct fields *f, struct span hop, struct arena *a)
{
    TRY(set_tracestate(f, TRACING_HOP, hop, a));
    return set_baggage(f, TRACING_HOP, hop, a);
}
