/* Who may have a certificate, and when it is made anew: certs/authority.h. */
#include "certs/authority.h"

#include "certs/authority_test.h"
#include "certs/naming.h"
#include "certs/pem.h"
#include "certs/x509_make.h"
#include "core/file.h"
#include "unit/certs/certs_bed.h"

#define BASE "slim-gecko." BED_ZONE
#define DAY ((int64_t)86400)

static char state_dir[PATH_MAX];
static struct ev_loop *loop;
static struct mailbox control;
static struct job_runner *jobs;
static struct config *config;
static struct authority *authority;
static int64_t now;
static struct ca *ca;

/* ---- an issuer that makes what the test lets it ---- */

struct order {
    char base[CERT_BASE_MAX];
    issuer_done *done;
    void *ctx;
};

static struct fake {
    struct issuer issuer;
    struct order orders[AUTHORITY_MAKING_MAX];
    size_t n; /* not yet made */
    /* Where many are needed, they share a key and a leaf. */
    CRYPTO_BUFFER *der;
    EVP_PKEY *key;
} fake;

static enum err fake_may(const struct issuer *i, const char *base)
{
    return strstr(base, "example.org") ? ERR_DENIED : ERR_OK;
}

static void fake_issue(struct issuer *i, const char *base, int64_t now_s, issuer_done *done,
                       void *ctx)
{
    assert_true(fake.n < ARRAY_LEN(fake.orders));
    struct order *o = &fake.orders[fake.n++];
    assert_ok(span_copy_z(span_str(base), o->base, sizeof o->base));
    o->done = done;
    o->ctx = ctx;
}

static int64_t fake_renew_at_s(const struct issuer *i, const struct cert *cert)
{
    return cert_not_after_s(cert) - 2 * DAY;
}

static const char *fake_root_pem(const struct issuer *i)
{
    return NULL;
}

static void fake_free(struct issuer *i)
{
    CRYPTO_BUFFER_free(fake.der);
    EVP_PKEY_free(fake.key);
    fake.der = NULL;
    fake.key = NULL;
    fake.n = 0;
}

static const struct issuer_ops fake_ops = {
    "fake", fake_may, fake_issue, fake_renew_at_s, fake_root_pem, fake_free,
};

/* The oldest order is filled, with a certificate or with E. */
static void deliver(enum err e)
{
    assert_true(fake.n > 0);
    struct order o = fake.orders[0];
    memmove(fake.orders, fake.orders + 1, --fake.n * sizeof fake.orders[0]);
    struct cert *c = NULL;
    if (e == ERR_OK && fake.der)
        assert_ok(cert_new(o.base, &fake.der, 1, fake.key, &c));
    else if (e == ERR_OK)
        assert_ok(leaf_issue(ca, o.base, now, &c));
    o.done(o.ctx, c, e);
    cert_unref(c);
}

static void share_one_leaf(void)
{
    fake.key = x509_make_key();
    X509 *x = x509_begin(fake.key, NULL, NULL, now - 60, now + 7 * DAY);
    assert_true(x509_add_base_names(x, BASE) && X509_sign(x, fake.key, EVP_sha256()));
    fake.der = x509_to_buffer(x);
    X509_free(x);
}

/* ---- what the authority tells ---- */

static struct seen {
    int answers, replaced;
    enum err e;
    struct cert *cert; /* of the last answer, referenced */
    char base[CERT_BASE_MAX];
    bool wanted;
} seen;

static int64_t test_now(void *ctx)
{
    return now;
}

static void on_replaced(void *ctx, struct cert *cert)
{
    seen.replaced++;
}

static bool is_wanted(void *ctx, const char *base)
{
    return seen.wanted;
}

static void on_answer(void *ctx, const char *base, struct cert *cert, enum err e)
{
    seen.answers++;
    seen.e = e;
    assert_true((cert != NULL) == (e == ERR_OK));
    cert_unref(seen.cert);
    seen.cert = cert ? cert_ref(cert) : NULL;
    assert_ok(span_copy_z(span_str(base), seen.base, sizeof seen.base));
}

static size_t held(void)
{
    size_t n;
    uint64_t made;
    authority_counts(authority, &n, &made);
    return n;
}

