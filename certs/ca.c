#include "certs/ca.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pool.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>

#include "certs/pem.h"
#include "certs/x509_make.h"
#include "core/mem.h"

#define CA_LIFE_S ((int64_t)3650 * 86400)
/* Clocks of those who come to trust it may be behind ours. */
#define CA_BACKDATE_S ((int64_t)3600)
#define COMMON_NAME_MAX 64 /* RFC 5280 A.1, ub-common-name */

struct ca {
    atomic_uint refs;
    X509 *x509;
    EVP_PKEY *key;
    char *pem;
    int64_t not_before_s, not_after_s;
};

struct ca *ca_ref(struct ca *ca)
{
    atomic_fetch_add_explicit(&ca->refs, 1, memory_order_relaxed);
    return ca;
}

void ca_unref(struct ca *ca)
{
    if (!ca || atomic_fetch_sub_explicit(&ca->refs, 1, memory_order_acq_rel) != 1)
        return;
    X509_free(ca->x509);
    EVP_PKEY_free(ca->key); /* overwritten by BoringSSL */
    mem_free(ca->pem);
    mem_free(ca);
}

const char *ca_pem(const struct ca *ca)
{
    return ca->pem;
}

X509 *ca_x509(const struct ca *ca)
{
    return ca->x509;
}

EVP_PKEY *ca_key(const struct ca *ca)
{
    return ca->key;
}

int64_t ca_not_after_s(const struct ca *ca)
{
    return ca->not_after_s;
}

/* What BIO holds, as a terminated string. */
static char *take_text(BIO *bio)
{
    const uint8_t *p;
    size_t len;
    if (!BIO_mem_contents(bio, &p, &len) || len == 0)
        return NULL;
    return mem_strndup((const char *)p, len);
}

static char *pem_of(X509 *x)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = bio && PEM_write_bio_X509(bio, x) ? take_text(bio) : NULL;
    BIO_free(bio);
    return text;
}

enum err ca_key_pem(const struct ca *ca, char **text)
{
    BIO *bio = BIO_new(BIO_s_mem());
    *text = bio && PEM_write_bio_PKCS8PrivateKey(bio, ca->key, NULL, NULL, 0, NULL, NULL)
                ? take_text(bio)
                : NULL;
    BIO_free(bio);
    return *text ? ERR_OK : ERR_CRYPTO;
}

/* References X and KEY. */
static enum err ca_new(X509 *x, EVP_PKEY *key, struct ca **out)
{
    int64_t not_before_s, not_after_s;
    TRY(x509_seconds(X509_get0_notBefore(x), &not_before_s));
    TRY(x509_seconds(X509_get0_notAfter(x), &not_after_s));
    char *pem = pem_of(x);
    if (!pem)
        return ERR_CRYPTO;

    struct ca *ca = NEW(struct ca);
    atomic_init(&ca->refs, 1);
    X509_up_ref(x);
    EVP_PKEY_up_ref(key);
    ca->x509 = x;
    ca->key = key;
    ca->pem = pem;
    ca->not_before_s = not_before_s;
    ca->not_after_s = not_after_s;
    *out = ca;
    return ERR_OK;
}

static X509 *make_certificate(EVP_PKEY *key, const char *zone, int64_t now_s)
{
    /* A zone may be longer than a common name can be; people see its beginning then. */
    char *cn = mem_printf("Linkup edge CA %.*s", COMMON_NAME_MAX - 15, zone);
    X509 *x = x509_begin(key, cn, NULL, now_s - CA_BACKDATE_S, now_s + CA_LIFE_S);
    mem_free(cn);
    if (x && x509_add_basic_constraints(x, true) &&
        x509_add_key_usage(x, X509_USE_CERT_SIGN | X509_USE_CRL_SIGN) && x509_add_server_auth(x) &&
        x509_add_subject_key_id(x) && x509_add_name_constraints(x, zone) &&
        X509_sign(x, key, EVP_sha256()))
        return x;
    X509_free(x);
    return NULL;
}

enum err ca_make(const char *zone, int64_t now_s, struct ca **out)
{
    EVP_PKEY *key = x509_make_key();
    X509 *x = key ? make_certificate(key, zone, now_s) : NULL;
    enum err e = x ? ca_new(x, key, out) : ERR_CRYPTO;
    X509_free(x);
    EVP_PKEY_free(key);
    return e;
}

static enum err refuse(char **why, enum err e, char *text)
{
    *why = text;
    return e;
}

static enum err check_zone(X509 *x, const char *zone, char **why)
{
    char *other;
    if (x509_constrained_to(x, zone, &other))
        return ERR_OK;
    if (!other)
        return refuse(why, ERR_CORRUPT,
                      mem_printf("is not a CA that this program made: it lacks "
                                 "the name constraint to %s",
                                 zone));
    enum err e = refuse(why, ERR_CONFLICT,
                        mem_printf("was made for the zone %s and can sign for no other, but the "
                                   "configuration says zone: %s",
                                   other, zone));
    mem_free(other);
    return e;
}

static enum err check(X509 *x, EVP_PKEY *key, const char *zone, int64_t now_s, char **why)
{
    int64_t not_after_s = 0;
    if (!X509_check_private_key(x, key))
        return refuse(why, ERR_CORRUPT, mem_strdup("and its key do not belong together"));
    if (!X509_verify(x, key) || X509_check_ca(x) != 1)
        return refuse(why, ERR_CORRUPT, mem_strdup("is not a CA signed by its own key"));
    TRY(check_zone(x, zone, why));
    if (x509_seconds(X509_get0_notAfter(x), &not_after_s) != ERR_OK || not_after_s <= now_s)
        return refuse(why, ERR_CONFLICT, mem_strdup("has expired (or this clock is wrong)"));
    return ERR_OK;
}

enum err ca_parse(struct span pem, struct span key_pem, const char *zone, int64_t now_s,
                  struct ca **out, char **why)
{
    struct pem_chain chain;
    if (pem_read_chain(pem, &chain) != ERR_OK)
        return refuse(why, ERR_CORRUPT, mem_strdup("holds no readable certificate"));
    X509 *x = chain.n == 1 ? X509_parse_from_buffer(chain.v[0]) : NULL;
    pem_chain_deinit(&chain);
    EVP_PKEY *key = pem_read_key(key_pem);

    enum err e;
    if (!x)
        e = refuse(why, ERR_CORRUPT, mem_strdup("does not hold exactly one valid certificate"));
    else if (!key)
        e = refuse(why, ERR_CORRUPT, mem_strdup("has no readable key beside it"));
    else if ((e = check(x, key, zone, now_s, why)) == ERR_OK && (e = ca_new(x, key, out)) != ERR_OK)
        *why = mem_strdup("cannot be used");
    X509_free(x);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return e;
}
