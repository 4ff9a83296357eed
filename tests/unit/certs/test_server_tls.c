/* Whole handshakes against certs/server_tls.h. */
#include "certs/server_tls.h"

#include <malloc.h>

#include "certs/x509_make.h"
#include "unit/certs/tls_bed.h"

#define HOST "web.slim-gecko." BED_ZONE
#define BASE "slim-gecko." BED_ZONE

static struct config *config;
static struct ca *ca;
static SSL_CTX *client_ctx;

/* Each test's own. */
static struct bed_asks asks;
static struct server_tls *server;

static int set_up_all(void **state)
{
    config = bed_config("");
    ca = bed_ca();
    client_ctx = bed_client_ctx(ca);
    return 0;
}

static int tear_down_all(void **state)
{
    SSL_CTX_free(client_ctx);
    ca_unref(ca);
    config_unref(config);
    return 0;
}

static int set_up(void **state)
{
    memset(&asks, 0, sizeof asks);
    server = bed_server(config, &asks);
    return 0;
}

static int tear_down(void **state)
{
    server_tls_free(server);
    return 0;
}

/* ---- which certificate ---- */

static void a_held_certificate_is_presented(void **state)
{
    struct cert *c = bed_cert(ca, BASE);
    server_tls_put(server, c);
    struct bed_pair p;
    bed_pair_init(&p, server, client_ctx, HOST);
    assert_int_equal(SSL_set1_host(p.client, HOST), 1);
    assert_true(bed_run(&p));
    assert_true(bed_presented(&p, c));
    assert_ptr_equal(p.w.cert, c);
    assert_int_equal(asks.n, 0);
    assert_int_equal(SSL_version(p.server), TLS1_3_VERSION);
    bed_pair_deinit(&p);
    cert_unref(c);
}

static void a_certificate_in_the_making_suspends_its_handshake_only(void **state)
{
    bed_put(server, ca, "other." BED_ZONE);
    struct bed_pair slow, slow_too, quick;
    bed_pair_init(&slow, server, client_ctx, HOST);
    bed_pair_init(&slow_too, server, client_ctx, "api." BASE);
    bed_pair_init(&quick, server, client_ctx, "web.other." BED_ZONE);
    assert_false(bed_run(&slow));
    assert_false(bed_run(&slow_too));
    assert_true(bed_suspended(&slow) && bed_suspended(&slow_too));
    assert_true(bed_run(&quick));

    /* One question for both. */
    assert_int_equal(asks.n, 1);
    assert_string_equal(asks.bases[0], BASE);
    assert_int_equal(slow.ready, 0);

    struct cert *c = bed_cert(ca, BASE);
    server_tls_put(server, c);
    assert_int_equal(slow.ready, 1);
    assert_int_equal(slow_too.ready, 1);
    assert_true(bed_run(&slow) && bed_presented(&slow, c));
    assert_true(bed_run(&slow_too) && bed_presented(&slow_too, c));
    assert_ptr_equal(slow.w.cert, c);
    assert_int_equal(asks.n, 1);
    cert_unref(c);
    bed_pair_deinit(&slow);
    bed_pair_deinit(&slow_too);
    bed_pair_deinit(&quick);
}

static void trying_again_too_early_is_no_harm(void **state)
{
    struct bed_pair p;
    bed_pair_init(&p, server, client_ctx, HOST);
    for (int i = 0; i < 3; i++) {
        assert_false(bed_run(&p));
        assert_true(bed_suspended(&p));
    }
    assert_int_equal(asks.n, 1);
    bed_put(server, ca, BASE);
    assert_int_equal(p.ready, 1);
    assert_true(bed_run(&p));
    bed_pair_deinit(&p);
}

static void an_answer_at_once_suspends_nothing(void **state)
{
    asks.answer_at_once = server;
    asks.ca = ca;
    struct bed_pair p;
    bed_pair_init(&p, server, client_ctx, HOST);
    assert_true(bed_run(&p));
    assert_int_equal(p.ready, 0);
    assert_int_equal(asks.n, 1);
    bed_pair_deinit(&p);
}

