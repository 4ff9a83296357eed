#include "proxy/head/forward.h"
#include "proxy/head/forwarded_field.h"
#include "proxy/head/hop_by_hop.h"
#include "proxy/head/public_url.h"
#include "proxy/head/tracing.h"

/* DESIGN: a request that has passed this often goes in circles. */
#define LOOP_VIAS 8

struct stripping {
    struct hop_options options;
    bool keep_claims; /* of a trusted proxy */
};

/* CGI and its heirs (WSGI, Rack, PHP) cannot tell "x_forwarded_for" from "x-forwarded-for". A name with an
 * underscore that means a field which decides something here would be a second one for them. */
static bool is_underscore_alias(struct span name)
{
    char dashed[64];
    if (span_chr(name, '_') < 0 || name.len > sizeof dashed)
        return false;
    for (size_t i = 0; i < name.len; i++)
        dashed[i] = name.p[i] == '_' ? '-' : name.p[i];
    struct span s = span_of(dashed, name.len);
    return field_lookup(s) != FIELD_OTHER || span_starts(s, SPAN_LIT("x-forwarded-")) ||
           span_starts(s, SPAN_LIT("linkup-"));
}

static bool is_stripped(const struct field *f, void *ctx)
{
    const struct stripping *s = ctx;
    if (hop_is_last(f, &s->options))
        return true;
    if (!s->keep_claims && forwarded_is_claim(f))
        return true;
    switch (f->id) {
    case FIELD_LINKUP_BACKEND:
    case FIELD_LINKUP_EXPLAIN:
    case FIELD_LINKUP_RULE:
    case FIELD_LINKUP_SERVICE:
    case FIELD_LINKUP_SESSION:
        return true;
    case FIELD_HOST:           /* said by the head */
    case FIELD_CONTENT_LENGTH: /* said by the framing */
        return true;
    case FIELD_PROXY: /* CVE-2016-5385: CGI makes HTTP_PROXY of it */
        return true;
    case FIELD_OTHER:
        return span_starts(f->name, SPAN_LIT("linkup-")) || is_underscore_alias(f->name);
    default:
        return false;
    }
}

static enum err strip(struct request_head *h, const struct forward_facts *facts,
                      struct arena *arena, bool *explain)
{
    struct stripping s = {.keep_claims = facts->peer_trusted};
    TRY(hop_options_read(&s.options, &h->fields, arena));
    const struct field *asked = fields_find(&h->fields, FIELD_LINKUP_EXPLAIN);
    *explain = asked && span_eq(asked->value, SPAN_LIT("1"));
    fields_remove_if(&h->fields, is_stripped, &s);
    return ERR_OK;
}

/* RFC 9113 8.2.3: HTTP/2 may split cookie into several lines; towards HTTP/1 they are one. */
static enum err join_cookies(struct fields *f, struct arena *arena)
{
    if (fields_count(f, FIELD_COOKIE) < 2)
        return ERR_OK;
    struct span joined = fields_join(f, FIELD_COOKIE, SPAN_LIT("; "), arena);
    return joined.p ? fields_set(f, arena, FIELD_COOKIE, joined) : ERR_FULL;
}

/* RFC 9110 10.1.4: "trailers" is all of it that we speak for, and what gRPC asks for. */
static enum err keep_te_trailers(struct fields *f, struct arena *arena)
{
    if (!fields_find(f, FIELD_TE))
        return ERR_OK;
    if (fields_list_has(f, FIELD_TE, SPAN_LIT("trailers")))
        return fields_set(f, arena, FIELD_TE, SPAN_LIT("trailers"));
    fields_remove(f, FIELD_TE);
    return ERR_OK;
}

static enum err change(struct request_head *h, const struct forward_facts *facts,
                       struct arena *arena, bool *explain)
{
    struct fields *f = &h->fields;
    struct span session = {NULL, 0};
    if (facts->route->session)
        session = facts->route->session_name;

    TRY(strip(h, facts, arena, explain));
    TRY(join_cookies(f, arena));
    TRY(keep_te_trailers(f, arena));
    TRY(forwarded_add(f, facts, arena));
    TRY(tracing_request_id(f, arena));
    TRY(tracing_traceparent(f, arena));
    TRY(tracing_tracestate(f, session, arena));
    TRY(tracing_baggage(f, session, arena));
    return via_add(f, facts->via_name, arena);
}

/* RFC 9110 7.6.2; it counts for OPTIONS alone (TRACE is not forwarded at all). Whether the request may go
 * on; what is no number is left as it is. */
static bool count_down(struct request_head *h, struct arena *arena, enum err *e)
{
    struct field *f = h->method == METHOD_OPTIONS ? fields_find(&h->fields, FIELD_MAX_FORWARDS)
                                                  : NULL;
    uint64_t left;
    *e = ERR_OK;
    if (!f || span_to_u64(f->value, &left) != ERR_OK)
        return true;
    if (left == 0)
        return false;
    struct span less = arena_u64(arena, left - 1);
    *e = less.p ? fields_set(&h->fields, arena, FIELD_MAX_FORWARDS, less) : ERR_FULL;
    return true;
}

enum forward_outcome forward_request(struct request_head *h, const struct forward_facts *facts,
                                     struct arena *arena, bool *explain)
{
    *explain = false;
    if (via_count(&h->fields) >= LOOP_VIAS)
        return FORWARD_LOOP;
    enum err e;
    if (!count_down(h, arena, &e))
        return FORWARD_LAST;
    if (e != ERR_OK)
        return FORWARD_TOO_LARGE;
    return change(h, facts, arena, explain) == ERR_OK ? FORWARD_OK : FORWARD_TOO_LARGE;
}

static bool is_forbidden(const struct field *f, void *ctx)
{
    (void)ctx;
    return !field_fits_trailer(f);
}

void forward_trailers(struct fields *trailers)
{
    fields_remove_if(trailers, is_forbidden, NULL);
}

struct span forward_host(const struct request_head *h, const struct route_result *r,
                         struct arena *arena)
{
    if (!r->backend || r->backend->to.preserve_host)
        return h->authority.p ? h->authority : SPAN_LIT("");
    const struct config_backend *to = &r->backend->to;
    return authority_of(span_str(to->host), to->port, to->scheme == BACKEND_HTTPS ? 443 : 80,
                        arena);
}
