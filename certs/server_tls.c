#include "certs/server_tls.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <pthread.h>

#include "certs/base_map.h"
#include "certs/client_hello.h"
#include "certs/naming.h"
#include "certs/sni_store.h"
#include "certs/tls_context.h"
#include "core/loop.h"
#include "core/mem.h"

struct server_tls {
    SSL_CTX *ctx;
    struct config *config;
    struct server_tls_asks asks;
    struct sni_store store;
    struct base_map pending; /* struct ask */
    struct ticket_keys keys;
};

/* One question on its way to control and back, and the handshakes that wait for the answer. */
struct ask {
    struct base_node node;
    struct cert_waiter *waiters;
    char base[CERT_BASE_MAX];
};

/* Where an SSL keeps its waiter; the same in every SSL_CTX. */
static int waiter_index;
static pthread_once_t waiter_index_once = PTHREAD_ONCE_INIT;

static void make_waiter_index(void)
{
    waiter_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    CHECK(waiter_index >= 0);
}

static struct cert_waiter *waiter_of(const SSL *ssl)
{
    return SSL_get_ex_data(ssl, waiter_index);
}

/* ---- those who wait ---- */

static void waiter_join(struct cert_waiter **list, struct cert_waiter *w)
{
    w->next = *list;
    w->prev = list;
    if (w->next)
        w->next->prev = &w->next;
    *list = w;
}

static void waiter_leave(struct cert_waiter *w)
{
    if (!w->prev)
        return;
    *w->prev = w->next;
    if (w->next)
        w->next->prev = w->prev;
    w->next = NULL;
    w->prev = NULL;
}

void cert_waiter_deinit(struct cert_waiter *w)
{
    waiter_leave(w);
    cert_unref(w->cert);
    w->cert = NULL;
}

/* What W presents: CERT, or, where there is none for it, nothing. */
static void waiter_decide(struct cert_waiter *w, struct cert *cert)
{
    w->cert = cert ? cert_ref(cert) : NULL;
    w->refused = !cert;
}

static struct ask *ask_find(struct server_tls *t, const char *base)
{
    struct base_node *n = base_map_find(&t->pending, span_str(base));
    return n ? CONTAINER_OF(n, struct ask, node) : NULL;
}

static void ask_free(struct server_tls *t, struct ask *a)
{
    base_map_remove(&t->pending, &a->node);
    while (a->waiters)
        waiter_leave(a->waiters);
    mem_free(a);
}

/* Lets those who wait for BASE go on with CERT. A waiter's on_ready may end any connection and may
 * start new asks, so that they are taken off one by one from a list of our own. */
static void settle(struct server_tls *t, const char *base, struct cert *cert)
{
    struct ask *a = ask_find(t, base);
    if (!a)
        return;
    struct cert_waiter *ready = a->waiters;
    if (ready)
        ready->prev = &ready;
    a->waiters = NULL;
    ask_free(t, a);

    while (ready) {
        struct cert_waiter *w = ready;
        waiter_leave(w);
        waiter_decide(w, cert);
        w->on_ready(w);
    }
}

/* ---- which certificate ---- */

static struct cert *usable(struct cert *cert)
{
    return cert && cert_not_after_s(cert) > clock_wall_ms() / 1000 ? cert : NULL;
}

/* For a base whose own certificate cannot be had: the browser then names the mismatch, and whoever
 * looks at the page all the same learns what is wrong. */
static struct cert *fallback(struct server_tls *t)
{
    struct cert *file = sni_store_file_for(&t->store, span_str(t->config->zone));
    return file ? file : t->store.zone_cert;
}

/* Names of sessions can be made up without end; the zone and its domains are few. */
static bool may_ask(const struct server_tls *t, const char *base)
{
    return t->pending.n < SERVER_TLS_ASKS_MAX ||
           cert_base_session(t->config, span_str(base)).len == 0;
}

/* Asks for BASE unless that has been done. Decides for W, or makes it wait: ERR_AGAIN. */
static enum err ask_for(struct server_tls *t, const char *base, struct cert_waiter *w)
{
    struct ask *a = ask_find(t, base);
    if (!a && !may_ask(t, base)) {
        waiter_decide(w, fallback(t));
        return ERR_OK;
    }
    if (!a) {
        a = NEW(struct ask);
        CHECK(span_copy_z(span_str(base), a->base, sizeof a->base) == ERR_OK);
        base_map_add(&t->pending, &a->node, a->base);
        t->asks.ask(t->asks.ctx, base);
        /* The answer may have come already, while W was not yet one of those who wait: on_ready
         * must not be called from within its own handshake. */
        if (ask_find(t, base) != a) {
            struct cert *cert = usable(sni_store_find(&t->store, span_str(base)));
            waiter_decide(w, cert ? cert : fallback(t));
            return ERR_OK;
        }
    }
    waiter_join(&a->waiters, w);
    return ERR_AGAIN;
}

/* Decides what W presents to a client that asks for HOST (may be empty); ERR_AGAIN: not yet
 * known. */
static enum err choose(struct server_tls *t, struct span host, struct cert_waiter *w)
{
    /* A client that names nothing gets what the zone has. */
    if (host.len == 0)
        host = span_str(t->config->zone);
    struct cert *file = sni_store_file_for(&t->store, host);
    if (file) {
        waiter_decide(w, file);
        return ERR_OK;
    }

    char base[CERT_BASE_MAX];
    if (cert_base_for(t->config, host, base) != ERR_OK) {
        waiter_decide(w, NULL);
        return ERR_OK;
    }
    struct cert *held = usable(sni_store_find(&t->store, span_str(base)));
    if (!held)
        return ask_for(t, base, w);
    waiter_decide(w, held);
    return ERR_OK;
}