static void a_refusal_at_once_ends_the_handshake(void **state)
{
    asks.answer_at_once = server;
    struct bed_pair p;
    bed_pair_init(&p, server, client_ctx, HOST);
    assert_false(bed_run(&p));
    assert_int_equal(p.alert, SSL_AD_UNRECOGNIZED_NAME);
    assert_int_equal(p.ready, 0);
    bed_pair_deinit(&p);
}

static void a_refusal_falls_back_to_the_zones(void **state)
{
    SSL_CTX *trusting = bed_client_ctx(NULL);
    struct bed_pair with, without;
    bed_pair_init(&without, server, trusting, HOST);
    assert_false(bed_run(&without));
    server_tls_refuse(server, BASE);
    assert_int_equal(without.ready, 1);
    assert_false(bed_run(&without));
    assert_int_equal(without.alert, SSL_AD_UNRECOGNIZED_NAME);
    assert_null(without.w.cert);

    struct cert *zone = bed_cert(ca, BED_ZONE);
    server_tls_put(server, zone);
    bed_pair_init(&with, server, trusting, HOST);
    assert_false(bed_run(&with));
    server_tls_refuse(server, BASE);
    assert_true(bed_run(&with));
    assert_true(bed_presented(&with, zone));
    assert_ptr_equal(with.w.cert, zone);
    cert_unref(zone);
    bed_pair_deinit(&with);
    bed_pair_deinit(&without);
    SSL_CTX_free(trusting);
}

static void a_connection_that_goes_stops_waiting(void **state)
{
    struct bed_pair p[3];
    for (size_t i = 0; i < ARRAY_LEN(p); i++) {
        bed_pair_init(&p[i], server, client_ctx, HOST);
        assert_false(bed_run(&p[i]));
    }
    bed_pair_deinit(&p[1]);
    bed_put(server, ca, BASE);
    assert_true(bed_run(&p[0]) && bed_run(&p[2]));
    assert_int_equal(p[1].ready, 0);
    bed_pair_deinit(&p[0]);
    bed_pair_deinit(&p[2]);
}

static struct bed_pair *victim;

static void end_the_other(struct cert_waiter *w)
{
    bed_on_ready(w);
    if (victim && victim != bed_pair_of(w)) {
        bed_pair_deinit(victim);
        victim = NULL;
    }
}

/* on_ready of one connection may close another that waits for the same. */
static void those_who_wait_may_end_each_other(void **state)
{
    struct bed_pair p[3];
    for (size_t i = 0; i < ARRAY_LEN(p); i++) {
        bed_pair_init(&p[i], server, client_ctx, HOST);
        p[i].w.on_ready = end_the_other;
        assert_false(bed_run(&p[i]));
    }
    victim = &p[1];
    bed_put(server, ca, BASE);
    assert_null(victim);
    assert_int_equal(p[0].ready + p[2].ready, 2);
    bed_pair_deinit(&p[0]);
    bed_pair_deinit(&p[2]);
}

static void a_worker_may_end_while_they_wait(void **state)
{
    struct bed_pair p;
    bed_pair_init(&p, server, client_ctx, HOST);
    assert_false(bed_run(&p));
    server_tls_free(server);
    server = NULL;
    assert_int_equal(p.ready, 0);
    bed_pair_deinit(&p);
}

static void a_dropped_certificate_is_asked_for_anew(void **state)
{
    bed_put(server, ca, BASE);
    server_tls_drop(server, BASE);
    server_tls_drop(server, "never." BED_ZONE);
    struct bed_pair p;
    bed_pair_init(&p, server, client_ctx, HOST);
    assert_false(bed_run(&p));
    assert_true(bed_suspended(&p));
    assert_int_equal(asks.n, 1);
    bed_pair_deinit(&p);
}

