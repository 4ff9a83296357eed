#include "certs/cert.h"

#include <openssl/pool.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>

#include "certs/x509_make.h"
#include "config/names.h"
#include "core/mem.h"

struct cert {
    atomic_uint refs;
    char *base;
    CRYPTO_BUFFER **chain;
    size_t n_chain;
    EVP_PKEY *key;
    char **names;
    size_t n_names;
    int64_t not_before_s, not_after_s;
};

static void cert_free(struct cert *c)
{
    for (size_t i = 0; i < c->n_chain; i++)
        CRYPTO_BUFFER_free(c->chain[i]);
    for (size_t i = 0; i < c->n_names; i++)
        mem_free(c->names[i]);
    /* BoringSSL overwrites whatever it frees: the key's numbers go with it. */
    EVP_PKEY_free(c->key);
    mem_free(c->chain);
    mem_free(c->names);
    mem_free(c->base);
    mem_free(c);
}

static enum err check_key(X509 *leaf, EVP_PKEY *key)
{
    switch (EVP_PKEY_id(key)) {
    case EVP_PKEY_EC:
        break;
    case EVP_PKEY_RSA:
        /* Clients refuse shorter ones, and rightly. */
        if (RSA_bits(EVP_PKEY_get0_RSA(key)) < 2048)
            return ERR_UNSUPPORTED;
        break;
    default:
        return ERR_UNSUPPORTED;
    }

    EVP_PKEY *public = X509_get_pubkey(leaf);
    bool same = public && EVP_PKEY_cmp(public, key) == 1;
    EVP_PKEY_free(public);
    return same ? ERR_OK : ERR_CONFLICT;
}

/* NAME as we compare it, or NULL when no host can ever match it. */
static char *usable_name(const GENERAL_NAME *name)
{
    if (name->type != GEN_DNS)
        return NULL;

    char *s = mem_strndup((const char *)ASN1_STRING_get0_data(name->d.dNSName),
                          (size_t)ASN1_STRING_length(name->d.dNSName));
    ascii_lower_in_place(s, strlen(s));
    struct span host = span_str(s);
    if (span_starts(host, SPAN_LIT("*.")))
        host = span_from(host, 2);
    /* A NUL inside ends our copy early: then the lengths differ. */
    if (name_is_host(host) && strlen(s) == (size_t)ASN1_STRING_length(name->d.dNSName))
        return s;
    mem_free(s);
    return NULL;
}

static enum err read_names(struct cert *c, X509 *leaf)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    size_t n = names ? sk_GENERAL_NAME_num(names) : 0;
    c->names = mem_zalloc((n + 1) * sizeof *c->names);
    for (size_t i = 0; i < n; i++) {
        char *s = usable_name(sk_GENERAL_NAME_value(names, i));
        if (s)
            c->names[c->n_names++] = s;
    }
    GENERAL_NAMES_free(names);
    return c->n_names > 0 ? ERR_OK : ERR_RANGE;
}

static enum err read_leaf(struct cert *c, X509 *leaf)
{
    if (!leaf)
        return ERR_CRYPTO;
    TRY(check_key(leaf, c->key));
    TRY(x509_seconds(X509_get0_notBefore(leaf), &c->not_before_s));
    TRY(x509_seconds(X509_get0_notAfter(leaf), &c->not_after_s));
    return read_names(c, leaf);
}

enum err cert_new(const char *base, CRYPTO_BUFFER *const *chain, size_t n_chain, EVP_PKEY *key,
                  struct cert **out)
{
    CHECK(n_chain > 0);
    struct cert *c = NEW(struct cert);
    atomic_init(&c->refs, 1);
    c->base = mem_strdup(base);
    c->n_chain = n_chain;
    c->chain = mem_alloc(n_chain * sizeof *c->chain);
    for (size_t i = 0; i < n_chain; i++) {
        CRYPTO_BUFFER_up_ref(chain[i]);
        c->chain[i] = chain[i];
    }
    EVP_PKEY_up_ref(key);
    c->key = key;

    X509 *leaf = X509_parse_from_buffer(c->chain[0]);
    enum err e = read_leaf(c, leaf);
    X509_free(leaf);
    if (e != ERR_OK) {
        cert_free(c);
        return e;
    }
    *out = c;
    return ERR_OK;
}

struct cert *cert_ref(struct cert *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void cert_unref(struct cert *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    cert_free(c);
}

const char *cert_base(const struct cert *c)
{
    return c->base;
}

size_t cert_n_names(const struct cert *c)
{
    return c->n_names;
}

struct span cert_name(const struct cert *c, size_t i)
{
    return span_str(c->names[i]);
}

/* RFC 6125 6.4.3: '*' stands for one whole label, the first. */
static bool name_matches(struct span name, struct span host)
{
    if (!span_starts(name, SPAN_LIT("*.")))
        return span_eq(name, host);
    ptrdiff_t dot = span_chr(host, '.');
    return dot > 0 && span_eq(span_from(name, 1), span_from(host, (size_t)dot));
}

bool cert_covers(const struct cert *c, struct span host)
{
    for (size_t i = 0; i < c->n_names; i++) {
        if (name_matches(span_str(c->names[i]), host))
            return true;
    }
    return false;
}

int64_t cert_not_before_s(const struct cert *c)
{
    return c->not_before_s;
}

int64_t cert_not_after_s(const struct cert *c)
{
    return c->not_after_s;
}

const CRYPTO_BUFFER *cert_leaf(const struct cert *c)
{
    return c->chain[0];
}

enum err cert_use(const struct cert *c, SSL *ssl)
{
    if (!SSL_set_chain_and_key(ssl, c->chain, c->n_chain, c->key, NULL))
        return ERR_CRYPTO;
    return ERR_OK;
}
