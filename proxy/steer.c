#include "proxy/steer.h"

#include "certs/cert.h"
#include "proxy/back/back.h"
#include "proxy/back/back_local.h"
#include "proxy/page/own_answer.h"
#include "proxy/page/page_accept.h"
#include "proxy/watch.h"

/* A use of a session is reported at most this often; of one that lives shortly, ten times in its life. */
#define TOUCH_INTERVAL_MS 60000

static uint64_t touch_interval_ms(const struct session_entry *e)
{
    uint64_t tenth = e->image->session->ttl_ms / 10;
    return tenth < TOUCH_INTERVAL_MS ? tenth : TOUCH_INTERVAL_MS;
}

static void feed_context(struct exchange *x)
{
    for (size_t i = 0; i < x->request.fields.n; i++) {
        const struct field *f = &x->request.fields.v[i];
        switch (f->id) {
        case FIELD_BAGGAGE:
            context_feed_baggage(&x->context, f->value);
            break;
        case FIELD_TRACESTATE:
            context_feed_tracestate(&x->context, f->value);
            break;
        case FIELD_REFERER:
            context_feed_referer(&x->context, f->value);
            break;
        case FIELD_ORIGIN:
            context_feed_origin(&x->context, f->value);
            break;
        default:
            break;
        }
    }
}

void steer_session_used(struct exchange *x)
{
    struct session_entry *e = x->session;
    uint64_t now = loop_now_ms(x->proxy->conns.loop);
    if (!e || (e->used_ms != 0 && now - e->used_ms < touch_interval_ms(e)))
        return;
    e->used_ms = now;
    x->proxy->hooks->used(x->proxy->hooks->ctx, e->image->name);
}

bool steer_aim(struct exchange *x)
{
    struct span path;
    enum err e = route_path(x->proxy->table, &x->route, x->request.path, &x->arena, &path);
    if (e != ERR_OK) {
        own_answer_page(x, e == ERR_SYNTAX ? PAGE_BACK_PATH : PAGE_TARGET_TOO_LONG, NULL);
        return false;
    }
    struct span parts[2] = {path, x->request.query};
    x->target = path.p == x->request.path.p && path.len == x->request.path.len
                    ? x->request.target
                    : arena_join(&x->arena, parts, 2);
    x->back_host = forward_host(&x->request, &x->route, &x->arena);
    if (x->target.p && x->back_host.p)
        return true;
    own_answer_page(x, PAGE_FIELDS_TOO_LARGE, NULL);
    return false;
}

/* Changes the head for the way. False: an answer has been given. */
static bool prepare(struct exchange *x)
{
    const struct config *c = x->edge->image->config;
    if (!steer_aim(x))
        return false;
    if (x->sighting && watch_mark(x) != ERR_OK) {
        own_answer_page(x, PAGE_FIELDS_TOO_LARGE, NULL);
        return false;
    }
    struct forward_facts facts = exchange_facts(x, x->http2 ? SPAN_LIT("2.0 linkup")
                                                            : SPAN_LIT("1.1 linkup"));
    facts.peer_trusted = addr_cidrs_have(c->trusted_proxies, c->n_trusted_proxies, &x->client);
    switch (forward_request(&x->request, &facts, &x->arena, &x->explain)) {
    case FORWARD_OK:
        return true;
    case FORWARD_LOOP:
        own_answer_page(x, PAGE_LOOP, NULL);
        break;
    case FORWARD_TOO_LARGE:
        own_answer_page(x, PAGE_FIELDS_TOO_LARGE, NULL);
        break;
    case FORWARD_LAST:
        own_answer_options(x);
        break;
    }
    return false;
}

static void to_backend(struct exchange *x)
{
    if (prepare(x))
        back_start(x);
}

static bool fall_back(struct exchange *x)
{
    if (!route_fall_back(&x->route))
        return false;
    x->story.fallback = true;
    metrics_add(x->proxy->metrics, METRIC_FALLBACKS, 1);
    return true;
}

bool steer_fall_back(struct exchange *x)
{
    if (x->request_bytes > 0 || x->head_sent || !fall_back(x))
        return false;
    if (steer_aim(x))
        back_start(x);
    return true;
}

