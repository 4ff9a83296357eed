/* Context fields: the first byte of each line says which field the rest is. */
#include <stddef.h>
#include <stdint.h>

#include "sessions/context.h"

/* What was found lies within what was fed. */
static void check_inside(struct span found, struct span all)
{
    if (found.len == 0)
        return;
    CHECK(found.p >= all.p && found.p + found.len <= all.p + all.len);
}

static void check_host(struct span field)
{
    char text[256], again[256];
    struct span host, same;
    if (host_normalise(field, text, &host) != ERR_OK)
        return;
    CHECK(host.len > 0 && host.len <= 253);
    CHECK(host_normalise(host, again, &same) == ERR_OK && span_eq(host, same));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct route_context c = {.baggage_members = 0};
    struct span all = span_of(data, size), rest = all, line;
    while (span_split(&rest, '\n', &line)) {
        struct span value = span_from(line, 1);
        switch (line.len ? line.p[0] : 0) {
        case 'b':
            context_feed_baggage(&c, value);
            break;
        case 't':
            context_feed_tracestate(&c, value);
            break;
        case 'r':
            context_feed_referer(&c, value);
            break;
        case 'o':
            context_feed_origin(&c, value);
            break;
        default:
            check_host(line);
        }
    }
    check_inside(c.baggage_session, all);
    check_inside(c.tracestate_session, all);
    check_inside(c.referer_host, all);
    check_inside(c.origin_host, all);
    check_host(c.referer_host);
    check_host(c.origin_host);

    char out[40];
    struct span decoded;
    if (context_decode(c.baggage_session, out, sizeof out, &decoded) == ERR_OK)
        CHECK(decoded.len <= c.baggage_session.len);
    return 0;
}
