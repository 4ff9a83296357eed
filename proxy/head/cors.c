#include "proxy/head/cors.h"

#include "sessions/context.h"

/* Browsers ask again after this long; within, a session that ends or changes is not noticed. */
#define MAX_AGE SPAN_LIT("60")

bool forward_is_preflight(const struct request_head *h)
{
    return h->method == METHOD_OPTIONS && fields_find(&h->fields, FIELD_ORIGIN) &&
           fields_find(&h->fields, FIELD_ACCESS_CONTROL_REQUEST_METHOD);
}

/* Only https: a page that came in clear may be anyone's, and must not read with the user's cookies. */
struct span cors_allowed_origin(const struct request_head *request,
                                const struct route_result *route, const struct route_table *table,
                                const struct config *config)
{
    const struct span none = {NULL, 0}, scheme = SPAN_LIT("https://");
    const struct field *f = fields_find(&request->fields, FIELD_ORIGIN);
    if (config->cors != CORS_SAME_SESSION || !f || fields_count(&request->fields, FIELD_ORIGIN) > 1)
        return none;
    if (!span_starts(f->value, scheme))
        return none;
    char storage[256];
    struct span host;
    if (host_normalise(span_from(f->value, scheme.len), storage, &host) != ERR_OK)
        return none;
    return route_same_session(table, route, host) ? f->value : none;
}

bool cors_is_answered(const struct response_head *h)
{
    return fields_find(&h->fields, FIELD_ACCESS_CONTROL_ALLOW_ORIGIN) != NULL;
}

/* RFC 9110 12.5.5 */
static enum err vary_add(struct fields *f, struct span name, struct arena *arena)
{
    if (fields_list_has(f, FIELD_VARY, name) || fields_list_has(f, FIELD_VARY, SPAN_LIT("*")))
        return ERR_OK;
    struct span before = fields_join(f, FIELD_VARY, SPAN_LIT(", "), arena);
    if (before.len == 0)
        return fields_set(f, arena, FIELD_VARY, name);
    struct span parts[3] = {before, SPAN_LIT(", "), name};
    struct span all = arena_join(arena, parts, 3);
    return all.p ? fields_set(f, arena, FIELD_VARY, all) : ERR_FULL;
}

/* With credentials "*" means nothing: what was asked for is what is allowed. */
static enum err allow_asked(struct response_head *h, const struct request_head *request,
                            struct arena *arena)
{
    struct fields *f = &h->fields;
    struct span methods = fields_join(&request->fields, FIELD_ACCESS_CONTROL_REQUEST_METHOD,
                                      SPAN_LIT(", "), arena);
    struct span headers = fields_join(&request->fields, FIELD_ACCESS_CONTROL_REQUEST_HEADERS,
                                      SPAN_LIT(", "), arena);
    TRY(fields_set(f, arena, FIELD_ACCESS_CONTROL_ALLOW_METHODS, methods));
    if (headers.len > 0)
        TRY(fields_set(f, arena, FIELD_ACCESS_CONTROL_ALLOW_HEADERS, headers));
    TRY(fields_set(f, arena, FIELD_ACCESS_CONTROL_MAX_AGE, MAX_AGE));
    TRY(vary_add(f, SPAN_LIT("access-control-request-method"), arena));
    return vary_add(f, SPAN_LIT("access-control-request-headers"), arena);
}

enum err cors_allow(struct response_head *h, const struct request_head *request, struct span origin,
                    struct arena *arena)
{
    struct fields *f = &h->fields;
    TRY(fields_set(f, arena, FIELD_ACCESS_CONTROL_ALLOW_ORIGIN, origin));
    TRY(fields_set(f, arena, FIELD_ACCESS_CONTROL_ALLOW_CREDENTIALS, SPAN_LIT("true")));
    TRY(vary_add(f, SPAN_LIT("origin"), arena));
    return forward_is_preflight(request) ? allow_asked(h, request, arena) : ERR_OK;
}

bool forward_answers_preflight(const struct request_head *h, const struct response_head *response,
                               const struct route_result *route, const struct route_table *table,
                               const struct config *config)
{
    return forward_is_preflight(h) && !cors_is_answered(response) &&
           cors_allowed_origin(h, route, table, config).len > 0;
}
