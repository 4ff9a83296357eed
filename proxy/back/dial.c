#include "proxy/back/dial.h"

#include <openssl/x509.h>

#include "config/backend_url.h"
#include "core/log.h"
#include "core/mem.h"
#include "proxy/back/back_tls.h"
#include "proxy/back/outcome.h"
#include "proxy/back/pool.h"
#include "proxy/net/proxy_protocol.h"
#include "proxy/worker.h"

/* An attempt with less is hardly one. */
#define ATTEMPT_LEAST_MS 200

static const struct conn_ops dial_conn_ops;

/* --- attempts ------------------------------------------------------------------------------------ */

static const char *why_not(const struct dial *d, enum page_reason why)
{
    if (why == PAGE_BACK_SILENT)
        return "timeout";
    if (why != PAGE_BACK_UNTRUSTED || !d->conn.ssl)
        return "refused";
    long verdict = SSL_get_verify_result(d->conn.ssl);
    return verdict == X509_V_OK ? "TLS handshake failed" : X509_verify_cert_error_string(verdict);
}

static void give_up(struct dial *d, enum page_reason why)
{
    LOG(LOG_WARN, "back_unreachable", LOG_S("host", d->to->host), LOG_U("port", d->to->port),
        LOG_S("why", why_not(d, why)));
    endpoints_unreachable(d->endpoints, loop_now_ms(d->proxy->conns.loop));
    d->ops->failed(d, why);
}

/* What was being tried is done with. */
static void let_go(struct dial *d)
{
    if (!d->endpoint)
        return;
    d->endpoint->busy--;
    endpoint_drop(d->endpoints, d->endpoint);
    d->endpoint = NULL;
}

/* The next address to try, NULL: all have been. */
static struct endpoint *choose(struct dial *d)
{
    const struct endpoint_choice all = {
        .now_ms = loop_now_ms(d->proxy->conns.loop),
        .chance = pools_chance(d->proxy->pools),
        .tried = {d->tried, d->n_tried},
    };
    if (d->n_tried == ARRAY_LEN(d->tried)) /* the name leads elsewhere all the time */
        return NULL;
    struct endpoint *p = endpoints_pick(d->endpoints, &all);
    if (p || !d->avoids)
        return p;
    d->avoids = false;
    d->n_tried--;
    memmove(d->tried, d->tried + 1, d->n_tried * sizeof *d->tried);
    return choose(d);
}

/* What is left of the time is for all that are left, but no attempt gets so little that it is in vain. */
static uint64_t time_for_one(const struct dial *d)
{
    uint64_t now = loop_now_ms(d->proxy->conns.loop);
    uint64_t left = d->until_ms > now ? d->until_ms - now : 0;
    size_t tried = d->n_tried - d->avoids;
    size_t others = d->endpoints->n_listed > tried ? d->endpoints->n_listed - tried : 0;
    uint64_t share = left / (others + 1);
    return share >= ATTEMPT_LEAST_MS ? share : left < ATTEMPT_LEAST_MS ? left : ATTEMPT_LEAST_MS;
}

static void connect_to(struct dial *d, struct endpoint *p)
{
    struct addr to = p->addr;
    SSL *ssl = NULL;
    CHECK(d->n_tried < ARRAY_LEN(d->tried));
    d->tried[d->n_tried++] = p->addr;
    if (d->to->scheme == BACKEND_HTTPS && !d->raw) {
        ssl = back_tls_connect(d->proxy->back_tls, d->to, d->h1_only);
        if (!ssl) {
            give_up(d, PAGE_BACK_UNTRUSTED);
            return;
        }
    }
    endpoint_hold(p);
    p->busy++;
    d->endpoint = p;
    addr_set_port(&to, backend_connect(d->to).port);
    metrics_add(d->proxy->metrics, METRIC_BACK_CONNECTS, 1);
    conn_init_connect(&d->conn, &d->proxy->conns, &dial_conn_ops, &to, ssl);
    conn_deadline_ms(&d->conn, time_for_one(d));
}

static void attempt_failed(struct dial *d, enum page_reason why)
{
    metrics_add(d->proxy->metrics, METRIC_BACK_FAILURES, 1);
    outcome_failed(d->proxy, d->to, d->endpoints, d->endpoint);
    uint64_t now = loop_now_ms(d->proxy->conns.loop);
    struct endpoint *next = now < d->until_ms ? choose(d) : NULL;
    if (!next) {
        give_up(d, why);
        return;
    }
    conn_close(&d->conn);
    let_go(d);
    connect_to(d, next);
}

/* --- events -------------------------------------------------------------------------------------- */

/* RFC 7301; RFC 9113 3.3: by prior knowledge. */
static enum back_protocol spoken(const struct dial *d)
{
    const uint8_t *name = NULL;
    unsigned len = 0;
    if (d->conn.ssl)
        SSL_get0_alpn_selected(d->conn.ssl, &name, &len);
    bool h2 = d->to->scheme == BACKEND_H2C || span_eq(span_of(name, len), SPAN_LIT("h2"));
    return h2 ? BACK_H2 : BACK_H1;
}

