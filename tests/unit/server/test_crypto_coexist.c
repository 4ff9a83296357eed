/* libldns brings OpenSSL's libcrypto into the process and we link BoringSSL, which has functions
 * of the same names. Both must go to their own: see -Wl,--exclude-libs in cmake/Flags.cmake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ldns/ldns.h>
#include <openssl/bytestring.h>
#include <openssl/crypto.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/nid.h>
#include <openssl/ssl.h>

#ifndef OPENSSL_IS_BORINGSSL
#error "OpenSSL's headers were found before BoringSSL's"
#endif

static void test_ldns_parses_a_record(void **state)
{
    ldns_rr *rr = NULL;
    assert_int_equal(
        ldns_rr_new_frm_str(&rr, "web.dev.example.com. 60 IN A 203.0.113.10", 0, NULL, NULL),
        LDNS_STATUS_OK);
    assert_int_equal(ldns_rr_get_type(rr), LDNS_RR_TYPE_A);

    uint8_t *wire = NULL;
    size_t size = 0;
    assert_int_equal(ldns_rr2wire(&wire, rr, LDNS_SECTION_ANSWER, &size), LDNS_STATUS_OK);
    assert_int_equal(size, 21 + 10 + 4);
    LDNS_FREE(wire);
    ldns_rr_free(rr);
}

/* Runs through OpenSSL's EVP functions inside libldns. */
static void test_ldns_makes_a_key_with_its_own_libcrypto(void **state)
{
    ldns_key *key = ldns_key_new_frm_algorithm(LDNS_SIGN_ECDSAP256SHA256, 256);
    assert_non_null(key);
    ldns_rdf *owner = ldns_dname_new_frm_str("dev.example.com.");
    ldns_key_set_pubkey_owner(key, owner);
    ldns_rr *dnskey = ldns_key2rr(key);
    assert_non_null(dnskey);
    ldns_rr *ds = ldns_key_rr2ds(dnskey, LDNS_SHA256);
    assert_non_null(ds);
    ldns_rr_free(ds);
    ldns_rr_free(dnskey);
    ldns_key_deep_free(key);
}

static void test_boringssl_signs_beside_it(void **state)
{
    static const uint8_t digest[32] = {1, 2, 3};
    uint8_t signature[128];
    unsigned int size = 0;

    EC_KEY *key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    assert_non_null(key);
    assert_int_equal(EC_KEY_generate_key(key), 1);
    assert_true(ECDSA_size(key) <= sizeof(signature));
    assert_int_equal(ECDSA_sign(0, digest, sizeof(digest), signature, &size, key), 1);
    assert_int_equal(ECDSA_verify(0, digest, sizeof(digest), signature, size, key), 1);
    EC_KEY_free(key);
}

static void test_boringssl_has_a_tls_context(void **state)
{
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    assert_non_null(context);
    SSL_CTX_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ldns_parses_a_record),
        cmocka_unit_test(test_ldns_makes_a_key_with_its_own_libcrypto),
        cmocka_unit_test(test_boringssl_signs_beside_it),
        cmocka_unit_test(test_boringssl_has_a_tls_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
