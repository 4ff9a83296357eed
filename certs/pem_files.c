#include "certs/pem_files.h"

#include <errno.h>

#include "certs/pem.h"
#include "core/file.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"

/* Certificate and key are written one after the other: both get this long. */
#define SETTLE_S 0.25

struct pem_pair {
    struct pem_files *owner;
    size_t index; /* into owner->certs */
    char *cert_path, *key_path;
    ev_stat cert_stat, key_stat;
    ev_timer settle;
};

struct pem_files {
    struct ev_loop *loop;
    pem_files_changed *changed;
    void *ctx;
    struct pem_pair *pairs;
    struct cert **certs;
    size_t n;
};

/* ---- reading ---- */

static enum err refuse(char **why, enum err e, const char *path, const char *what)
{
    *why = mem_printf("%s: %s", path, what);
    return e;
}

static enum err read_text(const char *path, char **data, size_t *len, char **why)
{
    enum err e = file_read(path, PEM_FILE_MAX, data, len);
    if (e == ERR_OK)
        return e;
    return refuse(why, e, path, e == ERR_FULL ? "too large" : log_errno_text(errno));
}

static enum err read_chain(const char *path, struct pem_chain *chain, char **why)
{
    char *text;
    size_t len;
    TRY(read_text(path, &text, &len, why));
    enum err e = pem_read_chain(span_of(text, len), chain);
    mem_free(text);
    switch (e) {
    case ERR_OK:
        return e;
    case ERR_NOT_FOUND:
        return refuse(why, e, path, "holds no certificate");
    case ERR_FULL:
        return refuse(why, e, path,
                      "holds more than 10 certificates; the server's own comes first");
    default:
        return refuse(why, e, path, "is not valid PEM");
    }
}

static enum err read_key(const char *path, EVP_PKEY **key, char **why)
{
    char *text;
    size_t len;
    TRY(read_text(path, &text, &len, why));
    *key = pem_read_key(span_of(text, len));
    mem_wipe(text, len);
    mem_free(text);
    if (!*key)
        return refuse(why, ERR_SYNTAX, path, "holds no private key without pass phrase");
    return ERR_OK;
}

static const char *why_not(enum err e)
{
    switch (e) {
    case ERR_CONFLICT:
        return "its first certificate does not belong to the key";
    case ERR_UNSUPPORTED:
        return "its key is neither ECDSA nor RSA of 2048 bits or more";
    case ERR_RANGE:
        return "its first certificate names no host (subjectAltName)";
    default:
        return "its first certificate is damaged";
    }
}

static enum err read_pair(const char *cert_path, const char *key_path, struct cert **out,
                          char **why)
{
    struct pem_chain chain;
    EVP_PKEY *key = NULL;
    TRY(read_chain(cert_path, &chain, why));
    enum err e = read_key(key_path, &key, why);
    if (e == ERR_OK) {
        e = cert_new(cert_path, chain.v, chain.n, key, out);
        if (e != ERR_OK)
            *why = mem_printf("%s: %s (%s)", cert_path, why_not(e), key_path);
    }
    EVP_PKEY_free(key);
    pem_chain_deinit(&chain);
    return e;
}

static void log_loaded(const struct cert *c)
{
    int64_t left_s = cert_not_after_s(c) - clock_wall_ms() / 1000;
    if (left_s <= 0)
        LOG(LOG_WARN, "cert_file_expired", LOG_S("file", cert_base(c)),
            LOG_I("expired_for_s", -left_s));
    else
        LOG(LOG_INFO, "cert_file_loaded", LOG_S("file", cert_base(c)),
            LOG_SPAN("name", cert_name(c, 0)), LOG_I("expires_in_s", left_s));
}

/* ---- watching ---- */

static void reload(struct pem_pair *pair)
{
    struct pem_files *p = pair->owner;
    struct cert **slot = &p->certs[pair->index], *cert;
    char *why;
    if (read_pair(pair->cert_path, pair->key_path, &cert, &why) != ERR_OK) {
        LOG(LOG_WARN, "cert_file_rejected", LOG_S("error", why),
            LOG_S("kept", "the one read before"));
        mem_free(why);
        return;
    }
    log_loaded(cert);
    cert_unref(*slot);
    *slot = cert;
    p->changed(p->ctx, cert);
}

static void on_settled(struct ev_loop *loop, ev_timer *t, int events)
{
    (void)events;
    ev_timer_stop(loop, t);
    reload(t->data);
}

static void on_stat(struct ev_loop *loop, ev_stat *s, int events)
{
    (void)events;
    struct pem_pair *pair = s->data;
    ev_timer_again(loop, &pair->settle);
}

static void pair_watch(struct pem_pair *pair)
{
    struct ev_loop *loop = pair->owner->loop;
    ev_init(&pair->settle, on_settled);
    pair->settle.repeat = SETTLE_S;
    pair->settle.data = pair;
    ev_stat_init(&pair->cert_stat, on_stat, pair->cert_path, 0.);
    ev_stat_init(&pair->key_stat, on_stat, pair->key_path, 0.);
    pair->cert_stat.data = pair;
    pair->key_stat.data = pair;
    ev_stat_start(loop, &pair->cert_stat);
    ev_stat_start(loop, &pair->key_stat);
}

static void pair_deinit(struct pem_pair *pair)
{
    struct ev_loop *loop = pair->owner->loop;
    ev_timer_stop(loop, &pair->settle);
    ev_stat_stop(loop, &pair->cert_stat);
    ev_stat_stop(loop, &pair->key_stat);
    mem_free(pair->cert_path);
    mem_free(pair->key_path);
}

/* Watched before it is read: no change falls between. */
static enum err add_pair(struct pem_files *p, const struct config_cert_file *file, char **why)
{
    struct pem_pair *pair = &p->pairs[p->n];
    pair->owner = p;
    pair->index = p->n++;
    pair->cert_path = mem_strdup(file->cert);
    pair->key_path = mem_strdup(file->key);
    pair_watch(pair);
    TRY(read_pair(pair->cert_path, pair->key_path, &p->certs[pair->index], why));
    log_loaded(p->certs[pair->index]);
    return ERR_OK;
}

enum err pem_files_new(struct ev_loop *loop, const struct config_cert_file *cert_files, size_t n,
                       pem_files_changed *changed, void *ctx, struct pem_files **out, char **why)
{
    struct pem_files *p = NEW(struct pem_files);
    p->loop = loop;
    p->changed = changed;
    p->ctx = ctx;
    p->pairs = mem_zalloc((n + 1) * sizeof *p->pairs);
    p->certs = mem_zalloc((n + 1) * sizeof(struct cert *));
    for (size_t i = 0; i < n; i++) {
        enum err e = add_pair(p, &cert_files[i], why);
        if (e != ERR_OK) {
            pem_files_free(p);
            return e;
        }
    }
    *out = p;
    return ERR_OK;
}

void pem_files_free(struct pem_files *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n; i++) {
        pair_deinit(&p->pairs[i]);
        cert_unref(p->certs[i]);
    }
    mem_free(p->pairs);
    mem_free(p->certs);
    mem_free(p);
}

size_t pem_files_certs(const struct pem_files *p, struct cert *const **certs)
{
    *certs = p->certs;
    return p->n;
}

void pem_files_check(struct pem_files *p)
{
    for (size_t i = 0; i < p->n; i++)
        reload(&p->pairs[i]);
}