static void a_successor_takes_its_place(void **state)
{
    struct cert *old = bed_cert(ca, BASE), *new = bed_cert(ca, BASE);
    struct bed_pair before, after;
    server_tls_put(server, old);
    bed_pair_init(&before, server, client_ctx, HOST);
    assert_true(bed_run(&before));
    server_tls_replace(server, new);
    bed_pair_init(&after, server, client_ctx, HOST);
    assert_true(bed_run(&after));
    assert_true(bed_presented(&before, old) && bed_presented(&after, new));
    assert_ptr_equal(before.w.cert, old); /* pinned by its connection */

    /* A renewal of what is not held here is not held here. */
    struct cert *other = bed_cert(ca, "other." BED_ZONE);
    server_tls_replace(server, other);
    struct bed_pair p;
    bed_pair_init(&p, server, client_ctx, "web.other." BED_ZONE);
    assert_false(bed_run(&p));
    bed_pair_deinit(&p);
    bed_pair_deinit(&before);
    bed_pair_deinit(&after);
    cert_unref(other);
    cert_unref(old);
    cert_unref(new);
}

static void an_expired_certificate_is_asked_for_anew(void **state)
{
    struct cert *c;
    assert_ok(leaf_issue(ca, BASE, bed_now() - LEAF_LIFE_S - 60, &c));
    server_tls_put(server, c);
    cert_unref(c);
    struct bed_pair p;
    bed_pair_init(&p, server, client_ctx, HOST);
    assert_false(bed_run(&p));
    assert_true(bed_suspended(&p));
    bed_put(server, ca, BASE);
    assert_true(bed_run(&p));
    bed_pair_deinit(&p);
}

static void questions_on_the_way_are_bounded(void **state)
{
    static struct bed_pair p[SERVER_TLS_ASKS_MAX + 2];
    struct cert *zone = bed_cert(ca, BED_ZONE);
    server_tls_put(server, zone);
    SSL_CTX *trusting = bed_client_ctx(NULL);
    for (size_t i = 0; i < ARRAY_LEN(p); i++) {
        char *host = mem_printf("web.scan-%zu." BED_ZONE, i);
        bed_pair_init(&p[i], server, trusting, host);
        bool done = bed_run(&p[i]);
        assert_true(done == (i >= SERVER_TLS_ASKS_MAX));
        mem_free(host);
    }
    assert_int_equal(asks.n, SERVER_TLS_ASKS_MAX);
    assert_true(bed_presented(&p[SERVER_TLS_ASKS_MAX], zone));

    /* One answer makes room for one question. */
    server_tls_refuse(server, asks.bases[0]);
    struct bed_pair more;
    bed_pair_init(&more, server, trusting, "web.more." BED_ZONE);
    assert_false(bed_run(&more));
    assert_int_equal(asks.n, SERVER_TLS_ASKS_MAX + 1);
    bed_pair_deinit(&more);
    for (size_t i = 0; i < ARRAY_LEN(p); i++)
        bed_pair_deinit(&p[i]);
    cert_unref(zone);
    SSL_CTX_free(trusting);
}

/* However many a scanner makes up. */
static void the_zones_is_asked_for_all_the_same(void **state)
{
    static struct bed_pair p[SERVER_TLS_ASKS_MAX];
    for (size_t i = 0; i < ARRAY_LEN(p); i++) {
        char *host = mem_printf("web.scan-%zu." BED_ZONE, i);
        bed_pair_init(&p[i], server, client_ctx, host);
        assert_false(bed_run(&p[i]));
        mem_free(host);
    }
    struct bed_pair q;
    bed_pair_init(&q, server, client_ctx, "edge." BED_ZONE);
    assert_false(bed_run(&q));
    assert_true(bed_suspended(&q));
    assert_int_equal(asks.n, SERVER_TLS_ASKS_MAX + 1);
    bed_put(server, ca, BED_ZONE);
    assert_true(bed_run(&q));
    bed_pair_deinit(&q);
    for (size_t i = 0; i < ARRAY_LEN(p); i++)
        bed_pair_deinit(&p[i]);
}