static uint64_t made(void)
{
    size_t n;
    uint64_t m;
    authority_counts(authority, &n, &m);
    return m;
}

static void ask(const char *base)
{
    authority_request(authority, base, on_answer, NULL);
}

static const struct authority_events events = {
    .on_replaced = on_replaced,
    .wanted = is_wanted,
};

static int set_up_real(void **state)
{
    memset(&seen, 0, sizeof seen);
    seen.wanted = true;
    now = bed_now();
    test_tmpdir_make(state_dir, sizeof state_dir);
    loop = ev_loop_new(EVFLAG_AUTO);
    mailbox_init(&control, loop, NULL);
    static const struct job_runner_ops ops = {.batch_max = 0};
    jobs = job_runner_new("test-jobs", &ops, NULL);
    config = bed_config_of(BED_ZONE, state_dir, "");
    char *why = NULL;
    assert_ok(authority_new(loop, config, jobs, &control, &events, &authority, &why));
    authority_test_clock(authority, test_now, NULL);
    return 0;
}

static int set_up(void **state)
{
    set_up_real(state);
    fake.issuer.ops = &fake_ops;
    authority_test_issuer(authority, &fake.issuer);
    ca = bed_ca();
    return 0;
}

static int tear_down(void **state)
{
    cert_unref(seen.cert);
    seen.cert = NULL;
    authority_free(authority);
    job_runner_free(jobs);
    mailbox_deinit(&control);
    config_unref(config);
    ev_loop_destroy(loop);
    test_tmpdir_remove(state_dir);
    ca_unref(ca);
    ca = NULL;
    return 0;
}

/* ---- requests ---- */

static void requests_for_the_same_are_one(void **state)
{
    for (int i = 0; i < 5; i++)
        ask(BASE);
    assert_int_equal(fake.n, 1);
    assert_int_equal(seen.answers, 0);
    deliver(ERR_OK);
    assert_int_equal(seen.answers, 5);
    assert_string_equal(seen.base, BASE);
    assert_string_equal(cert_base(seen.cert), BASE);
    assert_int_equal(held(), 1);

    /* From now on at once. */
    ask(BASE);
    assert_int_equal(seen.answers, 6);
    assert_int_equal(fake.n, 0);
    assert_int_equal(made(), 1);
    assert_int_equal(seen.replaced, 0);
}

static void a_failure_is_told_and_not_kept(void **state)
{
    ask(BASE);
    ask(BASE);
    deliver(ERR_CRYPTO);
    assert_int_equal(seen.answers, 2);
    assert_int_equal(seen.e, ERR_CRYPTO);
    assert_int_equal(held(), 0);
    ask(BASE);
    deliver(ERR_OK);
    assert_int_equal(seen.e, ERR_OK);
}

static void what_is_not_ours_is_never_made(void **state)
{
    static const struct {
        const char *base;
        enum err e;
    } table[] = {
        {"evil.net", ERR_NOT_FOUND},
        {"com", ERR_NOT_FOUND},
        {"", ERR_NOT_FOUND},
        {"a.b." BED_ZONE, ERR_NOT_FOUND},
        {"no--session." BED_ZONE, ERR_NOT_FOUND},
        {"*." BED_ZONE, ERR_NOT_FOUND},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        ask(table[i].base);
        assert_int_equal(seen.answers, i + 1);
        assert_err(table[i].e, seen.e);
    }
    assert_int_equal(fake.n, 0);
}

static void those_in_the_making_are_bounded(void **state)
{
    for (int i = 0; i < AUTHORITY_MAKING_MAX; i++) {
        char *base = mem_printf("s%d." BED_ZONE, i);
        ask(base);
        mem_free(base);
    }
    assert_int_equal(seen.answers, 0);
    ask("more." BED_ZONE);
    assert_int_equal(seen.answers, 1);
    assert_err(ERR_FULL, seen.e);
    ask("s7." BED_ZONE); /* joins the one that is there */
    assert_int_equal(seen.answers, 1);

    deliver(ERR_OK);
    ask("more." BED_ZONE);
    assert_int_equal(fake.n, AUTHORITY_MAKING_MAX);
    while (fake.n > 0)
        deliver(ERR_OK);
    assert_int_equal(seen.answers, 1 + AUTHORITY_MAKING_MAX + 2);
}

