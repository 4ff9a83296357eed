/* What the internal CA signs, as clients see it: certs/leaf.h, certs/cert.h, certs/x509_make.h. */
#include "certs/leaf.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "certs/x509_make.h"
#include "unit/certs/certs_bed.h"

#define BASE "slim-gecko." BED_ZONE

static struct ca *ca;

static int set_up(void **state)
{
    ca = bed_ca();
    return 0;
}

static int tear_down(void **state)
{
    ca_unref(ca);
    return 0;
}

static void it_is_believed_for_its_names_only(void **state)
{
    struct cert *c = bed_cert(ca, BASE);
    X509 *x = bed_x509(c);
    assert_int_equal(bed_verify(ca, x, BASE), X509_V_OK);
    assert_int_equal(bed_verify(ca, x, "web." BASE), X509_V_OK);
    assert_int_equal(bed_verify(ca, x, "a.web." BASE), X509_V_ERR_HOSTNAME_MISMATCH);
    assert_int_equal(bed_verify(ca, x, "other." BED_ZONE), X509_V_ERR_HOSTNAME_MISMATCH);

    struct ca *stranger = bed_ca();
    assert_int_not_equal(bed_verify(stranger, x, BASE), X509_V_OK);
    ca_unref(stranger);
    X509_free(x);
    cert_unref(c);
}

static void it_covers_what_its_wildcard_covers(void **state)
{
    struct cert *c = bed_cert(ca, BASE);
    assert_string_equal(cert_base(c), BASE);
    assert_int_equal(cert_n_names(c), 2);
    assert_span(cert_name(c, 0), BASE);
    assert_span(cert_name(c, 1), "*." BASE);
    assert_true(cert_covers(c, SPAN_LIT(BASE)));
    assert_true(cert_covers(c, SPAN_LIT("web." BASE)));
    assert_false(cert_covers(c, SPAN_LIT("a.web." BASE)));
    assert_false(cert_covers(c, SPAN_LIT("." BASE)));
    assert_false(cert_covers(c, SPAN_LIT("xslim-gecko." BED_ZONE)));
    assert_false(cert_covers(c, SPAN_LIT(BED_ZONE)));
    assert_false(cert_covers(c, SPAN_LIT("")));
    cert_unref(c);
}

static void its_life_is_a_week(void **state)
{
    int64_t now = bed_now();
    struct cert *c;
    assert_ok(leaf_issue(ca, BASE, now, &c));
    assert_int_equal(cert_not_before_s(c), now - 300);
    assert_int_equal(cert_not_after_s(c), now + 7 * 86400);
    cert_unref(c);
}

static void it_never_outlives_its_ca(void **state)
{
    int64_t late = ca_not_after_s(ca) - 86400;
    struct cert *c;
    assert_ok(leaf_issue(ca, BASE, late, &c));
    assert_int_equal(cert_not_after_s(c), ca_not_after_s(ca));
    cert_unref(c);
}

static void its_extensions_are_as_rfc_5280_has_them(void **state)
{
    struct cert *c = bed_cert(ca, BASE);
    X509 *x = bed_x509(c);
    assert_int_equal(X509_get_version(x), X509_VERSION_3);
    assert_int_equal(X509_check_ca(x), 0);
    assert_int_equal(X509_get_key_usage(x), KU_DIGITAL_SIGNATURE);
    assert_int_equal(X509_get_extended_key_usage(x), XKU_SSL_SERVER);

    int critical;
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, &critical, NULL);
    assert_int_equal(sk_GENERAL_NAME_num(names), 2);
    assert_int_equal(critical, 0);
    GENERAL_NAMES_free(names);

    const ASN1_OCTET_STRING *own = X509_get0_subject_key_id(x);
    const ASN1_OCTET_STRING *issuers = X509_get0_authority_key_id(x);
    assert_true(own && ASN1_STRING_length(own) == 20);
    assert_int_equal(ASN1_OCTET_STRING_cmp(issuers, X509_get0_subject_key_id(ca_x509(ca))), 0);

    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
    assert_in_range(ASN1_STRING_length(serial), 8, 16); /* shorter ones do not happen by chance */
    assert_int_equal(ASN1_STRING_type(serial), V_ASN1_INTEGER);
    X509_free(x);
    cert_unref(c);
}

