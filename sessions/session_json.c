/* A whole session from JSON: a body, a patch, the stored form. */
#include "config/names.h"
#include "core/duration.h"
#include "sessions/session_record.h"

#define OWNER_MAX 128
#define TOKEN_ID_MAX 128
#define TTL_MIN_MS DURATION_SECOND

static enum err check_name(struct reader *r, struct span name, const char *at)
{
    if (!name_is_session(name))
        return read_fail(
            r, at, "must be 1 to %d of a-z, 0-9 and inner '-', without '--', not \"" SPAN_FMT "\"",
            SESSION_NAME_MAX, SPAN_ARG(span_sub(name, 0, 64)));
    const char *reserved = r->config ? name_session_reserved(r->config, name) : NULL;
    if (!reserved)
        return ERR_OK;
    return read_fail(r, at, "must not be \"" SPAN_FMT "\": %s", SPAN_ARG(name), reserved);
}

/* A PUT's name came with the path, a PATCH's with the record: the body may repeat it. */
static enum err read_name(struct reader *r, json_t *v, const char *at, void *out)
{
    struct session *s = (struct session *)out;
    if (!json_is_string(v))
        return read_fail(r, at, "must be text");
    if (*s->name) {
        if (strcmp(json_string_value(v), s->name) == 0)
            return ERR_OK;
        return read_fail(r, at, "must be \"%s\", as in the path: a session is not renamed",
                         s->name);
    }
    TRY(check_name(r, span_of(json_string_value(v), json_string_length(v)), at));
    return read_text(r, v, at, 1, SESSION_NAME_MAX, &s->name);
}

static enum err read_owner(struct reader *r, json_t *v, const char *at, void *out)
{
    return read_text(r, v, at, 0, OWNER_MAX, (const char **)out);
}

static enum err read_token_id(struct reader *r, json_t *v, const char *at, void *out)
{
    return read_text(r, v, at, 0, TOKEN_ID_MAX, (const char **)out);
}

static enum err read_ttl(struct reader *r, json_t *v, const char *at, void *out)
{
    char max[DURATION_TEXT_MAX];
    uint64_t ms = 0;
    if (!json_is_string(v))
        return read_fail(r, at, "must be text such as \"7d\"");
    struct span text = span_of(json_string_value(v), json_string_length(v));
    if (duration_parse(text, &ms) != ERR_OK)
        return read_fail(r, at,
                         "must be a number and a unit (s, m, h, d) such as \"7d\", not \"%.32s\"",
                         json_string_value(v));
    /* What was allowed once is not asked about again when something else is patched. */
    bool kept = r->mode == READ_STORED || (r->base && ms == r->base->ttl_ms);
    if (!kept && ms < TTL_MIN_MS)
        return read_fail(r, at, "must be at least 1s");
    if (!kept && ms > r->config->sessions.max_ttl_ms)
        return read_fail(r, at, "must not be more than %s",
                         duration_text(r->config->sessions.max_ttl_ms, max));
    *(uint64_t *)out = ms;
    return ERR_OK;
}

static enum err read_cache_routes(struct reader *r, json_t *v, const char *at, void *out)
{
    struct config_strings *list = (struct config_strings *)out;
    return read_list(r, v, at, SESSION_CACHE_ROUTES_MAX, sizeof *list->v, read_regex, &list->v,
                     &list->n);
}

static enum err refuse_edge_field(struct reader *r, json_t *v, const char *at, void *out)
{
    (void)v;
    (void)out;
    if (r->mode != READ_NEW)
        return ERR_OK;
    return read_fail(r, at, "is set by the edge%s",
                     strcmp(at, "expires") == 0 ? "; give a ttl" : "");
}

/* Services before domains, whose services must exist. */
#define ROUTED_MEMBERS                                                                             \
    {"owner", read_owner, offsetof(struct session, owner), false},                                 \
        {"ttl", read_ttl, offsetof(struct session, ttl_ms), false},                                \
        {"pinned", read_bool, offsetof(struct session, pinned), false},                            \
        {"services", read_services, 0, false}, {"domains", read_domains, 0, false},                \
        {"rewrites", read_rewrites, 0, false},                                                     \
    {                                                                                              \
        "cache_routes", read_cache_routes, offsetof(struct session, cache_routes), false           \
    }

static const struct member body_members[] = {
    {"name", read_name, 0, false},
    ROUTED_MEMBERS,
    {"preview", refuse_edge_field, 0, false},
    {"version", refuse_edge_field, 0, false},
    {"created", refuse_edge_field, 0, false},
    {"changed", refuse_edge_field, 0, false},
    {"expires", refuse_edge_field, 0, false},
    {"urls", refuse_edge_field, 0, false},
    {"domain_urls", refuse_edge_field, 0, false},
    {"tunnel", refuse_edge_field, 0, false},
};

