/* What the tests of certs stand on: a configuration, a CA in memory, certificates it signed. */
#pragma once

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/pool.h>
#include <openssl/x509v3.h>

#include "certs/ca.h"
#include "certs/cert.h"
#include "certs/leaf.h"
#include "config/config.h"
#include "core/loop.h"
#include "core/mem.h"
#include "support/test.h"

#define BED_ZONE "dev.example.com"

/* A configuration with ZONE and STATE and whatever EXTRA lines say. */
static inline struct config *bed_config_of(const char *zone, const char *state, const char *extra)
{
    char *yaml = mem_printf("zone: %s\n"
                            "addresses: [192.0.2.1]\n"
                            "nameservers: [ns1]\n"
                            "state: %s\n"
                            "services:\n"
                            "  - {name: web, url: \"http://127.0.0.1:3000\"}\n"
                            "  - {name: api, url: \"http://127.0.0.1:3001\"}\n"
                            "%s",
                            zone, state, extra);
    struct config *c = NULL;
    struct config_errors errors = {NULL, 0};
    enum err e = config_parse("/test.yaml", span_str(yaml), &c, &errors);
    for (size_t i = 0; i < errors.n; i++)
        print_error("line %u: %s: %s\n", errors.v[i].line, errors.v[i].key, errors.v[i].text);
    config_errors_deinit(&errors);
    mem_free(yaml);
    assert_ok(e);
    return c;
}

static inline struct config *bed_config(const char *extra)
{
    return bed_config_of(BED_ZONE, "/nowhere", extra);
}

static inline int64_t bed_now(void)
{
    return clock_wall_ms() / 1000;
}

static inline struct ca *bed_ca(void)
{
    struct ca *ca;
    assert_ok(ca_make(BED_ZONE, bed_now(), &ca));
    return ca;
}

static inline struct cert *bed_cert(struct ca *ca, const char *base)
{
    struct cert *c;
    assert_ok(leaf_issue(ca, base, bed_now(), &c));
    return c;
}

static inline X509 *bed_x509(const struct cert *c)
{
    X509 *x = X509_parse_from_buffer((CRYPTO_BUFFER *)(uintptr_t)cert_leaf(c));
    assert_non_null(x);
    return x;
}

static inline X509_STORE *bed_roots(struct ca *ca)
{
    X509_STORE *roots = X509_STORE_new();
    assert_int_equal(X509_STORE_add_cert(roots, ca_x509(ca)), 1);
    return roots;
}

/* X509_V_OK when a client that trusts CA believes that LEAF is HOST (unless NULL). */
static inline int bed_verify(struct ca *ca, X509 *leaf, const char *host)
{
    X509_STORE *roots = bed_roots(ca);
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_CTX_init(ctx, roots, leaf, NULL), 1);
    assert_int_equal(X509_STORE_CTX_set_default(ctx, "ssl_server"), 1);
    if (host)
        assert_int_equal(
            X509_VERIFY_PARAM_set1_host(X509_STORE_CTX_get0_param(ctx), host, strlen(host)), 1);
    int result = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(roots);
    return result;
}

/* PEM texts, the caller's to mem_free. Takes BIO. */
static inline char *bed_bio_text(BIO *bio)
{
    const uint8_t *p;
    size_t len;
    assert_true(BIO_mem_contents(bio, &p, &len));
    char *text = mem_strndup((const char *)p, len);
    BIO_free(bio);
    return text;
}

static inline char *bed_x509_pem(X509 *x)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_true(PEM_write_bio_X509(bio, x));
    return bed_bio_text(bio);
}

static inline char *bed_key_pem(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_true(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL));
    return bed_bio_text(bio);
}
