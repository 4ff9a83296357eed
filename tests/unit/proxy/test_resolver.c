#include "core/mem.h"
#include "proxy/net/resolver.h"
#include "support/test.h"

struct asker {
    struct resolve_wait w;
    struct ev_loop *loop;
    struct addr first;
    size_t n;
    enum err e;
    int calls;
};

static void on_done(struct resolve_wait *w, const struct addr *addrs, size_t n, enum err e)
{
    struct asker *a = CONTAINER_OF(w, struct asker, w);
    a->calls++;
    a->n = n;
    a->e = e;
    if (n > 0)
        a->first = addrs[0];
    ev_break(a->loop, EVBREAK_ONE);
}

static void run_until(struct asker *a)
{
    while (a->calls == 0)
        ev_run(a->loop, EVRUN_ONCE);
}

/* localhost is in every hosts file: no name server is needed. */
static void a_known_name_has_addresses(void **state)
{
    (void)state;
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct resolver *r = resolver_new(loop, NULL);
    struct asker a = {.w.done = on_done, .loop = loop};
    resolver_ask(r, "localhost", &a.w);
    run_until(&a);
    assert_int_equal(a.e, ERR_OK);
    assert_true(a.n > 0);
    assert_true(addr_is_loopback(&a.first));
    resolver_free(r);
    ev_loop_destroy(loop);
}

static void the_second_ask_is_answered_from_the_cache(void **state)
{
    (void)state;
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct resolver *r = resolver_new(loop, NULL);
    struct asker a = {.w.done = on_done, .loop = loop}, b = a;
    resolver_ask(r, "localhost", &a.w);
    run_until(&a);
    resolver_ask(r, "localhost", &b.w);
    assert_int_equal(b.calls, 1); /* before the loop has run */
    assert_int_equal(b.e, ERR_OK);
    resolver_free(r);
    ev_loop_destroy(loop);
}

/* c-ares knows without asking that no name has such a form. */
static void a_name_that_is_none_is_not_found(void **state)
{
    (void)state;
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct resolver *r = resolver_new(loop, NULL);
    struct asker a = {.w.done = on_done, .loop = loop};
    resolver_ask(r, "no..name", &a.w);
    run_until(&a);
    assert_int_equal(a.n, 0);
    assert_int_not_equal(a.e, ERR_OK);
    resolver_free(r);
    ev_loop_destroy(loop);
}

static void who_cancels_is_not_told(void **state)
{
    (void)state;
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct resolver *r = resolver_new(loop, NULL);
    struct asker a = {.w.done = on_done, .loop = loop}, b = a;
    resolver_ask(r, "name.invalid", &a.w);
    resolver_ask(r, "name.invalid", &b.w);
    if (a.calls == 0)
        resolve_cancel(&a.w);
    int before = a.calls;
    resolver_free(r); /* tells who still waits */
    assert_int_equal(a.calls, before);
    assert_int_equal(b.calls, 1);
    ev_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_name_has_addresses),
        cmocka_unit_test(the_second_ask_is_answered_from_the_cache),
        cmocka_unit_test(a_name_that_is_none_is_not_found),
        cmocka_unit_test(who_cancels_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
