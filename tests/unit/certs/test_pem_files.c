/* Certificates from PEM files: certs/pem_files.h, certs/pem.h. */
#include "certs/pem_files.h"

#include <openssl/rsa.h>

#include "certs/pem.h"
#include "certs/x509_make.h"
#include "core/file.h"
#include "unit/certs/certs_bed.h"

static struct ev_loop *loop;
static char dir[PATH_MAX];
static struct ca *ca;
static char *cert_path, *key_path;

static int set_up(void **state)
{
    loop = ev_loop_new(EVFLAG_AUTO);
    test_tmpdir_make(dir, sizeof dir);
    ca = bed_ca();
    cert_path = mem_printf("%s/c.pem", dir);
    key_path = mem_printf("%s/k.pem", dir);
    return 0;
}

static int tear_down(void **state)
{
    mem_free(cert_path);
    mem_free(key_path);
    ca_unref(ca);
    test_tmpdir_remove(dir);
    ev_loop_destroy(loop);
    return 0;
}

struct pair {
    char *cert, *key;
};

static struct pair make_pair_with(EVP_PKEY *key, const char *base, int64_t not_after_s)
{
    X509 *x = x509_begin(key, base, X509_get_subject_name(ca_x509(ca)), not_after_s - 3600,
                         not_after_s);
    assert_true(x509_add_base_names(x, base) && X509_sign(x, ca_key(ca), EVP_sha256()));
    struct pair p = {bed_x509_pem(x), bed_key_pem(key)};
    X509_free(x);
    EVP_PKEY_free(key);
    return p;
}

static struct pair make_pair(const char *base)
{
    return make_pair_with(x509_make_key(), base, bed_now() + 600);
}

static void pair_free(struct pair *p)
{
    mem_free(p->cert);
    mem_free(p->key);
}

static void put_file(const char *path, const char *text)
{
    assert_ok(file_write_atomic(path, span_str(text), 0600));
}

static void put_pair(const struct pair *p)
{
    put_file(cert_path, p->cert);
    put_file(key_path, p->key);
}

static int changes;
static char changed_name[256];

static void on_changed(void *ctx, struct cert *cert)
{
    changes++;
    assert_string_equal(cert_base(cert), cert_path);
    assert_ok(span_copy_z(cert_name(cert, 0), changed_name, sizeof changed_name));
}

static enum err load(struct pem_files **out, char **why)
{
    changes = 0;
    const struct config_cert_file file = {.cert = cert_path, .key = key_path};
    return pem_files_new(loop, &file, 1, on_changed, NULL, out, why);
}

static struct pem_files *loaded(void)
{
    struct pem_files *p;
    char *why = NULL;
    enum err e = load(&p, &why);
    if (why)
        print_error("%s\n", why);
    assert_ok(e);
    return p;
}

static struct cert *only(const struct pem_files *p)
{
    struct cert *const *certs;
    assert_int_equal(pem_files_certs(p, &certs), 1);
    return certs[0];
}

static void refused(enum err expected, const char *word)
{
    struct pem_files *p;
    char *why = NULL;
    assert_err(expected, load(&p, &why));
    if (!strstr(why, word))
        fail_msg("\"%s\" does not say \"%s\"", why, word);
    mem_free(why);
}

static void a_pair_is_read(void **state)
{
    struct pair pair = make_pair("shop.example.org");
    put_pair(&pair);
    struct pem_files *p = loaded();
    assert_string_equal(cert_base(only(p)), cert_path);
    assert_true(cert_covers(only(p), SPAN_LIT("a.shop.example.org")));
    pem_files_free(p);
    pair_free(&pair);
}

static void a_chain_with_text_around_is_read(void **state)
{
    struct pair pair = make_pair("shop.example.org");
    char *bundle = mem_printf("subject=/CN=x\n%s\nissuer\n%s# end\n", pair.cert, ca_pem(ca));
    put_file(cert_path, bundle);
    put_file(key_path, pair.key);
    struct pem_files *p = loaded();
    pem_files_free(p);

    /* Key and certificates in one file, the key first. */
    char *all = mem_printf("%s%s", pair.key, bundle);
    put_file(cert_path, all);
    put_file(key_path, all);
    p = loaded();
    pem_files_free(p);
    mem_free(all);
    mem_free(bundle);
    pair_free(&pair);
}

static EVP_PKEY *rsa_key(void)
{
    EVP_PKEY *key = EVP_PKEY_new();
    RSA *rsa = RSA_new();
    BIGNUM *e = BN_new();
    assert_true(BN_set_word(e, RSA_F4) && RSA_generate_key_ex(rsa, 2048, e, NULL) &&
                EVP_PKEY_set1_RSA(key, rsa));
    BN_free(e);
    RSA_free(rsa);
    return key;
}

