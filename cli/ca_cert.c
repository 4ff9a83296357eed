#include "cli/ca_cert.h"

#include <ctype.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "core/timefmt.h"

/* Exactly one certificate: a second one would be trusted unseen. */
static X509 *read_one(struct span pem, const char **why)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.len);
    X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    X509 *second = x ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    *why = x ? "there is more than one certificate" : "there is no certificate in PEM form";
    if (!second)
        return x;
    X509_free(second);
    X509_free(x);
    return NULL;
}

static const char *pem_of(struct arena *arena, X509 *x)
{
    BIO *bio = BIO_new(BIO_s_mem());
    const uint8_t *data;
    size_t len;
    CHECK(bio && PEM_write_bio_X509(bio, x) && BIO_mem_contents(bio, &data, &len));
    const char *pem = arena_strz(arena, span_of(data, len));
    CHECK(pem);
    BIO_free(bio);
    return pem;
}

static const char *fingerprint(struct arena *arena, const X509 *x)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len;
    CHECK(X509_digest(x, EVP_sha256(), digest, &len));
    char *text = (char *)arena_must_alloc(arena, (size_t)len * 3);
    for (unsigned i = 0; i < len; i++)
        snprintf(text + (size_t)i * 3, 3, "%02X", digest[i]);
    for (unsigned i = 1; i < len; i++)
        text[i * 3 - 1] = ':';
    return text;
}

static const char *common_name(struct arena *arena, X509 *x)
{
    char name[256];
    int len = X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, name,
                                        sizeof name);
    return len > 0 ? arena_strz(arena, span_str(name)) : "";
}

static const char *time_text(struct arena *arena, const ASN1_TIME *t)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days, seconds;
    char text[TIMEFMT_MAX] = "";
    if (epoch && ASN1_TIME_diff(&days, &seconds, epoch, t))
        timefmt_rfc3339_seconds(((int64_t)days * 86400 + seconds) * 1000, text);
    ASN1_TIME_free(epoch);
    return arena_strz(arena, span_str(text));
}

/* Counts the subtrees of TYPE; those of DNS names go to OUT. */
static size_t take_subtrees(struct arena *arena, const STACK_OF(GENERAL_SUBTREE) * subtrees,
                            int type, struct ca_cert *out)
{
    size_t n = 0;
    for (size_t i = 0; i < sk_GENERAL_SUBTREE_num(subtrees); i++) {
        const GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(subtrees, i)->base;
        if (base->type != type)
            continue;
        n++;
        if (type != GEN_DNS || out->n_names == CA_NAMES)
            continue;
        const ASN1_IA5STRING *dns = base->d.dNSName;
        struct span name = span_of(ASN1_STRING_get0_data(dns), (size_t)ASN1_STRING_length(dns));
        out->names[out->n_names++] = arena_strz(arena, name);
    }
    return n;
}

static bool covers_all_addresses(const GENERAL_NAME *base, size_t len)
{
    static const uint8_t zero[32];
    const ASN1_OCTET_STRING *ip = base->d.iPAddress;
    return base->type == GEN_IPADD && (size_t)ASN1_STRING_length(ip) == len &&
           memcmp(ASN1_STRING_get0_data(ip), zero, len) == 0;
}

/* 0.0.0.0/0 and ::/0 are both excluded. */
static bool excludes_addresses(const NAME_CONSTRAINTS *nc)
{
    bool v4 = false, v6 = false;
    for (size_t i = 0; i < sk_GENERAL_SUBTREE_num(nc->excludedSubtrees); i++) {
        const GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(nc->excludedSubtrees, i)->base;
        v4 = v4 || covers_all_addresses(base, 8);
        v6 = v6 || covers_all_addresses(base, 32);
    }
    return v4 && v6;
}

static bool is_everything(const char *name)
{
    return !name || !*name || strcmp(name, ".") == 0;
}

/* A type of name without a permitted subtree is not limited at all (RFC 5280 4.2.1.10). */
static const char *why_unlimited(struct arena *arena, const NAME_CONSTRAINTS *nc,
                                 struct ca_cert *out)
{
    if (!nc)
        return "it is not limited to any names: it could vouch for every site there is";
    if (take_subtrees(arena, nc->permittedSubtrees, GEN_DNS, out) == 0)
        return "it is not limited to DNS names of its own";
    for (size_t i = 0; i < out->n_names; i++)
        if (is_everything(out->names[i]))
            return "the names it is limited to are all names";
    if (!excludes_addresses(nc) && take_subtrees(arena, nc->permittedSubtrees, GEN_IPADD, out) == 0)
        return "it could vouch for every IP address";
    return NULL;
}

bool ca_cert_parse(struct arena *arena, struct span pem, struct ca_cert *out, const char **why)
{
    *out = (struct ca_cert){0};
    X509 *x = read_one(pem, why);
    if (!x)
        return false;
    bool is_ca = X509_check_ca(x) == 1;
    NAME_CONSTRAINTS *nc = (NAME_CONSTRAINTS *)X509_get_ext_d2i(x, NID_name_constraints, NULL,
                                                                NULL);
    out->pem = pem_of(arena, x);
    out->sha256 = fingerprint(arena, x);
    out->subject = common_name(arena, x);
    out->not_before = time_text(arena, X509_get0_notBefore(x));
    out->not_after = time_text(arena, X509_get0_notAfter(x));
    out->unlimited = why_unlimited(arena, nc, out);
    NAME_CONSTRAINTS_free(nc);
    X509_free(x);
    *why = "it is not the certificate of a CA";
    return is_ca;
}

bool ca_cert_is(const struct ca_cert *cert, const char *text)
{
    if (strncasecmp(text, "sha256:", 7) == 0)
        text += 7;
    const char *want = cert->sha256;
    for (;;) {
        while (*want == ':')
            want++;
        while (*text == ':')
            text++;
        if (!*want || toupper((unsigned char)*text) != *want)
            return !*want && !*text;
        want++;
        text++;
    }
}
