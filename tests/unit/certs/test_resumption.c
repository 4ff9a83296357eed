/* Tickets across workers, and what they may not cross: certs/tickets.h, certs/server_tls.h. */
#include "certs/tickets.h"

#include "unit/certs/tls_bed.h"

#define HOST "web.one." BED_ZONE

static struct config *config;
static struct ca *ca;
static SSL_CTX *client_ctx;
static struct bed_asks asks;
static struct ticket_keys keys;
static struct server_tls *workers[2];

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

static void give_keys(void)
{
    for (size_t i = 0; i < ARRAY_LEN(workers); i++)
        server_tls_set_ticket_keys(workers[i], &keys);
}

static int set_up(void **state)
{
    memset(&keys, 0, sizeof keys);
    ticket_keys_rotate(&keys);
    for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
        workers[i] = bed_server(config, &asks);
        bed_put(workers[i], ca, "one." BED_ZONE);
        bed_put(workers[i], ca, "two." BED_ZONE);
    }
    give_keys();
    return 0;
}

static int tear_down(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(workers); i++)
        server_tls_free(workers[i]);
    return 0;
}

struct visit {
    bool resumed, got_ticket;
    bool covered; /* the waiter's certificate covers the host */
    SSL_SESSION *session;
};

/* One connection with SESSION (may be NULL), which it uses up. */
static struct visit visit(struct server_tls *worker, const char *host, SSL_SESSION *session,
                          uint16_t version)
{
    struct bed_pair p;
    bed_pair_init(&p, worker, client_ctx, host);
    assert_true(SSL_set_max_proto_version(p.client, version));
    if (session)
        assert_true(SSL_set_session(p.client, session));
    SSL_SESSION_free(session);
    assert_true(bed_run(&p));
    struct visit v = {
        .resumed = SSL_session_reused(p.server),
        .got_ticket = p.session && SSL_SESSION_has_ticket(p.session),
        .covered = p.w.cert && cert_covers(p.w.cert, span_str(host)),
        .session = p.session,
    };
    p.session = NULL;
    bed_pair_deinit(&p);
    return v;
}

static const uint16_t versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void the_other_worker_resumes(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct visit first = visit(workers[0], HOST, NULL, versions[i]);
        assert_false(first.resumed);
        assert_true(first.got_ticket);
        struct visit second = visit(workers[1], HOST, first.session, versions[i]);
        assert_true(second.resumed);
        assert_true(second.covered);
        SSL_SESSION_free(second.session);
    }
}

static void a_rotated_key_still_resumes_and_is_renewed(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        SSL_SESSION *s = visit(workers[0], HOST, NULL, versions[i]).session;
        ticket_keys_rotate(&keys);
        give_keys();
        struct visit v = visit(workers[1], HOST, s, versions[i]);
        assert_true(v.resumed);
        assert_true(v.got_ticket); /* under the new key: it outlives two more rotations */
        ticket_keys_rotate(&keys);
        ticket_keys_rotate(&keys);
        give_keys();
        v = visit(workers[0], HOST, v.session, versions[i]);
        assert_true(v.resumed);
        SSL_SESSION_free(v.session);
    }
}

static void a_forgotten_key_resumes_nothing(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        SSL_SESSION *s = visit(workers[0], HOST, NULL, versions[i]).session;
        for (int n = 0; n < TICKET_KEYS_MAX; n++)
            ticket_keys_rotate(&keys);
        give_keys();
        struct visit v = visit(workers[0], HOST, s, versions[i]);
        assert_false(v.resumed);
        assert_true(v.covered);
        SSL_SESSION_free(v.session);
    }
}

/* RFC 6066 3. */
static void a_ticket_is_good_under_its_certificate_only(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        SSL_SESSION *s = visit(workers[0], HOST, NULL, versions[i]).session;
        struct visit v = visit(workers[0], "web.two." BED_ZONE, s, versions[i]);
        assert_false(v.resumed);
        assert_true(v.covered);
        s = visit(workers[0], "api.one." BED_ZONE,
                  visit(workers[0], HOST, NULL, versions[i]).session, versions[i])
                .session;
        SSL_SESSION_free(v.session);
        SSL_SESSION_free(s);
    }
}

static void a_renewed_certificate_keeps_its_tickets(void **state)
{
    SSL_SESSION *s = visit(workers[0], HOST, NULL, TLS1_3_VERSION).session;
    bed_put(workers[0], ca, "one." BED_ZONE);
    struct visit v = visit(workers[0], HOST, s, TLS1_3_VERSION);
    assert_true(v.resumed);
    SSL_SESSION_free(v.session);
}

static void a_resumption_waits_for_its_certificate_too(void **state)
{
    SSL_SESSION *s = visit(workers[0], HOST, NULL, TLS1_3_VERSION).session;
    server_tls_drop(workers[0], "one." BED_ZONE);
    struct bed_pair p;
    bed_pair_init(&p, workers[0], client_ctx, HOST);
    assert_true(SSL_set_session(p.client, s));
    SSL_SESSION_free(s);
    assert_false(bed_run(&p));
    assert_true(bed_suspended(&p));
    bed_put(workers[0], ca, "one." BED_ZONE);
    assert_true(bed_run(&p));
    assert_true(SSL_session_reused(p.server));
    assert_non_null(p.w.cert);
    bed_pair_deinit(&p);
}

static void without_keys_there_are_no_tickets(void **state)
{
    ticket_keys_wipe(&keys);
    give_keys();
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct visit v = visit(workers[0], HOST, NULL, versions[i]);
        assert_false(v.got_ticket);
        SSL_SESSION_free(v.session);
    }
}

static void other_workers_without_the_key_shake_hands_in_full(void **state)
{
    struct ticket_keys others = {.n = 0};
    ticket_keys_rotate(&others);
    server_tls_set_ticket_keys(workers[1], &others);
    SSL_SESSION *s = visit(workers[0], HOST, NULL, TLS1_3_VERSION).session;
    struct visit v = visit(workers[1], HOST, s, TLS1_3_VERSION);
    assert_false(v.resumed);
    SSL_SESSION_free(v.session);
}

static void rotation_keeps_the_newest(void **state)
{
    struct ticket_keys k = {.n = 0};
    struct ticket_key seen[5];
    for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
        ticket_keys_rotate(&k);
        seen[i] = k.v[0];
        assert_int_equal(k.n, i < TICKET_KEYS_MAX ? i + 1 : TICKET_KEYS_MAX);
        for (size_t j = 1; j < k.n; j++)
            assert_memory_equal(&k.v[j], &seen[i - j], sizeof k.v[j]);
        if (i > 0)
            assert_memory_not_equal(&k.v[0], &k.v[1], sizeof k.v[0]);
    }
    ticket_keys_wipe(&k);
    static const struct ticket_keys zero;
    assert_memory_equal(&k, &zero, sizeof k);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(the_other_worker_resumes),
        T(a_rotated_key_still_resumes_and_is_renewed),
        T(a_forgotten_key_resumes_nothing),
        T(a_ticket_is_good_under_its_certificate_only),
        T(a_renewed_certificate_keeps_its_tickets),
        T(a_resumption_waits_for_its_certificate_too),
        T(without_keys_there_are_no_tickets),
        T(other_workers_without_the_key_shake_hands_in_full),
        T(rotation_keeps_the_newest),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
