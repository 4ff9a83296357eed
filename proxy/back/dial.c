#include "proxy/back/dial.h"

#include <openssl/x509.h>

#include "core/log.h"
#include "core/mem.h"
#include "proxy/back/back_tls.h"
#include "proxy/worker.h"

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
    d->ops->failed(d, why);
}

static void connect_to(struct dial *d, struct addr *to)
{
    SSL *ssl = NULL;
    if (d->to->scheme == BACKEND_HTTPS) {
        ssl = back_tls_connect(d->proxy->back_tls, d->to);
        if (!ssl) {
            give_up(d, PAGE_BACK_UNTRUSTED);
            return;
        }
    }
    addr_set_port(to, d->to->port);
    metrics_add(d->proxy->metrics, METRIC_BACK_CONNECTS, 1);
    conn_init_connect(&d->conn, &d->proxy->conns, &dial_conn_ops, to, ssl);
    conn_deadline_ms(&d->conn, d->proxy->config->limits.connect_timeout_ms);
}

/* The next address to try, NULL: all have been. */
static struct addr *next_addr(struct dial *d)
{
    return d->next_addr < d->n_addrs ? &d->addrs[d->next_addr++] : NULL;
}

static void attempt_failed(struct dial *d, enum page_reason why)
{
    struct addr *next = next_addr(d);
    metrics_add(d->proxy->metrics, METRIC_BACK_FAILURES, 1);
    if (!next) {
        give_up(d, why);
        return;
    }
    conn_close(&d->conn);
    connect_to(d, next);
}

/* --- events -------------------------------------------------------------------------------------- */

static void on_open(struct conn *c)
{
    struct dial *d = CONTAINER_OF(c, struct dial, conn);
    int one = 1;
    /* A backend that vanished while it streams is noticed by the kernel. */
    (void)setsockopt(c->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    conn_deadline_off(c);
    if (c->ssl)
        story_mark(&d->story, MOMENT_SECURED);
    d->ops->opened(d, BACK_H1);
}

static void on_connected(struct conn *c)
{
    story_mark(&CONTAINER_OF(c, struct dial, conn)->story, MOMENT_CONNECTED);
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

static void on_resolved(struct resolve_wait *w, const struct addr *addrs, size_t n, enum err e)
{
    struct dial *d = CONTAINER_OF(w, struct dial, resolve);
    if (n == 0) {
        LOG(LOG_WARN, "back_unresolved", LOG_S("host", d->to->host), LOG_S("why", err_text(e)));
        metrics_add(d->proxy->metrics, METRIC_BACK_FAILURES, 1);
        d->ops->failed(d, PAGE_BACK_NAME);
        return;
    }
    story_mark(&d->story, MOMENT_RESOLVED);
    memcpy(d->addrs, addrs, n * sizeof *addrs);
    d->n_addrs = n;
    connect_to(d, next_addr(d));
}

void dial_start(struct dial *d, struct proxy *p, const struct dial_ops *ops,
                const struct config_backend *to)
{
    d->proxy = p;
    d->ops = ops;
    d->to = to;
    d->resolve.done = on_resolved;
    if (addr_parse_ip(span_str(to->host), to->port, &d->addrs[0]) == ERR_OK) {
        d->n_addrs = 1;
        connect_to(d, next_addr(d));
        return;
    }
    resolver_ask(p->resolver, to->host, &d->resolve);
}

void dial_end(struct dial *d)
{
    resolve_cancel(&d->resolve);
    if (d->conn.shared)
        conn_close(&d->conn);
}