/* Whether W's handshake is ours. */
static bool is_ours(struct cert_waiter *w, struct span host)
{
    enum cert_claim claim = CERT_CLAIM_NONE;
    if (w->claims && host.len > 0)
        claim = w->claims(w, host);
    w->claims = NULL;
    w->claimed = claim == CERT_CLAIM_TAKEN;
    if (claim == CERT_CLAIM_UNKNOWN)
        waiter_decide(w, NULL);
    return claim == CERT_CLAIM_NONE;
}

/* A ticket is good only where the certificate that it was given under would be presented again:
 * "A server that implements this extension MUST NOT accept the request to resume the session if the
 * server_name extension contains a different name" (RFC 6066 3); names of one certificate count as
 * one. The base stays the same when a certificate is renewed. */
static bool bind_tickets(SSL *ssl, const struct cert *cert)
{
    uint8_t id[SHA256_DIGEST_LENGTH];
    const char *base = cert_base(cert);
    SHA256((const uint8_t *)base, strlen(base), id);
    return SSL_set_session_id_context(ssl, id, sizeof id);
}

/* Runs before anything else of the handshake, resumption included; again when it was suspended. */
static enum ssl_select_cert_result_t on_client_hello(const SSL_CLIENT_HELLO *hello)
{
    struct server_tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(hello->ssl));
    struct cert_waiter *w = waiter_of(hello->ssl);
    waiter_leave(w); /* tried again though nothing has come */

    if (!w->cert && !w->refused && !w->claimed) {
        char buf[CERT_BASE_MAX];
        struct span host;
        if (client_hello_host(hello, buf, &host) != ERR_OK)
            waiter_decide(w, NULL);
        else if (is_ours(w, host) && choose(t, host, w) == ERR_AGAIN)
            return ssl_select_cert_retry;
    }
    if (w->claimed)
        return ssl_select_cert_retry;
    if (w->refused)
        return ssl_select_cert_success; /* on_server_name ends it, with the right alert */
    if (cert_use(w->cert, hello->ssl) != ERR_OK || !bind_tickets(hello->ssl, w->cert))
        return ssl_select_cert_error;
    return ssl_select_cert_success;
}

/* RFC 6066 3: "If the server [...] does not recognize the server name, the server SHOULD [...]
 * abort the handshake by sending a fatal-level unrecognized_name(112) alert". */
static int on_server_name(SSL *ssl, int *alert, void *ctx)
{
    (void)ctx;
    if (waiter_of(ssl)->cert)
        return SSL_TLSEXT_ERR_OK;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* ---- a worker's own ---- */

static SSL_CTX *make_context(struct server_tls *t)
{
    SSL_CTX *ctx = tls_context_new();
    SSL_CTX_set_app_data(ctx, t);
    SSL_CTX_set_select_certificate_cb(ctx, on_client_hello);
    SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
    tickets_setup(ctx, &t->keys);
    return ctx;
}

struct server_tls *server_tls_new(struct config *config, const struct server_tls_asks *asks)
{
    pthread_once(&waiter_index_once, make_waiter_index);
    struct server_tls *t = NEW(struct server_tls);
    t->config = config_ref(config);
    t->asks = *asks;
    sni_store_init(&t->store, config->zone, SERVER_TLS_HELD_MAX);
    base_map_init(&t->pending, SERVER_TLS_ASKS_MAX);
    t->ctx = make_context(t);
    return t;
}

void server_tls_free(struct server_tls *t)
{
    if (!t)
        return;
    while (t->pending.oldest)
        ask_free(t, CONTAINER_OF(t->pending.oldest, struct ask, node));
    base_map_deinit(&t->pending);
    sni_store_deinit(&t->store);
    SSL_CTX_free(t->ctx);
    ticket_keys_wipe(&t->keys);
    config_unref(t->config);
    mem_free(t);
}

void server_tls_set_config(struct server_tls *t, struct config *config)
{
    struct config *old = t->config;
    t->config = config_ref(config);
    config_unref(old);
}

void server_tls_set_ticket_keys(struct server_tls *t, const struct ticket_keys *keys)
{
    t->keys = *keys;
    tickets_changed(t->ctx, &t->keys);
}

SSL *server_tls_accept(struct server_tls *t, struct cert_waiter *w)
{
    SSL *ssl = SSL_new(t->ctx);
    if (!ssl || !SSL_set_ex_data(ssl, waiter_index, w)) {
        SSL_free(ssl);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_accept_state(ssl);
    /* What only the handshake needs goes with it: an idle connection stays small. */
    SSL_set_shed_handshake_config(ssl, 1);
    return ssl;
}

/* ---- from control ---- */

void server_tls_put(struct server_tls *t, struct cert *cert)
{
    sni_store_put(&t->store, cert);
    settle(t, cert_base(cert), cert);
}

void server_tls_replace(struct server_tls *t, struct cert *cert)
{
    if (sni_store_holds(&t->store, cert_base(cert)))
        sni_store_put(&t->store, cert);
}

void server_tls_refuse(struct server_tls *t, const char *base)
{
    settle(t, base, fallback(t));
}

void server_tls_drop(struct server_tls *t, const char *base)
{
    sni_store_drop(&t->store, span_str(base));
}

void server_tls_set_files(struct server_tls *t, struct cert *const *certs, size_t n)
{
    sni_store_set_files(&t->store, certs, n);
}