static void no_two_are_alike(void **state)
{
    struct cert *a = bed_cert(ca, BASE), *b = bed_cert(ca, BASE);
    X509 *x = bed_x509(a), *y = bed_x509(b);
    assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(x), X509_get0_serialNumber(y)), 0);
    EVP_PKEY *p = X509_get_pubkey(x), *q = X509_get_pubkey(y);
    assert_int_not_equal(EVP_PKEY_cmp(p, q), 1);
    EVP_PKEY_free(p);
    EVP_PKEY_free(q);
    X509_free(x);
    X509_free(y);
    cert_unref(a);
    cert_unref(b);
}

#define L60 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"

/* RFC 5280 4.2.1.6: an empty subject makes the names critical. */
static void a_long_name_is_no_common_name(void **state)
{
    static const char base[] = "s." L60 "." BED_ZONE;
    struct cert *c = bed_cert(ca, base);
    X509 *x = bed_x509(c);
    assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(x)), 0);
    int critical;
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, &critical, NULL);
    assert_int_equal(critical, 1);
    GENERAL_NAMES_free(names);
    assert_int_equal(bed_verify(ca, x, base), X509_V_OK);
    X509_free(x);
    cert_unref(c);
}

/* Whoever steals the CA's key gains nothing outside the zone. */
static void the_name_constraint_holds(void **state)
{
    static const char *const others[] = {"example.com", "evil.net", "notdev.example.com"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct cert *c = bed_cert(ca, others[i]);
        X509 *x = bed_x509(c);
        assert_int_equal(bed_verify(ca, x, others[i]), X509_V_ERR_PERMITTED_VIOLATION);
        X509_free(x);
        cert_unref(c);
    }
}

static X509 *leaf_for_ip(EVP_PKEY *key, const uint8_t *ip, int len)
{
    X509 *x = x509_begin(key, NULL, X509_get_subject_name(ca_x509(ca)), bed_now() - 60,
                         bed_now() + 3600);
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    assert_true(ASN1_STRING_set(octets, ip, len));
    GENERAL_NAME_set0_value(name, GEN_IPADD, octets);
    assert_true(sk_GENERAL_NAME_push(names, name));
    assert_int_equal(X509_add1_ext_i2d(x, NID_subject_alt_name, names, 1, 0), 1);
    GENERAL_NAMES_free(names);
    assert_true(X509_sign(x, ca_key(ca), EVP_sha256()));
    return x;
}

static void addresses_are_excluded(void **state)
{
    static const uint8_t ip[16] = {127, 0, 0, 1};
    EVP_PKEY *key = x509_make_key();
    for (int len = 4; len <= 16; len += 12) {
        X509 *x = leaf_for_ip(key, ip, len);
        /* Our library has no code for addresses in constraints and so believes none. */
        int result = bed_verify(ca, x, NULL);
        assert_true(result == X509_V_ERR_EXCLUDED_VIOLATION ||
                    result == X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE);
        X509_free(x);
    }
    EVP_PKEY_free(key);
}

static void the_ca_is_one_and_signs_no_other(void **state)
{
    X509 *x = ca_x509(ca);
    assert_int_equal(X509_check_ca(x), 1);
    assert_int_equal(X509_get_pathlen(x), 0);
    assert_int_equal(X509_get_key_usage(x), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    assert_int_equal(X509_get_extended_key_usage(x), XKU_SSL_SERVER);
    char cn[128];
    X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, cn, sizeof cn);
    assert_string_equal(cn, "Linkup edge CA " BED_ZONE);
    int critical;
    BASIC_CONSTRAINTS *bc = X509_get_ext_d2i(x, NID_basic_constraints, &critical, NULL);
    assert_int_equal(critical, 1);
    BASIC_CONSTRAINTS_free(bc);
    NAME_CONSTRAINTS *nc = X509_get_ext_d2i(x, NID_name_constraints, &critical, NULL);
    assert_int_equal(critical, 1);
    assert_int_equal(sk_GENERAL_SUBTREE_num(nc->permittedSubtrees), 1);
    assert_int_equal(sk_GENERAL_SUBTREE_num(nc->excludedSubtrees), 2);
    NAME_CONSTRAINTS_free(nc);
}