static const struct member stored_members[] = {
    {"name", read_name, 0, true},
    {"owner_token", read_token_id, offsetof(struct session, owner_token), true},
    {"preview", read_bool, offsetof(struct session, preview), true},
    {"created_ms", read_number, offsetof(struct session, created_ms), true},
    {"changed_ms", read_number, offsetof(struct session, changed_ms), true},
    {"version", read_number, offsetof(struct session, version), true},
    ROUTED_MEMBERS,
};

/* Gives the record away, or drops it. */
static enum err finish(struct reader *r, enum err e, struct session **out)
{
    if (e != ERR_OK) {
        session_unref(r->s);
        return e;
    }
    *out = r->s;
    return ERR_OK;
}

static enum err read_body(struct reader *r, json_t *body)
{
    if (!json_is_object(body)) {
        enum err e = read_fail(r, "", "the body must be a JSON object");
        r->fault->status = 400;
        return e;
    }
    const struct config_sessions *limits = &r->config->sessions;
    bool capped = limits->default_ttl_ms > limits->max_ttl_ms;
    r->s->ttl_ms = capped ? limits->max_ttl_ms : limits->default_ttl_ms;
    TRY(read_object(r, body, "", body_members, sizeof body_members / sizeof *body_members, r->s));
    return read_check_domains(r);
}

static bool has_tunnel(const struct session *s)
{
    for (size_t i = 0; i < s->n_overrides; i++)
        if (s->overrides[i].kind == OVERRIDE_TUNNEL)
            return true;
    return false;
}

static enum err read_new(struct reader *r, json_t *body, struct span name)
{
    if (name.len > 0) {
        TRY(check_name(r, name, "name"));
        session_set_name(r->s, name);
    }
    TRY(read_body(r, body));
    r->s->preview = !*r->s->name && r->s->n_overrides > 0 && !has_tunnel(r->s);
    return r->s->preview ? read_check_preview(r) : ERR_OK;
}

enum err session_parse(json_t *body, struct span name, const struct config *c, struct session **out,
                       struct session_fault *fault)
{
    struct reader r = {.mode = name.len > 0 ? READ_NAMED : READ_NEW,
                       .config = c,
                       .s = session_new(),
                       .fault = fault};
    return finish(&r, read_new(&r, body, name), out);
}

/* --- patching --- */

/* In `services` service by service, each as a whole: half a tunnel and half a URL is neither. */
static void merge_services(json_t *into, json_t *patch)
{
    const char *service;
    json_t *value;
    json_object_foreach(patch, service, value)
    {
        if (json_is_null(value))
            json_object_del(into, service);
        else
            CHECK(json_object_set(into, service, value) == 0);
    }
}

/* RFC 7396 but for lists of services. A null is let stand where there was nothing to take away, so
 * that a misspelt field is refused with null as well. */
static void merge(json_t *into, json_t *patch)
{
    const char *name;
    json_t *value;
    json_object_foreach(patch, name, value)
    {
        json_t *services = strcmp(name, "services") == 0 ? json_object_get(into, name) : NULL;
        if (services && json_is_object(value))
            merge_services(services, value);
        else if (json_is_null(value) && json_object_get(into, name))
            json_object_del(into, name);
        else
            CHECK(json_object_set(into, name, value) == 0);
    }
}

static enum err read_patched(struct reader *r, json_t *body)
{
    const struct session *base = r->base;
    session_set_name(r->s, span_str(base->name));
    session_set_owner_token(r->s, span_str(base->owner_token));
    r->s->created_ms = base->created_ms;
    r->s->changed_ms = base->changed_ms;
    r->s->version = base->version;
    r->s->preview = base->preview;
    if (!json_is_object(body))
        return read_body(r, body);

    json_t *whole = session_body_json(base);
    merge(whole, body);
    enum err e = read_body(r, whole);
    json_decref(whole);
    return e;
}

enum err session_patch(const struct session *base, json_t *body, const struct config *c,
                       struct session **out, struct session_fault *fault)
{
    struct reader r = {
        .mode = READ_PATCHED, .config = c, .base = base, .s = session_new(), .fault = fault};
    return finish(&r, read_patched(&r, body), out);
}

enum err session_from_stored(json_t *stored, struct session **out, struct session_fault *fault)
{
    struct reader r = {.mode = READ_STORED, .s = session_new(), .fault = fault};
    enum err e = read_object(&r, stored, "", stored_members,
                             sizeof stored_members / sizeof *stored_members, r.s);
    return finish(&r, e == ERR_OK ? e : ERR_CORRUPT, out);
}