static void rsa_is_read(void **state)
{
    struct pair pair = make_pair_with(rsa_key(), "shop.example.org", bed_now() + 600);
    put_pair(&pair);
    pem_files_free(loaded());
    pair_free(&pair);
}

static void an_expired_one_is_served(void **state)
{
    struct pair pair = make_pair_with(x509_make_key(), "shop.example.org", bed_now() - 600);
    put_pair(&pair);
    pem_files_free(loaded());
    pair_free(&pair);
}

static void what_is_wrong_is_told(void **state)
{
    struct pair pair = make_pair("shop.example.org"), other = make_pair("shop.example.org");
    refused(ERR_NOT_FOUND, cert_path);
    put_file(cert_path, pair.cert);
    refused(ERR_NOT_FOUND, key_path);
    put_file(key_path, other.key);
    refused(ERR_CONFLICT, "does not belong to the key");
    put_file(key_path, pair.cert);
    refused(ERR_SYNTAX, "no private key");
    put_file(key_path, "");
    refused(ERR_SYNTAX, "no private key");
    put_file(key_path, pair.key);
    put_file(cert_path, pair.key);
    refused(ERR_NOT_FOUND, "no certificate");
    put_file(cert_path, "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n");
    refused(ERR_SYNTAX, "not valid PEM");
    put_file(cert_path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    refused(ERR_CRYPTO, "damaged");

    char *many = mem_strdup("");
    for (int i = 0; i < PEM_CHAIN_MAX + 1; i++) {
        char *more = mem_printf("%s%s", many, pair.cert);
        mem_free(many);
        many = more;
    }
    put_file(cert_path, many);
    refused(ERR_FULL, "more than 10");
    mem_free(many);

    char *large = mem_alloc(PEM_FILE_MAX + 2);
    memset(large, '\n', PEM_FILE_MAX + 1);
    large[PEM_FILE_MAX + 1] = '\0';
    put_file(cert_path, large);
    refused(ERR_FULL, "too large");
    mem_free(large);
    pair_free(&pair);
    pair_free(&other);
}

/* Nobody is asked for a pass phrase. */
static void an_encrypted_key_is_refused(void **state)
{
    struct pair pair = make_pair("shop.example.org");
    EVP_PKEY *key = pem_read_key(span_str(pair.key));
    BIO *bio = BIO_new(BIO_s_mem());
    char pass[] = "secret";
    assert_true(PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_128_cbc(), pass, 6, NULL, NULL));
    char *text = bed_bio_text(bio);
    put_file(cert_path, pair.cert);
    put_file(key_path, text);
    refused(ERR_SYNTAX, "no private key without pass phrase");
    mem_free(text);
    EVP_PKEY_free(key);
    pair_free(&pair);
}

static void on_guard(struct ev_loop *l, ev_timer *t, int events)
{
    fail_msg("no change was seen");
}

/* Runs the loop until a change has been told; a guard ends a test that hangs. */
static void await_change(void)
{
    ev_timer guard;
    ev_timer_init(&guard, on_guard, 60., 0.);
    ev_timer_start(loop, &guard);
    while (changes == 0)
        ev_run(loop, EVRUN_ONCE);
    ev_timer_stop(loop, &guard);
}

static void a_change_is_seen(void **state)
{
    struct pair pair = make_pair("shop.example.org"), next = make_pair("next.example.org");
    put_pair(&pair);
    struct pem_files *p = loaded();
    put_pair(&next);
    await_change();
    assert_int_equal(changes, 1);
    assert_string_equal(changed_name, "next.example.org");
    assert_true(cert_covers(only(p), SPAN_LIT("next.example.org")));
    pem_files_free(p);
    pair_free(&pair);
    pair_free(&next);
}

static void a_broken_replacement_keeps_the_old(void **state)
{
    struct pair pair = make_pair("shop.example.org"), next = make_pair("next.example.org");
    put_pair(&pair);
    struct pem_files *p = loaded();
    struct cert *before = only(p);

    put_file(cert_path, next.cert); /* its key is still the old one */
    pem_files_check(p);
    put_file(cert_path, "garbage");
    pem_files_check(p);
    assert_int_equal(unlink(cert_path), 0);
    pem_files_check(p);
    assert_int_equal(changes, 0);
    assert_ptr_equal(only(p), before);

    put_pair(&next);
    pem_files_check(p);
    assert_int_equal(changes, 1);
    pem_files_free(p);
    pair_free(&pair);
    pair_free(&next);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_pair_is_read),        T(a_chain_with_text_around_is_read),
        T(rsa_is_read),           T(an_expired_one_is_served),
        T(what_is_wrong_is_told), T(an_encrypted_key_is_refused),
        T(a_change_is_seen),      T(a_broken_replacement_keeps_the_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
