#include "cli/session_view.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/edge.h"
#include "cli/grid.h"
#include "core/timefmt.h"

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

const char *session_when(struct cli *c, const char *rfc3339, int64_t now)
{
    int64_t at;
    if (!*rfc3339)
        return "never";
    if (timefmt_rfc3339_parse(span_str(rfc3339), &at) != ERR_OK)
        return rfc3339;

    bool past = at < now;
    /* Rounded to the smaller of the units shown: what was made for 7d is not told to have 6d 23h. */
    int64_t s = (past ? now - at : at - now) / 1000;
    int64_t m = (s + 30) / 60, h = (s + 1800) / 3600;
    const char *span;
    if (m >= 24 * 60)
        span = cli_text(c, h % 24 ? "%" PRId64 "d %" PRId64 "h" : "%" PRId64 "d", h / 24, h % 24);
    else if (m >= 60)
        span = cli_text(c, m % 60 ? "%" PRId64 "h %" PRId64 "m" : "%" PRId64 "h", m / 60, m % 60);
    else if (s >= 60)
        span = cli_text(c, "%" PRId64 "m", m);
    else
        span = cli_text(c, "%" PRId64 "s", s);
    return cli_text(c, past ? "%s ago" : "in %s", span);
}

const char *session_expiry(struct cli *c, const json_t *session)
{
    const char *expires = json_text(session, "expires");
    if (json_is_true(json_object_get(session, "pinned")))
        return "pinned";
    return c->out.tty ? session_when(c, expires, now_ms()) : expires;
}

/* Where SERVICE goes in this session, in a word or as its URL. */
static const char *backend_text(const json_t *session, const char *service)
{
    const json_t *o = json_object_get(json_object_get(session, "services"), service);
    if (!o)
        return "shared";
    if (json_is_true(json_object_get(o, "tunnel")))
        return "tunnel";
    return json_text(o, "url");
}

typedef void each_url(struct cli *c, void *ctx, const char *service, const char *url,
                      const char *backend);

/* The session's own services first. */
static void for_urls(struct cli *c, const json_t *session, each_url *each, void *ctx)
{
    const json_t *services = json_object_get(session, "services");
    for (int own = 1; own >= 0; own--) {
        const char *service;
        json_t *url;
        json_object_foreach(json_object_get(session, "urls"), service, url)
        {
            if (!json_object_get(services, service) == !own)
                each(c, ctx, service, json_string_value(url), backend_text(session, service));
        }
    }
}

static void print_url(struct cli *c, void *ctx, const char *service, const char *url,
                      const char *backend)
{
    (void)ctx, (void)service, (void)backend;
    fprintf(c->out.file, "%s\n", text_clean(&c->arena, url ? url : ""));
}

static void add_url(struct cli *c, void *ctx, const char *service, const char *url,
                    const char *backend)
{
    (void)c;
    grid_add((struct grid *)ctx, (const char *const[]){service, url, backend});
}

static void print_url_table(struct cli *c, const json_t *session)
{
    static const struct grid_column columns[] = {
        {"SERVICE", false}, {"URL", false}, {"BACKEND", true}};
    struct grid g;
    grid_init(&g, &c->arena, columns, 3);
    for_urls(c, session, add_url, &g);
    grid_print(&g, &c->out);
}

void session_print_urls(struct cli *c, const json_t *session)
{
    if (args_has(&c->args, "json")) {
        cli_print_json(c, session);
        return;
    }
    const char *when = json_is_true(json_object_get(session, "pinned"))
                           ? "stays until it is ended"
                           : cli_text(c, "expires %s",
                                      session_when(c, json_text(session, "expires"), now_ms()));
    cli_say(c, "session %s, %s", json_text(session, "name"), when);
    if (c->out.tty)
        print_url_table(c, session);
    else
        for_urls(c, session, print_url, NULL);
}

static void print_pair(struct cli *c, const char *key, const char *value)
{
    const char *text = text_clean(&c->arena, value);
    if (c->out.tty)
        fprintf(c->out.file, "%s%-9s%s%s\n", term_bold(&c->out), key, term_plain(&c->out), text);
    else
        fprintf(c->out.file, "%s\t%s\n", key, text);
}

static void print_service(struct cli *c, void *ctx, const char *service, const char *url,
                          const char *backend)
{
    (void)ctx;
    fprintf(c->out.file, "service\t%s\t%s\t%s\n", text_clean(&c->arena, service),
            text_clean(&c->arena, url ? url : ""), text_clean(&c->arena, backend));
}

void session_print(struct cli *c, const json_t *session)
{
    if (args_has(&c->args, "json")) {
        cli_print_json(c, session);
        return;
    }
    print_pair(c, "name", json_text(session, "name"));
    print_pair(c, "owner", json_text(session, "owner"));
    print_pair(c, "created", json_text(session, "created"));
    print_pair(c, "expires", session_expiry(c, session));
    print_pair(c, "ttl", json_text(session, "ttl"));
    if (!c->out.tty) {
        for_urls(c, session, print_service, NULL);
        return;
    }
    fputc('\n', c->out.file);
    print_url_table(c, session);
}

static const char *service_names(struct cli *c, const json_t *session)
{
    const char *names = "", *service;
    json_t *one;
    json_object_foreach(json_object_get(session, "services"), service, one)
        names = cli_text(c, "%s%s%s", names, *names ? "," : "", service);
    return names;
}

void session_print_list(struct cli *c, const json_t *sessions)
{
    static const struct grid_column columns[] = {
        {"NAME", false}, {"OWNER", true}, {"SERVICES", true}, {"EXPIRES", false}};
    struct grid g;
    grid_init(&g, &c->arena, columns, 4);
    size_t i;
    json_t *s;
    json_array_foreach(sessions, i, s)
        grid_add(&g, (const char *const[]){json_text(s, "name"), json_text(s, "owner"),
                                           service_names(c, s), session_expiry(c, s)});
    grid_print(&g, &c->out);
}
