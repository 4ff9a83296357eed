/* Sessions made in slabs behave as those on the heap, and give everything back. */
#include "proxy/front/front_h2_mem.h"

#include "core/mem.h"
#include "support/test.h"

static nghttp2_session *make(struct front_h2_mem *m, struct front_h2_slabs *slabs)
{
    nghttp2_session *session;
    nghttp2_session_callbacks *callbacks;
    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    front_h2_mem_init(m, slabs);
    assert_int_equal(nghttp2_session_server_new3(&session, callbacks, NULL, NULL, &m->mem), 0);
    front_h2_mem_made(m);
    nghttp2_session_callbacks_del(callbacks);
    return session;
}

static void end(struct front_h2_mem *m, nghttp2_session *session)
{
    nghttp2_session_del(session);
    front_h2_mem_deinit(m);
}

/* The point of it: with the version of the library at hand the slab takes what it is made for. */
static void a_session_fits_its_slab(void **state)
{
    (void)state;
    struct front_h2_slabs slabs;
    struct front_h2_mem m;
    front_h2_slabs_init(&slabs);
    nghttp2_session *session = make(&m, &slabs);
    assert_true(m.framed);
    assert_true(m.mapped);
    assert_true(m.used > 4096);
    end(&m, session);
    front_h2_slabs_deinit(&slabs);
}

static void a_slab_is_used_again_and_comes_zeroed(void **state)
{
    (void)state;
    struct front_h2_slabs slabs;
    struct front_h2_mem m;
    front_h2_slabs_init(&slabs);
    nghttp2_session *session = make(&m, &slabs);
    struct front_h2_slab *first = m.slab;
    end(&m, session);
    front_h2_mem_init(&m, &slabs);
    assert_ptr_equal(m.slab, first);
    const char *p = m.mem.calloc(1, 4096, &m);
    for (size_t i = 0; i < 4096; i++)
        assert_int_equal(p[i], 0);
    front_h2_mem_deinit(&m);
    front_h2_slabs_deinit(&slabs);
}

static void what_does_not_fit_is_the_heaps(void **state)
{
    (void)state;
    struct front_h2_slabs slabs;
    struct front_h2_mem m;
    front_h2_slabs_init(&slabs);
    front_h2_mem_init(&m, &slabs);
    char *inside = m.mem.malloc(5000, &m), *outside = m.mem.malloc(5000, &m);
    memset(inside, 'a', 5000);
    memset(outside, 'b', 5000);
    assert_null(m.mem.calloc(SIZE_MAX / 2, 4, &m));
    /* Grown, what was in the slab keeps its content. */
    char *grown = m.mem.realloc(inside, 20000, &m);
    assert_memory_equal(grown, "aaaa", 4);
    assert_int_equal(grown[4999], 'a');
    m.mem.free(grown, &m);
    m.mem.free(outside, &m);
    m.mem.free(inside, &m); /* no harm: it is the slab's */
    front_h2_mem_deinit(&m);
    front_h2_slabs_deinit(&slabs);
}

static void many_sessions_live_at_once(void **state)
{
    (void)state;
    enum { N = 200 };
    static struct front_h2_mem m[N];
    nghttp2_session *sessions[N];
    struct front_h2_slabs slabs;
    front_h2_slabs_init(&slabs);
    for (int i = 0; i < N; i++)
        sessions[i] = make(&m[i], &slabs);
    for (int i = 0; i < N; i++) {
        const uint8_t *bytes;
        assert_int_equal(nghttp2_submit_settings(sessions[i], NGHTTP2_FLAG_NONE, NULL, 0), 0);
        assert_int_equal(nghttp2_session_mem_send(sessions[i], &bytes), 9);
    }
    for (int i = 0; i < N; i++)
        end(&m[i], sessions[i]);
    front_h2_slabs_deinit(&slabs);
}

static ssize_t no_body(nghttp2_session *session, int32_t stream, uint8_t *buf, size_t n,
                       uint32_t *flags, nghttp2_data_source *source, void *user)
{
    (void)session, (void)stream, (void)buf, (void)n, (void)source, (void)user;
    *flags = NGHTTP2_DATA_FLAG_EOF;
    return 0;
}

/* What FROM has to say goes to TO; whether it was anything. */
static bool pass(nghttp2_session *from, nghttp2_session *to)
{
    bool any = false;
    const uint8_t *bytes;
    ssize_t n;
    while ((n = nghttp2_session_mem_send(from, &bytes)) > 0) {
        assert_int_equal(nghttp2_session_mem_recv(to, bytes, (size_t)n), n);
        any = true;
    }
    assert_int_equal(n, 0);
    return any;
}

/* The session that rested goes on as if it had not: settings, header tables, further streams, and streams
 * that PRIORITY has named and that are in its map all the while. */
static void a_session_rests_and_goes_on(void **state)
{
    (void)state;
    struct front_h2_slabs slabs;
    struct front_h2_mem m;
    front_h2_slabs_init(&slabs);
    nghttp2_session *server = make(&m, &slabs), *client;
    nghttp2_session_callbacks *callbacks;
    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    assert_int_equal(nghttp2_session_client_new(&client, callbacks, NULL), 0);
    nghttp2_session_callbacks_del(callbacks);
    assert_int_equal(nghttp2_submit_settings(client, NGHTTP2_FLAG_NONE, NULL, 0), 0);
    assert_int_equal(nghttp2_submit_settings(server, NGHTTP2_FLAG_NONE, NULL, 0), 0);

#define NV(n, v)                                                                                   \
    {(uint8_t *)(n), (uint8_t *)(v), sizeof(n) - 1, sizeof(v) - 1, NGHTTP2_NV_FLAG_NONE}
    nghttp2_nv ask[] = {NV(":method", "GET"), NV(":scheme", "https"), NV(":path", "/"),
                        NV(":authority", "a.example"), NV("x-remembered", "in the table")};
    nghttp2_nv say[] = {NV(":status", "200"), NV("server", "remembered too")};
    const nghttp2_data_provider body = {.read_callback = no_body};
    for (int i = 0; i < 5; i++) {
        if (i == 3) {
            nghttp2_priority_spec spec;
            nghttp2_priority_spec_init(&spec, 0, 7, 0);
            assert_int_equal(nghttp2_submit_priority(client, NGHTTP2_FLAG_NONE, 101, &spec), 0);
        }
        int32_t stream = nghttp2_submit_request(client, NULL, ask, ARRAY_LEN(ask), NULL, NULL);
        assert_int_equal(stream, 2 * i + 1);
        while (pass(client, server) || pass(server, client))
            ;
        assert_int_equal(nghttp2_submit_response(server, stream, say, ARRAY_LEN(say), &body), 0);
        while (pass(server, client) || pass(client, server))
            ;
        assert_null(nghttp2_session_find_stream(client, stream));
        assert_false(nghttp2_session_want_write(server));
        front_h2_mem_rest(&m);
        if (i >= 3)
            assert_non_null(nghttp2_session_find_stream(server, 101));
    }
    nghttp2_session_del(client);
    end(&m, server);
    front_h2_slabs_deinit(&slabs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_fits_its_slab),
        cmocka_unit_test(a_slab_is_used_again_and_comes_zeroed),
        cmocka_unit_test(what_does_not_fit_is_the_heaps),
        cmocka_unit_test(many_sessions_live_at_once),
        cmocka_unit_test(a_session_rests_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
