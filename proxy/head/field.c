#include "proxy/head/field.h"

#include "core/mem.h"
#include "proxy/head/chars.h"

static const struct span names[FIELD_ID_COUNT] = {
#define FIELD(id, name) [FIELD_##id] = {name, sizeof(name) - 1},
#include "proxy/head/field.def"
#undef FIELD
};

#define FIELD(id, name) _Static_assert(sizeof(name) <= 33, "by_length ends at 32");
#include "proxy/head/field.def"
#undef FIELD
_Static_assert(FIELD_ID_COUNT <= 64, "struct fields has a bit for each");

/* --- names --------------------------------------------------------------------------------------- */

struct candidate {
    char last; /* character of the name; 0 ends the list */
    uint8_t id;
};

/* Length and last character leave one name, seldom two. That every name of field.def stands here is
 * tested. */
static const struct candidate by_length[33][7] = {
    [2] = {{'e', FIELD_TE}},
    [3] = {{'a', FIELD_VIA}},
    [4] = {{'e', FIELD_DATE}, {'t', FIELD_HOST}, {'y', FIELD_VARY}},
    [5] = {{'w', FIELD_ALLOW}, {'y', FIELD_PROXY}},
    [6] = {{'t', FIELD_ACCEPT},
           {'e', FIELD_COOKIE},
           {'n', FIELD_ORIGIN},
           {'r', FIELD_SERVER},
           {'t', FIELD_EXPECT}},
    [7] = {{'r', FIELD_REFERER}, {'e', FIELD_BAGGAGE}, {'e', FIELD_UPGRADE}, {'r', FIELD_TRAILER}},
    [8] = {{'n', FIELD_LOCATION}, {'h', FIELD_IF_MATCH}},
    [9] = {{'d', FIELD_FORWARDED}},
    [10] = {{'n', FIELD_CONNECTION},
            {'e', FIELD_SET_COOKIE},
            {'e', FIELD_TRACESTATE},
            {'e', FIELD_KEEP_ALIVE},
            {'t', FIELD_USER_AGENT}},
    [11] = {{'t', FIELD_TRACEPARENT},
            {'r', FIELD_RETRY_AFTER},
            {'e', FIELD_LINKUP_RULE},
            {'t', FIELD_LINKUP_HOST}},
    [12] = {{'s', FIELD_MAX_FORWARDS}, {'e', FIELD_CONTENT_TYPE}, {'d', FIELD_X_REQUEST_ID}},
    [13] = {{'l', FIELD_CACHE_CONTROL},
            {'n', FIELD_AUTHORIZATION},
            {'d', FIELD_LAST_EVENT_ID},
            {'l', FIELD_LINKUP_TUNNEL}},
    [14] = {{'h', FIELD_CONTENT_LENGTH},
            {'n', FIELD_LINKUP_EXPLAIN},
            {'n', FIELD_LINKUP_SESSION},
            {'e', FIELD_LINKUP_SERVICE},
            {'d', FIELD_LINKUP_BACKEND},
            {'s', FIELD_HTTP2_SETTINGS}},
    [15] = {{'g', FIELD_ACCEPT_ENCODING}, {'r', FIELD_X_FORWARDED_FOR}},
    [16] = {{'t', FIELD_X_FORWARDED_HOST},
            {'t', FIELD_X_FORWARDED_PORT},
            {'n', FIELD_PROXY_CONNECTION},
            {'e', FIELD_WWW_AUTHENTICATE}},
    [17] = {{'g', FIELD_TRANSFER_ENCODING},
            {'o', FIELD_X_FORWARDED_PROTO},
            {'y', FIELD_SEC_WEBSOCKET_KEY}},
    [18] = {{'e', FIELD_PROXY_AUTHENTICATE}},
    [19] = {{'n', FIELD_PROXY_AUTHORIZATION}, {'r', FIELD_LINKUP_TUNNEL_ERROR}},
    [20] = {{'t', FIELD_SEC_WEBSOCKET_ACCEPT}},
    [22] = {{'e', FIELD_ACCESS_CONTROL_MAX_AGE}},
    [25] = {{'o', FIELD_PROXY_AUTHENTICATION_INFO}},
    [27] = {{'n', FIELD_ACCESS_CONTROL_ALLOW_ORIGIN}},
    [28] = {{'s', FIELD_ACCESS_CONTROL_ALLOW_HEADERS}, {'s', FIELD_ACCESS_CONTROL_ALLOW_METHODS}},
    [29] = {{'d', FIELD_ACCESS_CONTROL_REQUEST_METHOD}},
    [30] = {{'s', FIELD_ACCESS_CONTROL_REQUEST_HEADERS}},
    [32] = {{'s', FIELD_ACCESS_CONTROL_ALLOW_CREDENTIALS}},
};

enum field_id field_lookup(struct span name)
{
    if (name.len == 0 || name.len >= ARRAY_LEN(by_length))
        return FIELD_OTHER;
    char last = name.p[name.len - 1];
    for (const struct candidate *c = by_length[name.len]; c->last; c++)
        if (c->last == last && memcmp(names[c->id].p, name.p, name.len) == 0)
            return (enum field_id)c->id;
    return FIELD_OTHER;
}

