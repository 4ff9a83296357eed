#include "certs/x509_make.h"

#include <openssl/bn.h>
#include <openssl/bytestring.h>
#include <openssl/digest.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/obj.h>
#include <openssl/pool.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "core/mem.h"

/* GeneralName's choices, RFC 5280 4.2.1.6. */
#define TAG_DNS_NAME (CBS_ASN1_CONTEXT_SPECIFIC | 2)
#define TAG_IP_ADDRESS (CBS_ASN1_CONTEXT_SPECIFIC | 7)
#define TAG_PERMITTED (CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0)
#define TAG_EXCLUDED (CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 1)
#define TAG_KEY_IDENTIFIER (CBS_ASN1_CONTEXT_SPECIFIC | 0)

#define KEY_ID_LEN 20

EVP_PKEY *x509_make_key(void)
{
    EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    EVP_PKEY *key = EVP_PKEY_new();
    if (!ec || !key || !EC_KEY_generate_key(ec) || !EVP_PKEY_set1_EC_KEY(key, ec)) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    EC_KEY_free(ec);
    return key;
}

/* RFC 5280 4.1.2.2: positive, at most 20 octets; 128 random bits cannot be guessed. */
static bool set_serial(X509 *x)
{
    uint8_t bytes[16];
    RAND_bytes(bytes, sizeof bytes);
    BIGNUM *bn = BN_bin2bn(bytes, sizeof bytes, NULL);
    ASN1_INTEGER *serial = bn ? BN_to_ASN1_INTEGER(bn, NULL) : NULL;
    bool ok = serial && X509_set_serialNumber(x, serial);
    ASN1_INTEGER_free(serial);
    BN_free(bn);
    return ok;
}

/* 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050; ASN1_TIME_set chooses. */
static bool set_times(X509 *x, int64_t not_before_s, int64_t not_after_s)
{
    return ASN1_TIME_set(X509_getm_notBefore(x), (time_t)not_before_s) &&
           ASN1_TIME_set(X509_getm_notAfter(x), (time_t)not_after_s);
}

static bool set_names(X509 *x, const char *cn, const X509_NAME *issuer)
{
    X509_NAME *subject = X509_get_subject_name(x);
    if (cn && !X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                          (const uint8_t *)cn, -1, -1, 0))
        return false;
    /* The setter copies; older headers have it take a pointer to non-const. */
    return X509_set_issuer_name(x, issuer ? (X509_NAME *)(uintptr_t)issuer : subject) == 1;
}

X509 *x509_begin(EVP_PKEY *key, const char *cn, const X509_NAME *issuer, int64_t not_before_s,
                 int64_t not_after_s)
{
    X509 *x = X509_new();
    if (x && X509_set_version(x, X509_VERSION_3) && set_serial(x) &&
        set_times(x, not_before_s, not_after_s) && set_names(x, cn, issuer) &&
        X509_set_pubkey(x, key))
        return x;
    X509_free(x);
    return NULL;
}

/* Takes VALUE (DER) in any case. */
static bool add_extension(X509 *x, int nid, bool critical, CBB *value)
{
    uint8_t *der = NULL;
    size_t len = 0;
    if (!CBB_finish(value, &der, &len)) {
        CBB_cleanup(value);
        return false;
    }

    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    X509_EXTENSION *ext = NULL;
    if (octets && ASN1_STRING_set(octets, der, (int)len))
        ext = X509_EXTENSION_create_by_NID(NULL, nid, critical, octets);
    bool ok = ext && X509_add_ext(x, ext, -1);
    X509_EXTENSION_free(ext);
    ASN1_OCTET_STRING_free(octets);
    OPENSSL_free(der);
    return ok;
}

static bool add_element(CBB *to, unsigned tag, const void *bytes, size_t len)
{
    CBB element;
    return CBB_add_asn1(to, &element, tag) && CBB_add_bytes(&element, bytes, len) && CBB_flush(to);
}

