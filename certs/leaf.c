#include "certs/leaf.h"

#include <openssl/err.h>
#include <openssl/pool.h>

#include "certs/x509_make.h"

#define COMMON_NAME_MAX 64 /* RFC 5280 A.1, ub-common-name */

static X509 *make_certificate(const struct ca *ca, EVP_PKEY *key, const char *base, int64_t now_s)
{
    int64_t not_after_s = now_s + LEAF_LIFE_S;
    if (not_after_s > ca_not_after_s(ca))
        not_after_s = ca_not_after_s(ca);
    /* Nobody matches the common name any more; it is what people see in lists. */
    const char *cn = strlen(base) <= COMMON_NAME_MAX ? base : NULL;

    X509 *x = x509_begin(key, cn, X509_get_subject_name(ca_x509(ca)), now_s - LEAF_BACKDATE_S,
                         not_after_s);
    if (x && x509_add_basic_constraints(x, false) &&
        x509_add_key_usage(x, X509_USE_DIGITAL_SIGNATURE) && x509_add_server_auth(x) &&
        x509_add_subject_key_id(x) && x509_add_authority_key_id(x, ca_x509(ca)) &&
        x509_add_base_names(x, base) && X509_sign(x, ca_key(ca), EVP_sha256()))
        return x;
    X509_free(x);
    return NULL;
}

enum err leaf_issue(const struct ca *ca, const char *base, int64_t now_s, struct cert **out)
{
    EVP_PKEY *key = x509_make_key();
    X509 *x = key ? make_certificate(ca, key, base, now_s) : NULL;
    CRYPTO_BUFFER *der = x ? x509_to_buffer(x) : NULL;
    /* The chain ends below the root: "a certificate that specifies a trust anchor MAY be omitted
     * from the chain" (RFC 8446 4.4.2), since clients have it or will not believe it. */
    enum err e = der ? cert_new(base, &der, 1, key, out) : ERR_CRYPTO;
    CRYPTO_BUFFER_free(der);
    X509_free(x);
    EVP_PKEY_free(key);
    if (e != ERR_OK)
        ERR_clear_error();
    return e;
}