static void on_open(struct conn *c)
{
    struct dial *d = CONTAINER_OF(c, struct dial, conn);
    int one = 1;
    /* A backend that vanished while it streams is noticed by the kernel. */
    (void)setsockopt(c->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    conn_deadline_off(c);
    if (c->ssl)
        story_mark(&d->story, MOMENT_SECURED);
    d->ops->opened(d, spoken(d));
}

/* Before everything, TLS included. */
static void say_for_whom(struct dial *d)
{
    char text[PROXY_V1_MAX > PROXY_V2_OURS ? PROXY_V1_MAX : PROXY_V2_OURS];
    size_t len = 0;
    switch (d->to->proxy_protocol) {
    case PROXY_OUT_OFF:
        return;
    case PROXY_OUT_V1:
        len = proxy_v1_write(&d->client, &d->local, text);
        break;
    case PROXY_OUT_V2:
        len = proxy_v2_write(&d->client, &d->local, text);
        break;
    }
    conn_write_first(&d->conn, span_of(text, len));
}

static void on_connected(struct conn *c)
{
    struct dial *d = CONTAINER_OF(c, struct dial, conn);
    story_mark(&d->story, MOMENT_CONNECTED);
    say_for_whom(d);
}

static void on_deadline(struct conn *c)
{
    attempt_failed(CONTAINER_OF(c, struct dial, conn), PAGE_BACK_SILENT);
}

static void on_broken(struct conn *c, enum err why)
{
    attempt_failed(CONTAINER_OF(c, struct dial, conn),
                   why == ERR_CRYPTO ? PAGE_BACK_UNTRUSTED : PAGE_BACK_REFUSED);
}

/* Not open yet, a connection has neither input to announce nor room to offer. */
static const struct conn_ops dial_conn_ops = {
    .on_connected = on_connected,
    .on_open = on_open,
    .on_deadline = on_deadline,
    .on_broken = on_broken,
};

/* --- start and end ------------------------------------------------------------------------------- */

static void start_connecting(struct dial *d, const struct addr *addrs, size_t n)
{
    endpoints_update(d->endpoints, addrs, n);
    d->until_ms = loop_now_ms(d->proxy->conns.loop) + d->proxy->config->limits.connect_timeout_ms;
    struct endpoint *first = choose(d);
    if (first)
        connect_to(d, first);
    else
        d->ops->failed(d, PAGE_BACK_DOWN); /* all of them, since the exchange began */
}

/* RFC 6761 6.3: both loopback addresses, whatever a hosts file has: some listen on the one, some on the other. */
static bool is_localhost(const struct dial *d)
{
    return span_eq(span_str(d->to->host), SPAN_LIT("localhost"));
}

static void connect_to_loopback(struct dial *d)
{
    struct addr both[2];
    CHECK(addr_parse_ip(SPAN_LIT("127.0.0.1"), 0, &both[0]) == ERR_OK &&
          addr_parse_ip(SPAN_LIT("::1"), 0, &both[1]) == ERR_OK);
    start_connecting(d, both, ARRAY_LEN(both));
}

static void on_resolved(struct resolve_wait *w, const struct addr *addrs, size_t n, enum err e)
{
    struct dial *d = CONTAINER_OF(w, struct dial, resolve);
    if (n == 0) {
        LOG(LOG_WARN, "back_unresolved", LOG_S("host", d->to->host), LOG_S("why", err_text(e)));
        metrics_add(d->proxy->metrics, METRIC_BACK_FAILURES, 1);
        endpoints_unreachable(d->endpoints, loop_now_ms(d->proxy->conns.loop));
        d->ops->failed(d, PAGE_BACK_NAME);
        return;
    }
    story_mark(&d->story, MOMENT_RESOLVED);
    start_connecting(d, addrs, n);
}

void dial_start(struct dial *d, struct proxy *p, const struct dial_ops *ops,
                const struct config_backend *to, struct endpoints *endpoints,
                const struct addr *avoid)
{
    const char *host = backend_connect(to).host;
    struct addr given;
    d->proxy = p;
    d->ops = ops;
    d->to = to;
    d->endpoints = endpoints;
    d->resolve.done = on_resolved;
    d->avoids = avoid != NULL;
    if (avoid)
        d->tried[d->n_tried++] = *avoid;
    if (addr_parse_ip(span_str(host), 0, &given) == ERR_OK)
        start_connecting(d, &given, 1);
    else if (is_localhost(d))
        connect_to_loopback(d);
    else
        resolver_ask(p->resolver, host, &d->resolve);
}

void dial_end(struct dial *d)
{
    resolve_cancel(&d->resolve);
    if (d->conn.shared)
        conn_close(&d->conn);
    let_go(d);
}