/* ---- cert_new refuses what TLS could not use ---- */

static enum err try_cert(X509 *x, EVP_PKEY *key)
{
    CRYPTO_BUFFER *der = x509_to_buffer(x);
    struct cert *c = NULL;
    enum err e = cert_new("x", &der, 1, key, &c);
    CRYPTO_BUFFER_free(der);
    cert_unref(c);
    ERR_clear_error();
    return e;
}

static void anothers_key_is_refused(void **state)
{
    EVP_PKEY *key = x509_make_key(), *other = x509_make_key();
    X509 *x = x509_begin(key, NULL, NULL, bed_now(), bed_now() + 60);
    assert_true(x509_add_base_names(x, BASE));
    assert_true(X509_sign(x, key, EVP_sha256()));
    assert_ok(try_cert(x, key));
    assert_err(ERR_CONFLICT, try_cert(x, other));
    X509_free(x);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

static void a_short_rsa_key_is_refused(void **state)
{
    EVP_PKEY *key = EVP_PKEY_new();
    RSA *rsa = RSA_new();
    BIGNUM *e = BN_new();
    assert_true(BN_set_word(e, RSA_F4) && RSA_generate_key_ex(rsa, 1024, e, NULL));
    assert_true(EVP_PKEY_set1_RSA(key, rsa));
    X509 *x = x509_begin(key, NULL, NULL, bed_now(), bed_now() + 60);
    assert_true(x509_add_base_names(x, BASE));
    assert_true(X509_sign(x, key, EVP_sha256()));
    assert_err(ERR_UNSUPPORTED, try_cert(x, key));
    X509_free(x);
    BN_free(e);
    RSA_free(rsa);
    EVP_PKEY_free(key);
}

static void a_certificate_without_names_is_refused(void **state)
{
    EVP_PKEY *key = x509_make_key();
    X509 *x = x509_begin(key, "web.dev.example.com", NULL, bed_now(), bed_now() + 60);
    assert_true(X509_sign(x, key, EVP_sha256()));
    assert_err(ERR_RANGE, try_cert(x, key));
    X509_free(x);
    EVP_PKEY_free(key);
}

static void garbage_is_refused(void **state)
{
    EVP_PKEY *key = x509_make_key();
    CRYPTO_BUFFER *der = CRYPTO_BUFFER_new((const uint8_t *)"no", 2, NULL);
    struct cert *c;
    assert_err(ERR_CRYPTO, cert_new("x", &der, 1, key, &c));
    CRYPTO_BUFFER_free(der);
    EVP_PKEY_free(key);
    ERR_clear_error();
}

/* A name with a NUL inside is no name: "bank.com\0.evil.net". */
static void a_nul_in_a_name_ends_nothing(void **state)
{
    EVP_PKEY *key = x509_make_key();
    X509 *x = x509_begin(key, NULL, NULL, bed_now(), bed_now() + 60);
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    assert_true(ASN1_STRING_set(text, "bank.com\0.evil.net", 18));
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    assert_true(sk_GENERAL_NAME_push(names, name));
    assert_int_equal(X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, 0), 1);
    GENERAL_NAMES_free(names);
    assert_true(X509_sign(x, key, EVP_sha256()));
    assert_err(ERR_RANGE, try_cert(x, key));
    X509_free(x);
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_believed_for_its_names_only),
        cmocka_unit_test(it_covers_what_its_wildcard_covers),
        cmocka_unit_test(its_life_is_a_week),
        cmocka_unit_test(it_never_outlives_its_ca),
        cmocka_unit_test(its_extensions_are_as_rfc_5280_has_them),
        cmocka_unit_test(no_two_are_alike),
        cmocka_unit_test(a_long_name_is_no_common_name),
        cmocka_unit_test(the_name_constraint_holds),
        cmocka_unit_test(addresses_are_excluded),
        cmocka_unit_test(the_ca_is_one_and_signs_no_other),
        cmocka_unit_test(anothers_key_is_refused),
        cmocka_unit_test(a_short_rsa_key_is_refused),
        cmocka_unit_test(a_certificate_without_names_is_refused),
        cmocka_unit_test(garbage_is_refused),
        cmocka_unit_test(a_nul_in_a_name_ends_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