/* ---- names ---- */

static void no_name_gets_the_zones(void **state)
{
    struct cert *zone = bed_cert(ca, BED_ZONE);
    struct bed_pair p, q;
    bed_pair_init(&p, server, client_ctx, NULL);
    assert_false(bed_run(&p));
    assert_true(bed_suspended(&p));
    assert_string_equal(asks.bases[0], BED_ZONE);
    server_tls_put(server, zone);
    assert_true(bed_run(&p) && bed_presented(&p, zone));
    bed_pair_init(&q, server, client_ctx, NULL);
    assert_true(bed_run(&q) && bed_presented(&q, zone));
    bed_pair_deinit(&p);
    bed_pair_deinit(&q);
    cert_unref(zone);
}

static void names_are_compared_without_case(void **state)
{
    bed_put(server, ca, BASE);
    struct bed_pair p;
    bed_pair_init(&p, server, client_ctx, "Web.SLIM-gecko.Dev.Example.COM");
    assert_true(bed_run(&p));
    bed_pair_deinit(&p);
    bed_pair_init(&p, server, client_ctx, HOST ".");
    assert_true(bed_run(&p));
    bed_pair_deinit(&p);
}

#define L63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"

static void a_name_that_is_not_ours_is_unrecognised(void **state)
{
    bed_put(server, ca, BED_ZONE);
    static const char *const names[] = {
        "evil.net",
        "a.b.c." BED_ZONE,
        "127.0.0.1",
        "*." BED_ZONE,
        "..",
        ".",
        "web." BED_ZONE "..",
        "web..s." BED_ZONE,
        "we b",
        "_x." BED_ZONE,
        L63 "." L63 "." L63 "." L63 /* 255 bytes */,
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct bed_pair p;
        bed_pair_init(&p, server, client_ctx, names[i]);
        assert_false(bed_run(&p));
        assert_int_equal(p.alert, SSL_AD_UNRECOGNIZED_NAME);
        assert_null(p.w.cert);
        bed_pair_deinit(&p);
    }
    assert_int_equal(asks.n, 0);
}

/* ---- certificates from files ---- */

static struct cert *named(const char *path, const char *base)
{
    /* As from a file: its base is the path. */
    EVP_PKEY *key = x509_make_key();
    X509 *x = x509_begin(key, base, X509_get_subject_name(ca_x509(ca)), bed_now() - 60,
                         bed_now() + 3600);
    assert_true(x509_add_base_names(x, base));
    assert_true(X509_sign(x, ca_key(ca), EVP_sha256()));
    CRYPTO_BUFFER *der = x509_to_buffer(x);
    struct cert *c;
    assert_ok(cert_new(path, &der, 1, key, &c));
    CRYPTO_BUFFER_free(der);
    X509_free(x);
    EVP_PKEY_free(key);
    return c;
}

static void presents(const char *host, const struct cert *c)
{
    struct bed_pair p;
    bed_pair_init(&p, server, client_ctx, host);
    if (!bed_run(&p) || !bed_presented(&p, c) || p.w.cert != c)
        fail_msg("%s: another certificate", host ? host : "(no name)");
    bed_pair_deinit(&p);
}

static void files_are_matched_by_their_names_first(void **state)
{
    struct cert *wide = named("/wide.pem", BED_ZONE),
                *narrow = named("/narrow.pem", "web." BED_ZONE);
    struct cert *made = bed_cert(ca, BED_ZONE), *foreign = named("/f.pem", BASE);
    server_tls_put(server, made);
    struct cert *const files[] = {wide, narrow};
    presents("web." BED_ZONE, made);
    server_tls_set_files(server, files, 2);
    presents("web." BED_ZONE, narrow); /* the exact name before the wildcard */
    presents("api." BED_ZONE, wide);
    presents("x.web." BED_ZONE, narrow);
    presents(BED_ZONE, wide);
    presents(NULL, wide);

    server_tls_set_files(server, &foreign, 1);
    presents(HOST, foreign);
    presents("web." BED_ZONE, made);
    server_tls_set_files(server, NULL, 0);
    presents("api." BED_ZONE, made);
    assert_int_equal(asks.n, 0);
    cert_unref(wide);
    cert_unref(narrow);
    cert_unref(made);
    cert_unref(foreign);
}

