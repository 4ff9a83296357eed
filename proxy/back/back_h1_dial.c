#include <openssl/x509.h>

#include "core/log.h"
#include "proxy/back/back_h1.h"
#include "proxy/back/back_tls.h"

static void connect_next(struct back_h1 *b)
{
    struct addr *to = &b->addrs[b->next_addr++];
    SSL *ssl = NULL;
    if (b->scheme == BACKEND_HTTPS) {
        ssl = back_tls_connect(b->proxy->back_tls, &b->x->route.backend->to);
        if (!ssl) {
            back_h1_fail(b, PAGE_BACK_UNTRUSTED);
            return;
        }
    }
    addr_set_port(to, b->port);
    metrics_add(b->proxy->metrics, METRIC_BACK_CONNECTS, 1);
    conn_init_connect(&b->conn, &b->proxy->conns, &back_h1_conn_ops, to, ssl);
    conn_deadline_ms(&b->conn, b->proxy->config->limits.connect_timeout_ms);
}

static const char *why_not(const struct back_h1 *b, enum page_reason why)
{
    if (why == PAGE_BACK_SILENT)
        return "timeout";
    if (why != PAGE_BACK_UNTRUSTED || !b->conn.ssl)
        return "refused";
    long verdict = SSL_get_verify_result(b->conn.ssl);
    return verdict == X509_V_OK ? "TLS handshake failed" : X509_verify_cert_error_string(verdict);
}

void back_h1_dial_failed(struct back_h1 *b, enum page_reason why)
{
    if (b->next_addr < b->n_addrs) {
        conn_close(&b->conn);
        connect_next(b);
        return;
    }
    LOG(LOG_WARN, "back_unreachable", LOG_S("host", b->host), LOG_U("port", b->port),
        LOG_S("why", why_not(b, why)));
    back_h1_fail(b, why);
}

static void on_resolved(struct resolve_wait *w, const struct addr *addrs, size_t n, enum err e)
{
    struct back_h1 *b = CONTAINER_OF(w, struct back_h1, resolve);
    if (n == 0) {
        LOG(LOG_WARN, "back_unresolved", LOG_S("host", b->host), LOG_S("why", err_text(e)));
        back_h1_fail(b, PAGE_BACK_NAME);
        return;
    }
    story_mark(&b->x->story, MOMENT_RESOLVED);
    memcpy(b->addrs, addrs, n * sizeof *addrs);
    b->n_addrs = n;
    connect_next(b);
}

void back_h1_dial(struct back_h1 *b)
{
    b->dialling = true;
    story_attempt(&b->x->story, false);
    b->resolve.done = on_resolved;
    if (addr_parse_ip(span_str(b->host), b->port, &b->addrs[0]) == ERR_OK) {
        b->n_addrs = 1;
        connect_next(b);
        return;
    }
    resolver_ask(b->proxy->resolver, b->host, &b->resolve);
}