struct span field_name(enum field_id id)
{
    CHECK(id > FIELD_OTHER && id < FIELD_ID_COUNT);
    return names[id];
}

bool field_name_valid(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!chars_token[(unsigned char)name.p[i]])
            return false;
    return name.len > 0;
}

bool field_value_valid(struct span value)
{
    return chars_text_len(value) == value.len && span_trim(value).len == value.len;
}

/* --- lists of lines ------------------------------------------------------------------------------ */

static size_t line_bytes(const struct field *line)
{
    return line->name.len + line->value.len + 32;
}

static enum err grow(struct fields *f, struct arena *a)
{
    size_t cap = f->cap ? f->cap * 2 : 16;
    if (cap > FIELDS_MAX + FIELDS_OWN_MAX)
        cap = FIELDS_MAX + FIELDS_OWN_MAX;
    struct field *v = arena_alloc(a, cap * sizeof *v);
    if (!v)
        return ERR_FULL;
    if (f->n > 0)
        memcpy(v, f->v, f->n * sizeof *v);
    f->v = v;
    f->cap = cap;
    return ERR_OK;
}

static enum err append(struct fields *f, struct arena *a, struct field line, size_t most)
{
    if (f->n >= most)
        return ERR_FULL;
    if (f->n == f->cap)
        TRY(grow(f, a));
    f->v[f->n++] = line;
    f->bytes += line_bytes(&line);
    f->seen |= FIELD_BIT(line.id);
    return ERR_OK;
}

enum err fields_add(struct fields *f, struct arena *a, enum field_id id, struct span name,
                    struct span value)
{
    return append(f, a, (struct field){name, value, id}, FIELDS_MAX);
}

enum err fields_add_id(struct fields *f, struct arena *a, enum field_id id, struct span value)
{
    return fields_add(f, a, id, field_name(id), value);
}

/* Takes out the lines with ID behind the first KEEP of all lines. */
static void remove_from(struct fields *f, enum field_id id, size_t keep)
{
    size_t n = keep;
    for (size_t i = keep; i < f->n; i++) {
        if (f->v[i].id == id)
            f->bytes -= line_bytes(&f->v[i]);
        else
            f->v[n++] = f->v[i];
    }
    f->n = n;
}

enum err fields_set(struct fields *f, struct arena *a, enum field_id id, struct span value)
{
    struct field *first = fields_find(f, id);
    if (!first)
        return append(f, a, (struct field){field_name(id), value, id}, FIELDS_MAX + FIELDS_OWN_MAX);
    f->bytes = f->bytes - first->value.len + value.len;
    first->value = value;
    remove_from(f, id, (size_t)(first - f->v) + 1);
    return ERR_OK;
}

struct field *fields_find(const struct fields *f, enum field_id id)
{
    for (size_t i = 0; fields_may_have(f, FIELD_BIT(id)) && i < f->n; i++)
        if (f->v[i].id == id)
            return &f->v[i];
    return NULL;
}

size_t fields_count(const struct fields *f, enum field_id id)
{
    size_t count = 0;
    for (size_t i = 0; fields_may_have(f, FIELD_BIT(id)) && i < f->n; i++)
        count += f->v[i].id == id;
    return count;
}

void fields_remove(struct fields *f, enum field_id id)
{
    if (fields_may_have(f, FIELD_BIT(id)))
        remove_from(f, id, 0);
}

void fields_remove_if(struct fields *f, bool (*drop)(const struct field *, void *), void *ctx)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++) {
        if (drop(&f->v[i], ctx))
            f->bytes -= line_bytes(&f->v[i]);
        else
            f->v[n++] = f->v[i];
    }
    f->n = n;
}

struct span fields_join(const struct fields *f, enum field_id id, struct span sep, struct arena *a)
{
    const struct field *first = fields_find(f, id);
    if (!first)
        return span_of(NULL, 0);
    size_t count = fields_count(f, id);
    if (count == 1)
        return first->value.p ? first->value : SPAN_LIT("");

    struct span *parts = arena_alloc(a, (2 * count - 1) * sizeof *parts);
    if (!parts)
        return span_of(NULL, 0);
    size_t n = 0;
    for (const struct field *line = first; line < f->v + f->n; line++) {
        if (line->id != id)
            continue;
        if (n > 0)
            parts[n++] = sep;
        parts[n++] = line->value;
    }
    return arena_join(a, parts, n);
}

/* --- values that are lists ----------------------------------------------------------------------- */

bool field_list_next(struct span *rest, struct span *element)
{
    while (span_split(rest, ',', element)) {
        *element = span_trim(*element);
        if (element->len > 0)
            return true;
    }
    return false;
}

static bool list_has(struct span list, struct span token)
{
    struct span element;
    while (field_list_next(&list, &element))
        if (span_eq_nocase(element, token))
            return true;
    return false;
}

bool fields_list_has(const struct fields *f, enum field_id id, struct span token)
{
    for (size_t i = 0; fields_may_have(f, FIELD_BIT(id)) && i < f->n; i++)
        if (f->v[i].id == id && list_has(f->v[i].value, token))
            return true;
    return false;
}
