/* How a request was routed, in words. */
#include "sessions/router.h"

static const char *session_words(const struct route_result *r)
{
    switch (r->session_source) {
    case SESSION_NONE:
        return "no session";
    case SESSION_FROM_HOST:
        return "session by host";
    case SESSION_FROM_BAGGAGE:
        return "session by baggage";
    case SESSION_FROM_TRACESTATE:
        return "session by tracestate";
    case SESSION_FROM_REFERER:
        return "session by referer";
    case SESSION_FROM_ORIGIN:
        return "session by origin";
    }
    return "";
}

static struct span service_words(const struct route_result *r, struct arena *arena)
{
    const char *domain = r->domain ? r->domain->domain : "";
    switch (r->service_source) {
    case SERVICE_FROM_LABEL:
        return SPAN_LIT("service by host");
    case SERVICE_FROM_ROUTE:
        return arena_printf(arena, "service by route %s of %s", regex_pattern(r->route->path),
                            domain);
    case SERVICE_FROM_DEFAULT:
        return arena_printf(arena, "service by default of %s", domain);
    }
    return SPAN_LIT("");
}

static const char *place_words(const struct route_result *r)
{
    if (r->fell_back)
        return "fallback to shared, the session's own is down";
    switch (r->place) {
    case PLACE_SHARED:
        return "shared";
    case PLACE_SESSION:
        return "override";
    case PLACE_TUNNEL:
        return "tunnel";
    }
    return "";
}

static const char *refusal_words(enum route_outcome outcome)
{
    switch (outcome) {
    case ROUTE_TO_EDGE:
        return "the edge itself";
    case ROUTE_UNKNOWN_HOST:
        return "unknown host";
    case ROUTE_UNKNOWN_SESSION:
        return "session by host; it does not live";
    case ROUTE_SESSION_REQUIRED:
        return "no session; one is required";
    default:
        return NULL;
    }
}

/* Patterns are free text, and this goes into a header field. */
static struct span visible(struct span s)
{
    char *p = (char *)(uintptr_t)s.p;
    for (size_t i = 0; i < s.len; i++)
        if (p[i] < ' ' || p[i] > '~')
            p[i] = '?';
    return s;
}

struct span route_rule(const struct route_result *r, struct arena *arena)
{
    const char *refusal = refusal_words(r->outcome);
    if (refusal)
        return span_str(refusal);

    struct span service = service_words(r, arena);
    if (!service.p)
        return SPAN_LIT("");
    struct span words = arena_printf(
        arena, "%s; " SPAN_FMT "; %s", session_words(r), SPAN_ARG(service),
        r->outcome == ROUTE_UNKNOWN_SERVICE ? "no such service" : place_words(r));
    return words.p ? visible(words) : SPAN_LIT("");
}