static void a_changed_file_takes_the_place_of_its_path(void **state)
{
    struct cert *a = named("/a.pem", BED_ZONE), *b = named("/b.pem", "b." BED_ZONE);
    struct cert *const files[] = {a, b};
    server_tls_set_files(server, files, 2);
    struct cert *next = named("/b.pem", "c." BED_ZONE);
    server_tls_put(server, next);
    presents("x.c." BED_ZONE, next);
    presents("b." BED_ZONE, a);
    cert_unref(a);
    cert_unref(b);
    cert_unref(next);
}

/* ---- versions and protocols ---- */

static void versions_older_than_1_2_are_refused(void **state)
{
    bed_put(server, ca, BASE);
    static const uint16_t old[] = {TLS1_VERSION, TLS1_1_VERSION};
    for (size_t i = 0; i < ARRAY_LEN(old); i++) {
        struct bed_pair p;
        bed_pair_init(&p, server, client_ctx, HOST);
        assert_true(SSL_set_min_proto_version(p.client, TLS1_VERSION));
        assert_true(SSL_set_max_proto_version(p.client, old[i]));
        assert_false(bed_run(&p));
        assert_int_equal(p.alert, SSL_AD_PROTOCOL_VERSION);
        bed_pair_deinit(&p);
    }
}

static void version_1_2_is_spoken(void **state)
{
    bed_put(server, ca, BASE);
    struct bed_pair p;
    bed_pair_init(&p, server, client_ctx, HOST);
    assert_true(SSL_set_max_proto_version(p.client, TLS1_2_VERSION));
    assert_true(bed_run(&p));
    assert_int_equal(SSL_version(p.server), TLS1_2_VERSION);
    assert_true(SSL_CIPHER_is_aead(SSL_get_current_cipher(p.server)));
    bed_pair_deinit(&p);
}

/* RFC 9113 9.2.2 forbids them with HTTP/2, and nobody needs them with HTTP/1.1. */
static void old_ciphers_are_refused(void **state)
{
    bed_put(server, ca, BASE);
    struct bed_pair p;
    bed_pair_init(&p, server, client_ctx, HOST);
    assert_true(SSL_set_max_proto_version(p.client, TLS1_2_VERSION));
    assert_true(SSL_set_strict_cipher_list(p.client, "ECDHE-ECDSA-AES128-SHA"));
    assert_false(bed_run(&p));
    assert_int_equal(p.alert, SSL_AD_HANDSHAKE_FAILURE);
    bed_pair_deinit(&p);
}

static void alpn_is_chosen_by_our_preference(void **state)
{
    static const struct {
        const char *offer;
        unsigned len;
        const char *chosen; /* NULL: no_application_protocol */
    } table[] = {
        {"\2h2\10http/1.1", 12, "h2"},
        {"\10http/1.1\2h2", 12, "h2"},
        {"\10http/1.1", 9, "http/1.1"},
        {"\6spdy/3\10http/1.1", 16, "http/1.1"},
        {"", 0, ""},
        {"\2h3", 3, NULL},
        {"\3h2c\10http/1.0", 13, NULL},
        {"\2H2", 3, NULL},
    };
    bed_put(server, ca, BASE);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct bed_pair p;
        bed_pair_init(&p, server, client_ctx, HOST);
        assert_int_equal(
            SSL_set_alpn_protos(p.client, (const uint8_t *)table[i].offer, table[i].len), 0);
        bool done = bed_run(&p);
        const uint8_t *chosen;
        unsigned len;
        SSL_get0_alpn_selected(p.server, &chosen, &len);
        if (!table[i].chosen) {
            assert_false(done);
            assert_int_equal(p.alert, SSL_AD_NO_APPLICATION_PROTOCOL);
        } else if (!done || !span_eq(span_of(chosen, len), span_str(table[i].chosen))) {
            fail_msg("case %zu", i);
        }
        bed_pair_deinit(&p);
    }
}

