#include "server/publish.h"

#include <stdio.h>

#include "certs/naming.h"
#include "core/mem.h"
#include "core/random.h"
#include "server/broadcast.h"

/* --- sessions ------------------------------------------------------------------------------------ */

struct session_delta {
    struct session_image *image; /* NULL: it goes */
    char name[64];
    char base[CERT_BASE_MAX]; /* of its certificate, when it goes */
    void (*done)(void *done_ctx);
    void *done_ctx;
};

static void apply_session(struct edge_worker *w, void *payload)
{
    const struct session_delta *d = payload;
    if (d->image) {
        route_table_put(&w->table, d->image);
        return;
    }
    route_table_remove(&w->table, span_str(d->name));
    server_tls_drop(w->tls, d->base);
}

static void session_applied(struct control *c, void *payload)
{
    struct session_delta *d = payload;
    (void)c;
    if (d->image)
        session_image_unref(d->image);
    d->done(d->done_ctx);
    mem_free(d);
}

void publish_session(void *ctx, struct span name, struct session_image *image,
                     void (*done)(void *done_ctx), void *done_ctx)
{
    struct control *c = ctx;
    struct session_delta *d = NEW(struct session_delta);
    enum err e = span_copy_z(name, d->name, sizeof d->name);
    CHECK(e == ERR_OK); /* a session's name is at most 40 bytes */
    d->done = done;
    d->done_ctx = done_ctx;
    if (image) {
        d->image = session_image_ref(image);
        route_table_put(&c->explain, image);
    } else {
        snprintf(d->base, sizeof d->base, "%s.%s", d->name, c->config->zone);
        route_table_remove(&c->explain, name);
        authority_forget(c->authority, d->base);
    }
    metrics_set(&c->metrics, METRIC_SESSIONS, route_table_count(&c->explain));
    broadcast(c, apply_session, session_applied, d);
}

/* --- certificates -------------------------------------------------------------------------------- */

static void apply_certificate(struct edge_worker *w, void *payload)
{
    server_tls_replace(w->tls, payload);
}

static void certificate_applied(struct control *c, void *payload)
{
    (void)c;
    cert_unref(payload);
}

void publish_certificate(void *ctx, struct cert *cert)
{
    broadcast(ctx, apply_certificate, certificate_applied, cert_ref(cert));
}

struct file_certs {
    size_t n;
    struct cert *v[];
};

static void apply_files(struct edge_worker *w, void *payload)
{
    const struct file_certs *f = payload;
    server_tls_set_files(w->tls, f->v, f->n);
}

static void files_applied(struct control *c, void *payload)
{
    (void)c;
    struct file_certs *f = payload;
    for (size_t i = 0; i < f->n; i++)
        cert_unref(f->v[i]);
    mem_free(f);
}

void publish_files(struct control *c)
{
    struct cert *const *certs;
    size_t n = authority_files(c->authority, &certs);
    struct file_certs *f = mem_alloc(sizeof *f + n * sizeof(struct cert *));
    f->n = n;
    for (size_t i = 0; i < n; i++)
        f->v[i] = cert_ref(certs[i]);
    broadcast(c, apply_files, files_applied, f);
}

/* --- keys ---------------------------------------------------------------------------------------- */

/* Both kinds of keys change together. */
#define ROTATION_S (TICKET_KEY_LIFE_S / 2.)

struct key_set {
    struct ticket_keys tickets;
    struct dns_cookie_keys cookies;
};

static void apply_keys(struct edge_worker *w, void *payload)
{
    const struct key_set *k = payload;
    server_tls_set_ticket_keys(w->tls, &k->tickets);
    if (w->responder) /* NULL: it is ending */
        dns_responder_set_cookie_keys(w->responder, &k->cookies);
}

static void keys_applied(struct control *c, void *payload)
{
    (void)c;
    mem_wipe(payload, sizeof(struct key_set));
    mem_free(payload);
}

static void rotate(struct control *c)
{
    ticket_keys_rotate(&c->tickets);
    struct dns_cookie_keys *k = &c->cookies;
    k->has_previous = c->tickets.n > 1;
    memcpy(k->previous, k->current, sizeof k->previous);
    random_bytes(k->current, sizeof k->current);

    struct key_set *set = NEW(struct key_set);
    set->tickets = c->tickets;
    set->cookies = *k;
    broadcast(c, apply_keys, keys_applied, set);
}

static void on_rotation(struct ev_loop *loop, ev_timer *t, int events)
{
    (void)loop;
    (void)events;
    rotate(t->data);
}

void publish_keys_start(struct control *c)
{
    rotate(c);
    ev_timer_init(&c->rotation, on_rotation, ROTATION_S, ROTATION_S);
    c->rotation.data = c;
    ev_timer_start(c->loop, &c->rotation);
}

/* --- the configuration --------------------------------------------------------------------------- */

struct new_config {
    struct config *config;
    struct edge_image *image;
    struct dns_zone *zone;
};

static void apply_config(struct edge_worker *w, void *payload)
{
    const struct new_config *n = payload;
    config_unref(w->config);
    w->config = config_ref(n->config);
    route_table_set_edge(&w->table, n->image);
    server_tls_set_config(w->tls, n->config);
    if (!w->proxy) /* it is ending */
        return;
    proxy_edge_changed(w->proxy);
    dns_responder_set_zone(w->responder, n->zone);
}

static void config_applied(struct control *c, void *payload)
{
    (void)c;
    struct new_config *n = payload;
    config_unref(n->config);
    edge_image_unref(n->image);
    dns_zone_unref(n->zone);
    mem_free(n);
}

void publish_config(struct control *c)
{
    struct new_config *n = NEW(struct new_config);
    n->config = config_ref(c->config);
    n->image = edge_image_ref(c->image);
    n->zone = dns_zone_ref(c->zone);
    broadcast(c, apply_config, config_applied, n);
}