static void to_tunnel(struct exchange *x)
{
    const struct proxy_hooks *hooks = x->proxy->hooks;
    if (!prepare(x))
        return;
    if (hooks->tunnel)
        hooks->tunnel(hooks->ctx, x);
    else if (!steer_fall_back(x))
        own_answer_page(x, PAGE_TUNNEL_DOWN, NULL);
}

static void ask_explain(struct exchange *x)
{
    const struct field *f = fields_find(&x->request.fields, FIELD_LINKUP_EXPLAIN);
    x->explain = f && span_eq(f->value, SPAN_LIT("1"));
}

/* People who open the edge's own host in a browser; programs get the API's answer. */
static bool wants_home(const struct exchange *x)
{
    const struct request_head *h = &x->request;
    const struct field *accept = fields_find(&h->fields, FIELD_ACCEPT);
    return (h->method == METHOD_GET || h->method == METHOD_HEAD) &&
           span_eq(h->path, SPAN_LIT("/")) && accept && page_form_of(accept->value) == PAGE_HTML;
}

static void steer_routed(struct exchange *x)
{
    switch (x->route.outcome) {
    case ROUTE_TO_BACKEND:
        to_backend(x);
        return;
    case ROUTE_TO_TUNNEL:
        to_tunnel(x);
        return;
    case ROUTE_TO_EDGE:
        if (wants_home(x))
            own_answer_page(x, PAGE_HOME, NULL);
        else
            back_local_start(x);
        return;
    case ROUTE_UNKNOWN_HOST:
        own_answer_page(x, PAGE_UNKNOWN_HOST, NULL);
        return;
    case ROUTE_UNKNOWN_SESSION:
        own_answer_page(x, PAGE_UNKNOWN_SESSION, NULL);
        return;
    case ROUTE_UNKNOWN_SERVICE:
        own_answer_page(x, PAGE_UNKNOWN_SERVICE, NULL);
        return;
    case ROUTE_SESSION_REQUIRED:
        own_answer_page(x, PAGE_SESSION_REQUIRED, NULL);
        return;
    }
}

/* Browsers share connections among the hosts that a certificate covers; what is passed through has
 * another one. After 421 they open a connection of its own (RFC 9110 15.5.20). */
static bool is_passed_through(struct exchange *x)
{
    struct route_result r;
    return x->proxy->table->edge->n_passthrough > 0 &&
           route_passthrough(x->proxy->table, x->host, &r) == PASSTHROUGH;
}

static void steer_public(struct exchange *x)
{
    if (host_normalise(x->request.authority, x->host_storage, &x->host) != ERR_OK) {
        own_answer_page(x, PAGE_BAD_REQUEST, "The Host field is missing or is no host.");
        return;
    }
    /* RFC 9110 7.4: the connection was authenticated for other names. */
    if ((x->cert && !cert_covers(x->cert, x->host)) || is_passed_through(x)) {
        own_answer_page(x, PAGE_MISDIRECTED, NULL);
        return;
    }
    feed_context(x);
    struct route_query q = {.host = x->host, .path = x->request.path, .context = &x->context};
    route(x->proxy->table, &q, &x->route);
    x->routed = true;
    story_mark(&x->story, MOMENT_ROUTED);
    ask_explain(x);
    if (x->proxy->watches)
        watch_look(x);
    if (x->route.session) {
        session_entry_pin(x->route.session);
        x->session = x->route.session;
        steer_session_used(x);
    }
    steer_routed(x);
}

/* TRACE shows a client the fields that proxies add, and scripts those that are kept from them: it is served
 * neither here nor behind (RFC 9110 9.3.8 leaves that to us). */
void steer(struct exchange *x)
{
    if (x->request.method == METHOD_TRACE) {
        own_answer_page(x, PAGE_METHOD_UNSUPPORTED, "TRACE is not offered.");
        return;
    }
    switch (x->kind) {
    case LISTEN_HTTPS:
        steer_public(x);
        return;
    case LISTEN_REDIRECT:
        own_answer_redirect(x);
        return;
    case LISTEN_ADMIN:
    case LISTEN_METRICS:
        back_local_start(x);
        return;
    case LISTEN_RELAY:
    case LISTEN_TUNNEL:
        x->secure = span_eq(x->request.scheme, SPAN_LIT("https"));
        x->proxy->hooks->inner(x->proxy->hooks->ctx, x);
        return;
    }
}