bool x509_add_basic_constraints(X509 *x, bool ca)
{
    CBB der, seq;
    CBB_zero(&der);
    /* DER leaves out cA when it is FALSE, the default. */
    if (!CBB_init(&der, 16) || !CBB_add_asn1(&der, &seq, CBS_ASN1_SEQUENCE) ||
        (ca && (!CBB_add_asn1_bool(&seq, 1) || !CBB_add_asn1_uint64(&seq, 0)))) {
        CBB_cleanup(&der);
        return false;
    }
    return add_extension(x, NID_basic_constraints, true, &der);
}

bool x509_add_key_usage(X509 *x, uint8_t bits)
{
    /* DER: a named bit string ends with its last set bit. */
    uint8_t unused = 0;
    while (unused < 7 && !(bits & (1u << unused)))
        unused++;
    uint8_t content[2] = {unused, bits};
    CBB der;
    CBB_zero(&der);
    if (!CBB_init(&der, 8) || !add_element(&der, CBS_ASN1_BITSTRING, content, sizeof content)) {
        CBB_cleanup(&der);
        return false;
    }
    return add_extension(x, NID_key_usage, true, &der);
}

bool x509_add_server_auth(X509 *x)
{
    CBB der, seq;
    CBB_zero(&der);
    if (!CBB_init(&der, 16) || !CBB_add_asn1(&der, &seq, CBS_ASN1_SEQUENCE) ||
        !OBJ_nid2cbb(&seq, NID_server_auth)) {
        CBB_cleanup(&der);
        return false;
    }
    return add_extension(x, NID_ext_key_usage, false, &der);
}

/* RFC 7093 2, method 1: the leftmost 160 bits of the SHA-256 of the public key. */
static bool key_id(const X509 *x, uint8_t id[EVP_MAX_MD_SIZE])
{
    unsigned len;
    return X509_pubkey_digest(x, EVP_sha256(), id, &len) && len >= KEY_ID_LEN;
}

bool x509_add_subject_key_id(X509 *x)
{
    uint8_t id[EVP_MAX_MD_SIZE];
    CBB der;
    CBB_zero(&der);
    if (!key_id(x, id) || !CBB_init(&der, 32) ||
        !add_element(&der, CBS_ASN1_OCTETSTRING, id, KEY_ID_LEN)) {
        CBB_cleanup(&der);
        return false;
    }
    return add_extension(x, NID_subject_key_identifier, false, &der);
}

bool x509_add_authority_key_id(X509 *x, const X509 *ca)
{
    uint8_t id[EVP_MAX_MD_SIZE];
    CBB der, seq;
    CBB_zero(&der);
    if (!key_id(ca, id) || !CBB_init(&der, 32) || !CBB_add_asn1(&der, &seq, CBS_ASN1_SEQUENCE) ||
        !add_element(&seq, TAG_KEY_IDENTIFIER, id, KEY_ID_LEN)) {
        CBB_cleanup(&der);
        return false;
    }
    return add_extension(x, NID_authority_key_identifier, false, &der);
}

bool x509_add_base_names(X509 *x, const char *base)
{
    bool empty_subject = X509_NAME_entry_count(X509_get_subject_name(x)) == 0;
    CBB der, seq, wildcard;
    CBB_zero(&der);
    if (!CBB_init(&der, 128) || !CBB_add_asn1(&der, &seq, CBS_ASN1_SEQUENCE) ||
        !add_element(&seq, TAG_DNS_NAME, base, strlen(base)) ||
        !CBB_add_asn1(&seq, &wildcard, TAG_DNS_NAME) ||
        !CBB_add_bytes(&wildcard, (const uint8_t *)"*.", 2) ||
        !CBB_add_bytes(&wildcard, (const uint8_t *)base, strlen(base))) {
        CBB_cleanup(&der);
        return false;
    }
    return add_extension(x, NID_subject_alt_name, empty_subject, &der);
}