static void scanners_leave_room(void **state)
{
    seen.wanted = false;
    for (int i = 0; i < AUTHORITY_MAKING_MAX; i++) {
        char *base = mem_printf("scan%d." BED_ZONE, i);
        ask(base);
        mem_free(base);
    }
    assert_int_equal(fake.n, AUTHORITY_MAKING_MAX / 2);
    assert_int_equal(seen.answers, AUTHORITY_MAKING_MAX / 2);
    assert_err(ERR_FULL, seen.e);
    seen.wanted = true;
    ask(BASE);
    assert_int_equal(fake.n, AUTHORITY_MAKING_MAX / 2 + 1);
    while (fake.n > 0)
        deliver(ERR_OK);
    assert_err(ERR_OK, seen.e);
}

static void those_held_are_bounded(void **state)
{
    share_one_leaf();
    for (int i = 0; i < AUTHORITY_HELD_MAX + 10; i++) {
        char *base = mem_printf("s%d." BED_ZONE, i);
        ask(base);
        deliver(ERR_OK);
        mem_free(base);
        ask("s0." BED_ZONE); /* in use, so it stays */
        assert_int_equal(fake.n, 0);
    }
    assert_int_equal(held(), AUTHORITY_HELD_MAX);
    ask("s1." BED_ZONE);
    assert_int_equal(fake.n, 1); /* had given way */
    deliver(ERR_OK);
    assert_int_equal(held(), AUTHORITY_HELD_MAX);
}

static void a_forgotten_one_is_made_anew(void **state)
{
    ask(BASE);
    deliver(ERR_OK);
    authority_forget(authority, BASE);
    authority_forget(authority, BASE);
    authority_forget(authority, "never." BED_ZONE);
    assert_int_equal(held(), 0);
    ask(BASE);
    assert_int_equal(fake.n, 1);
    deliver(ERR_OK);
}

static void one_forgotten_in_the_making_is_answered_and_let_go(void **state)
{
    ask(BASE);
    authority_forget(authority, BASE);
    deliver(ERR_OK);
    assert_int_equal(seen.answers, 1);
    assert_int_equal(seen.e, ERR_OK);
    assert_int_equal(held(), 0);

    /* Wanted again before it came: it stays. */
    ask(BASE);
    authority_forget(authority, BASE);
    ask(BASE);
    assert_int_equal(fake.n, 1);
    deliver(ERR_OK);
    assert_int_equal(seen.answers, 3);
    assert_int_equal(held(), 1);
}

static void forget_when_answered(void *ctx, const char *base, struct cert *cert, enum err e)
{
    on_answer(ctx, base, cert, e);
    authority_forget(authority, base);
    authority_request(authority, base, on_answer, NULL);
}

static void an_answer_may_turn_everything_over(void **state)
{
    authority_request(authority, BASE, forget_when_answered, NULL);
    ask(BASE);
    deliver(ERR_OK);
    assert_int_equal(seen.answers, 2);
    deliver(ERR_OK);
    assert_int_equal(seen.answers, 3);
    authority_request(authority, BASE, forget_when_answered, NULL);
    assert_int_equal(seen.answers, 4);
    deliver(ERR_OK);
    assert_int_equal(seen.answers, 5);
}

static void those_who_wait_at_the_end_are_dropped(void **state)
{
    ask(BASE);
    ask(BASE);
    fake.n = 0; /* the issuer forgets, as its free must */
}

/* ---- renewal ---- */

static void one_that_is_due_is_renewed(void **state)
{
    ask(BASE);
    deliver(ERR_OK);
    struct cert *first = cert_ref(seen.cert);
    authority_test_tick(authority);
    assert_int_equal(fake.n, 0);

    now += 5 * DAY - 1;
    authority_test_tick(authority);
    assert_int_equal(fake.n, 0);
    now += 2;
    authority_test_tick(authority);
    authority_test_tick(authority);
    assert_int_equal(fake.n, 1);

    /* The old one serves meanwhile. */
    ask(BASE);
    assert_ptr_equal(seen.cert, first);
    deliver(ERR_OK);
    assert_int_equal(seen.replaced, 1);
    ask(BASE);
    assert_ptr_not_equal(seen.cert, first);
    assert_int_equal(cert_not_after_s(seen.cert), now + 7 * DAY);
    assert_int_equal(held(), 1);
    assert_int_equal(made(), 2);
    cert_unref(first);
}

