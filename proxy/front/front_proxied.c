/* What a listed load balancer says before the client's first byte (listen.proxy_protocol): the PROXY
 * header, without which its connections are not served. Whoever is not listed is an ordinary client, and
 * a header from there is no more than bytes that are no TLS. */
#include "core/log.h"
#include "proxy/front/front.h"
#include "proxy/net/proxy_protocol.h"

bool front_is_proxied(const struct front *f)
{
    const struct config *c = f->proxy->config;
    if (f->kind != LISTEN_HTTPS && f->kind != LISTEN_REDIRECT)
        return false;
    return addr_cidrs_have(c->listen_proxied, c->n_listen_proxied, &f->client);
}

static void refuse(struct front *f, const char *why)
{
    char peer[ADDR_TEXT_MAX];
    LOG(LOG_WARN, "proxy_header_refused", LOG_S("peer", addr_ip_text(&f->client, peer)),
        LOG_S("why", why));
    metrics_add(f->proxy->metrics, METRIC_PROXY_REFUSED, 1);
    front_close(f);
}

/* Balancers look whether a port is open by connecting and leaving: nothing to be told about. */
static void gone(struct front *f)
{
    if (buf_len(&f->conn.in) == 0)
        front_close(f);
    else
        refuse(f, "the connection ended within it");
}

static void proxied_open(struct conn *c)
{
    (void)c; /* TCP is: there is nothing to say before the header has come */
}

static void proxied_input(struct conn *c)
{
    struct front *f = front_of(c);
    struct proxy_header h;
    enum err e = proxy_header_parse(buf_span(&c->in), &h);
    if (e == ERR_AGAIN && c->eof) {
        gone(f);
        return;
    }
    if (e == ERR_AGAIN)
        return;
    if (e != ERR_OK) {
        refuse(f, "it is none, or not in order");
        return;
    }
    if (h.has_client) {
        f->client = h.client;
        f->local = h.local;
    }
    conn_consume(c, h.len);
    front_begin(f);
}

static void proxied_room(struct conn *c)
{
    (void)c;
}

static void proxied_deadline(struct conn *c)
{
    refuse(front_of(c), "it did not come in time");
}

static void proxied_broken(struct conn *c, enum err why)
{
    (void)why;
    gone(front_of(c));
}

static const struct conn_ops proxied_ops = {
    .on_open = proxied_open,
    .on_input = proxied_input,
    .on_room = proxied_room,
    .on_deadline = proxied_deadline,
    .on_broken = proxied_broken,
};

void front_await_header(struct front *f)
{
    f->conn.ops = &proxied_ops;
    conn_deadline_ms(&f->conn, f->proxy->config->limits.header_timeout_ms);
    conn_start(&f->conn);
}
