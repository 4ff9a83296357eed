#include "proxy/back/back_tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "core/addr.h"
#include "core/log.h"
#include "core/mem.h"
#include "proxy/back/back_sessions.h"

/* Where Debian, Alpine and their kin keep the roots, hashed by name: a root is read when it is first
 * needed. As with other programs, SSL_CERT_DIR and SSL_CERT_FILE say otherwise. */
#define ROOTS_FOLDER "/etc/ssl/certs"
/* Backends may name this many CA files. */
#define CA_FILES_MAX 64

struct trust {
    struct trust *next;
    char *ca, *beside; /* NULL: the system's roots; nothing */
    SSL_CTX *ctx;
};

struct back_tls {
    struct back_sessions *sessions;
    struct trust *trusts;
    size_t n;
};

static const uint8_t alpn[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
#define ALPN_H2_LEN 3

static bool load_roots(SSL_CTX *ctx, const char *ca)
{
    if (ca)
        return SSL_CTX_load_verify_locations(ctx, ca, NULL) == 1;
    const char *folder = getenv("SSL_CERT_DIR");
    return SSL_CTX_load_verify_locations(ctx, getenv("SSL_CERT_FILE"),
                                         folder ? folder : ROOTS_FOLDER) == 1;
}

static bool add_certs(SSL_CTX *ctx, const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert;
    bool any = false;
    while (bio && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        any = X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert) == 1 || any;
        X509_free(cert);
    }
    ERR_clear_error(); /* the end of the text */
    BIO_free(bio);
    return any;
}

static bool load_trust(SSL_CTX *ctx, const char *ca, const char *beside)
{
    bool roots = load_roots(ctx, ca);
    return beside ? add_certs(ctx, beside) || roots : roots;
}

static SSL_CTX *make_ctx(const char *ca, const char *beside)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    if (!ctx)
        return NULL;
    bool fine = SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
                SSL_CTX_set_alpn_protos(ctx, alpn, sizeof alpn) == 0;
    if (fine && load_trust(ctx, ca, beside)) {
        back_sessions_setup(ctx);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        return ctx;
    }
    LOG(LOG_ERROR, "back_ca_unreadable", LOG_S("file", ca ? ca : ROOTS_FOLDER));
    SSL_CTX_free(ctx);
    return NULL;
}

static SSL_CTX *ctx_for(struct back_tls *t, const char *ca, const char *beside)
{
    for (struct trust *i = t->trusts; i; i = i->next)
        if (span_eq(span_str(i->ca), span_str(ca)) &&
            span_eq(span_str(i->beside), span_str(beside)))
            return i->ctx;
    SSL_CTX *ctx = t->n < CA_FILES_MAX ? make_ctx(ca, beside) : NULL;
    if (!ctx)
        return NULL;
    struct trust *i = NEW(struct trust);
    i->ca = ca ? mem_strdup(ca) : NULL;
    i->beside = beside ? mem_strdup(beside) : NULL;
    i->ctx = ctx;
    i->next = t->trusts;
    t->trusts = i;
    t->n++;
    return ctx;
}

/* The name that the certificate must carry (RFC 6125 6.4), and SNI, which is for names only. */
static bool set_name(SSL *ssl, const struct config_backend *to)
{
    const char *name = to->tls_server_name ? to->tls_server_name : to->host;
    struct addr ip;
    if (addr_parse_ip(span_str(name), 0, &ip) == ERR_OK)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    return X509_VERIFY_PARAM_set1_host(SSL_get0_param(ssl), name, strlen(name)) == 1 &&
           SSL_set_tlsext_host_name(ssl, name) == 1;
}

SSL *back_tls_connect(struct back_tls *t, const struct config_backend *to, bool h1_only)
{
    SSL_CTX *ctx = ctx_for(t, to->tls_ca, to->tls_beside);
    SSL *ssl = ctx ? SSL_new(ctx) : NULL;
    if (!ssl)
        return NULL;
    SSL_set_connect_state(ssl);
    if (!to->tls_verify)
        SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
    bool fine = !h1_only ||
                SSL_set_alpn_protos(ssl, alpn + ALPN_H2_LEN, sizeof alpn - ALPN_H2_LEN) == 0;
    if (fine && set_name(ssl, to)) {
        back_sessions_attach(t->sessions, ssl, to);
        return ssl;
    }
    SSL_free(ssl);
    return NULL;
}

struct back_tls *back_tls_new(void)
{
    struct back_tls *t = NEW(struct back_tls);
    t->sessions = back_sessions_new();
    return t;
}

void back_tls_free(struct back_tls *t)
{
    while (t->trusts) {
        struct trust *i = t->trusts;
        t->trusts = i->next;
        SSL_CTX_free(i->ctx);
        mem_free(i->ca);
        mem_free(i->beside);
        mem_free(i);
    }
    back_sessions_free(t->sessions);
    mem_free(t);
}