/* GeneralSubtree; minimum is its default, 0, and maximum absent, as 4.2.1.10 requires. */
static bool add_subtree(CBB *to, unsigned tag, const void *bytes, size_t len)
{
    CBB subtree;
    return CBB_add_asn1(to, &subtree, CBS_ASN1_SEQUENCE) &&
           add_element(&subtree, tag, bytes, len) && CBB_flush(to);
}

/* "For example, the name constraint [...] any DNS name that can be constructed by simply adding
 * zero or more labels to the left-hand side of the name satisfies the name constraint" (4.2.1.10);
 * an address of zeros under a mask of zeros is every address. */
static bool write_name_constraints(CBB *der, const char *zone)
{
    static const uint8_t any_v4[8], any_v6[32];
    CBB seq, permitted, excluded;
    return CBB_add_asn1(der, &seq, CBS_ASN1_SEQUENCE) &&
           CBB_add_asn1(&seq, &permitted, TAG_PERMITTED) &&
           add_subtree(&permitted, TAG_DNS_NAME, zone, strlen(zone)) &&
           CBB_add_asn1(&seq, &excluded, TAG_EXCLUDED) &&
           add_subtree(&excluded, TAG_IP_ADDRESS, any_v4, sizeof any_v4) &&
           add_subtree(&excluded, TAG_IP_ADDRESS, any_v6, sizeof any_v6) && CBB_flush(der);
}

bool x509_add_name_constraints(X509 *x, const char *zone)
{
    CBB der;
    CBB_zero(&der);
    if (!CBB_init(&der, 128) || !write_name_constraints(&der, zone)) {
        CBB_cleanup(&der);
        return false;
    }
    return add_extension(x, NID_name_constraints, true, &der);
}

static char *first_permitted(struct span der)
{
    CBS in, seq, permitted, subtree, name;
    CBS_init(&in, (const uint8_t *)der.p, der.len);
    if (!CBS_get_asn1(&in, &seq, CBS_ASN1_SEQUENCE) ||
        !CBS_get_asn1(&seq, &permitted, TAG_PERMITTED) ||
        !CBS_get_asn1(&permitted, &subtree, CBS_ASN1_SEQUENCE) ||
        !CBS_get_asn1(&subtree, &name, TAG_DNS_NAME))
        return NULL;
    return mem_strndup((const char *)CBS_data(&name), CBS_len(&name));
}

bool x509_constrained_to(X509 *x, const char *zone, char **other)
{
    *other = NULL;
    int at = X509_get_ext_by_NID(x, NID_name_constraints, -1);
    X509_EXTENSION *ext = at >= 0 ? X509_get_ext(x, at) : NULL;
    if (!ext || !X509_EXTENSION_get_critical(ext))
        return false;

    const ASN1_OCTET_STRING *data = X509_EXTENSION_get_data(ext);
    struct span found = span_of(ASN1_STRING_get0_data(data), (size_t)ASN1_STRING_length(data));
    CBB wanted;
    CBB_zero(&wanted);
    bool same = CBB_init(&wanted, 128) && write_name_constraints(&wanted, zone) &&
                span_eq(found, span_of(CBB_data(&wanted), CBB_len(&wanted)));
    CBB_cleanup(&wanted);
    if (!same)
        *other = first_permitted(found);
    return same;
}

CRYPTO_BUFFER *x509_to_buffer(X509 *x)
{
    uint8_t *der = NULL;
    int len = i2d_X509(x, &der);
    if (len <= 0)
        return NULL;
    CRYPTO_BUFFER *buf = CRYPTO_BUFFER_new(der, (size_t)len, NULL);
    OPENSSL_free(der);
    return buf;
}

enum err x509_seconds(const ASN1_TIME *t, int64_t *out)
{
    int days, seconds;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    bool ok = epoch && ASN1_TIME_diff(&days, &seconds, epoch, t);
    ASN1_TIME_free(epoch);
    if (!ok)
        return ERR_CRYPTO;
    *out = (int64_t)days * 86400 + seconds;
    return ERR_OK;
}