#ifdef SSL_GROUP_X25519_MLKEM768
static void key_exchange_is_post_quantum_where_it_can_be(void **state)
{
    bed_put(server, ca, BASE);
    static const uint16_t offers[] = {SSL_GROUP_X25519, SSL_GROUP_X25519_MLKEM768};
    struct bed_pair p;
    bed_pair_init(&p, server, client_ctx, HOST);
    assert_true(SSL_set1_group_ids(p.client, offers, ARRAY_LEN(offers)));
    assert_true(bed_run(&p));
    assert_int_equal(SSL_get_group_id(p.server), SSL_GROUP_X25519_MLKEM768);
    bed_pair_deinit(&p);
}
#endif

/* What BoringSSL holds for a connection on which nothing happens; buffers are the transport's. */
static void an_idle_connection_is_small(void **state)
{
    struct ticket_keys keys = {.n = 0};
    ticket_keys_rotate(&keys);
    server_tls_set_ticket_keys(server, &keys);
    bed_put(server, ca, BASE);
    static struct bed_pair p[16];
    for (size_t i = 0; i < ARRAY_LEN(p); i++) {
        bed_pair_init(&p[i], server, client_ctx, HOST);
        assert_true(bed_run(&p[i]));
        char got[5];
        assert_int_equal(SSL_write(p[i].client, "hello", sizeof got), sizeof got);
        assert_int_equal(SSL_read(p[i].server, got, sizeof got), sizeof got);
        BIO_up_ref(p[i].server_bio);
    }
    size_t before = mallinfo2().uordblks;
    for (size_t i = 0; i < ARRAY_LEN(p); i++) {
        SSL_free(p[i].server);
        p[i].server = NULL;
    }
    size_t freed = before - mallinfo2().uordblks; /* 0 with a sanitizer's own allocator */
    for (size_t i = 0; i < ARRAY_LEN(p); i++) {
        BIO_free(p[i].server_bio);
        bed_pair_deinit(&p[i]);
    }
    assert_in_range(freed / ARRAY_LEN(p), 0, 4096);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_held_certificate_is_presented),
        T(a_certificate_in_the_making_suspends_its_handshake_only),
        T(trying_again_too_early_is_no_harm),
        T(an_answer_at_once_suspends_nothing),
        T(a_refusal_at_once_ends_the_handshake),
        T(a_refusal_falls_back_to_the_zones),
        T(a_connection_that_goes_stops_waiting),
        T(those_who_wait_may_end_each_other),
        T(a_worker_may_end_while_they_wait),
        T(a_dropped_certificate_is_asked_for_anew),
        T(a_successor_takes_its_place),
        T(an_expired_certificate_is_asked_for_anew),
        T(questions_on_the_way_are_bounded),
        T(the_zones_is_asked_for_all_the_same),
        T(no_name_gets_the_zones),
        T(names_are_compared_without_case),
        T(a_name_that_is_not_ours_is_unrecognised),
        T(files_are_matched_by_their_names_first),
        T(a_changed_file_takes_the_place_of_its_path),
        T(versions_older_than_1_2_are_refused),
        T(version_1_2_is_spoken),
        T(old_ciphers_are_refused),
        T(alpn_is_chosen_by_our_preference),
#ifdef SSL_GROUP_X25519_MLKEM768
        T(key_exchange_is_post_quantum_where_it_can_be),
#endif
        T(an_idle_connection_is_small),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