static void a_failed_renewal_is_tried_again(void **state)
{
    ask(BASE);
    deliver(ERR_OK);
    now += 6 * DAY;
    authority_test_tick(authority);
    deliver(ERR_CRYPTO);
    assert_int_equal(held(), 1); /* still good */
    assert_int_equal(seen.replaced, 0);
    authority_test_tick(authority);
    assert_int_equal(fake.n, 0); /* not at once */
    now += 301;
    authority_test_tick(authority);
    assert_int_equal(fake.n, 1);
    deliver(ERR_OK);
    assert_int_equal(seen.replaced, 1);
}

/* As after the machine has slept. */
static void an_expired_one_is_not_given_out(void **state)
{
    ask(BASE);
    deliver(ERR_OK);
    now += 8 * DAY;
    ask(BASE);
    assert_int_equal(seen.answers, 1);
    assert_int_equal(fake.n, 1);
    deliver(ERR_OK);
    assert_int_equal(seen.answers, 2);
    assert_int_equal(seen.replaced, 1);
    assert_true(cert_not_after_s(seen.cert) > now);

    now += 8 * DAY;
    authority_test_tick(authority);
    deliver(ERR_CRYPTO);
    assert_int_equal(held(), 0);
}

static void the_unwanted_is_let_go_instead(void **state)
{
    ask(BASE);
    deliver(ERR_OK);
    seen.wanted = false;
    authority_test_tick(authority);
    assert_int_equal(held(), 1); /* until it is due */
    now += 6 * DAY;
    authority_test_tick(authority);
    assert_int_equal(held(), 0);
    assert_int_equal(fake.n, 0);
}

static void renewals_leave_room(void **state)
{
    share_one_leaf();
    for (int i = 0; i < AUTHORITY_MAKING_MAX; i++) {
        char *base = mem_printf("s%d." BED_ZONE, i);
        ask(base);
        mem_free(base);
        deliver(ERR_OK);
    }
    now += 6 * DAY;
    authority_test_tick(authority);
    assert_int_equal(fake.n, AUTHORITY_MAKING_MAX / 2);
    ask("new." BED_ZONE);
    assert_int_equal(fake.n, AUTHORITY_MAKING_MAX / 2 + 1);
    while (fake.n > 0)
        deliver(ERR_CRYPTO);
    authority_test_tick(authority);
    assert_int_equal(fake.n, AUTHORITY_MAKING_MAX / 2);
}

/* ---- with the real issuer ---- */

static void wait_for_answers(int n)
{
    while (seen.answers < n)
        ev_run(loop, EVRUN_ONCE);
}

static void the_internal_ca_makes_them(void **state)
{
    ask(BASE);
    ask(BED_ZONE);
    assert_int_equal(seen.answers, 0);
    wait_for_answers(2);
    assert_ok(seen.e);
    assert_int_equal(held(), 2);
    X509 *x = bed_x509(seen.cert);
    struct pem_chain root;
    assert_ok(pem_read_chain(span_str(authority_ca_pem(authority)), &root));
    X509 *ca_x = X509_parse_from_buffer(root.v[0]);
    EVP_PKEY *key = X509_get_pubkey(ca_x);
    assert_int_equal(X509_verify(x, key), 1);
    EVP_PKEY_free(key);
    X509_free(ca_x);
    pem_chain_deinit(&root);
    X509_free(x);

    struct cert *const *files;
    assert_int_equal(authority_files(authority, &files), 0);
}

/* The job thread may still be at it. */
static void the_authority_may_go_first(void **state)
{
    for (int i = 0; i < 20; i++) {
        char *base = mem_printf("s%d." BED_ZONE, i);
        ask(base);
        mem_free(base);
    }
}

