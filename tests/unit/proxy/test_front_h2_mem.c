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
    char *inside = m.mem.malloc(9000, &m), *outside = m.mem.malloc(9000, &m);
    memset(inside, 'a', 9000);
    memset(outside, 'b', 9000);
    assert_null(m.mem.calloc(SIZE_MAX / 2, 4, &m));
    /* Grown, what was in the slab keeps its content. */
    char *grown = m.mem.realloc(inside, 20000, &m);
    assert_memory_equal(grown, "aaaa", 4);
    assert_int_equal(grown[8999], 'a');
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_fits_its_slab),
        cmocka_unit_test(a_slab_is_used_again_and_comes_zeroed),
        cmocka_unit_test(what_does_not_fit_is_the_heaps),
        cmocka_unit_test(many_sessions_live_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