static void refused_config(const char *extra, enum err expected, const char *word)
{
    struct config *c = bed_config_of(BED_ZONE, state_dir, extra);
    struct authority *a = NULL;
    char *why = NULL;
    assert_err(expected, authority_new(loop, c, jobs, &control, &events, &a, &why));
    if (!strstr(why, word))
        fail_msg("\"%s\" does not say \"%s\"", why, word);
    mem_free(why);
    config_unref(c);
}

static void what_cannot_be_done_is_refused_at_the_start(void **state)
{
    refused_config("certificates: {issuer: acme, acme: {directory: \"https://acme.test/d\"}}\n",
                   ERR_UNSUPPORTED, "not supported in this version");
    refused_config("certificates: {files: [{cert: /nonexistent/c.pem, key: /nonexistent/k.pem}]}\n",
                   ERR_NOT_FOUND, "/nonexistent/c.pem");
}

static void write_file(const char *name, char *text)
{
    char *path = mem_printf("%s/%s", state_dir, name);
    assert_ok(file_write_atomic(path, span_str(text), 0600));
    mem_free(path);
    mem_free(text);
}

/* Beside the certificate of a file, the internal CA signs nothing there. */
static void a_domain_outside_the_zone_is_denied(void **state)
{
    char *extra = mem_printf("certificates: {files: [{cert: %s/c.pem, key: %s/k.pem}]}\n"
                             "domains: [{domain: shop.example.org, default_service: web}]\n",
                             state_dir, state_dir);
    struct config *c = bed_config_of(BED_ZONE, state_dir, extra);
    char *why = NULL;
    assert_err(ERR_NOT_FOUND, authority_set_config(authority, c, &why));
    assert_non_null(strstr(why, "/c.pem"));
    mem_free(why);
    ask("shop.example.org");
    assert_err(ERR_NOT_FOUND, seen.e); /* nothing was changed */

    EVP_PKEY *key = x509_make_key();
    X509 *x = x509_begin(key, NULL, NULL, now - 60, now + DAY);
    assert_true(x509_add_base_names(x, "shop.example.org") && X509_sign(x, key, EVP_sha256()));
    write_file("c.pem", bed_x509_pem(x));
    write_file("k.pem", bed_key_pem(key));
    X509_free(x);
    EVP_PKEY_free(key);
    assert_ok(authority_set_config(authority, c, &why));
    struct cert *const *files;
    assert_int_equal(authority_files(authority, &files), 1);
    assert_true(cert_covers(files[0], SPAN_LIT("a.shop.example.org")));
    ask("shop.example.org");
    assert_err(ERR_DENIED, seen.e);
    config_unref(c);
    mem_free(extra);
}

static void the_zone_cannot_change_while_running(void **state)
{
    struct config *c = bed_config_of("other.example.com", state_dir, "");
    char *why = NULL;
    assert_err(ERR_CONFLICT, authority_set_config(authority, c, &why));
    mem_free(why);
    config_unref(c);

    c = bed_config_of(BED_ZONE, state_dir,
                      "domains: [{domain: app.x." BED_ZONE ", default_service: web}]\n");
    assert_ok(authority_set_config(authority, c, &why));
    config_unref(c);
    ask("app.x." BED_ZONE);
    wait_for_answers(1);
    assert_ok(seen.e);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define REAL(name) cmocka_unit_test_setup_teardown(name, set_up_real, tear_down)
    const struct CMUnitTest tests[] = {
        T(requests_for_the_same_are_one),
        T(a_failure_is_told_and_not_kept),
        T(what_is_not_ours_is_never_made),
        T(those_in_the_making_are_bounded),
        T(scanners_leave_room),
        T(those_held_are_bounded),
        T(a_forgotten_one_is_made_anew),
        T(one_forgotten_in_the_making_is_answered_and_let_go),
        T(an_answer_may_turn_everything_over),
        T(those_who_wait_at_the_end_are_dropped),
        T(one_that_is_due_is_renewed),
        T(a_failed_renewal_is_tried_again),
        T(an_expired_one_is_not_given_out),
        T(the_unwanted_is_let_go_instead),
        T(renewals_leave_room),
        REAL(the_internal_ca_makes_them),
        REAL(the_authority_may_go_first),
        REAL(what_cannot_be_done_is_refused_at_the_start),
        REAL(a_domain_outside_the_zone_is_denied),
        REAL(the_zone_cannot_change_while_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
