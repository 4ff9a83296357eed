#include "core/mem.h"
#include "proxy/net/turn.h"
#include "support/test.h"

struct item {
    struct turn_item i;
    struct turn *turn;
    struct item *next_flush; /* asked for from within run */
    struct item *reap;
    int at;
};

static int counter;

static void run_item(struct turn_item *i)
{
    struct item *it = CONTAINER_OF(i, struct item, i);
    it->at = ++counter;
    if (it->next_flush)
        turn_flush(it->turn, &it->next_flush->i);
    if (it->reap)
        turn_reap(it->turn, &it->reap->i);
}

static void flushes_run_once_in_order_then_reaps(void **state)
{
    (void)state;
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct turn t;
    struct item a = {.i.run = run_item, .turn = &t}, b = a, c = a, dead = a;
    counter = 0;
    turn_init(&t, loop);
    b.reap = &dead;
    a.next_flush = &c;
    turn_flush(&t, &a.i);
    turn_flush(&t, &b.i);
    turn_flush(&t, &a.i);
    assert_int_equal(counter, 0);
    ev_run(loop, EVRUN_NOWAIT);
    assert_int_equal(a.at, 1);
    assert_int_equal(b.at, 2);
    assert_int_equal(c.at, 3);    /* what a flush asks for runs in the same turn */
    assert_int_equal(dead.at, 4); /* and nothing is freed before the last of them */
    ev_run(loop, EVRUN_NOWAIT);
    assert_int_equal(counter, 4);
    turn_deinit(&t, loop);
    ev_loop_destroy(loop);
}

static void what_is_taken_back_does_not_run(void **state)
{
    (void)state;
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct turn t;
    struct item a = {.i.run = run_item, .turn = &t}, b = a, c = a;
    counter = 0;
    turn_init(&t, loop);
    turn_flush(&t, &a.i);
    turn_flush(&t, &b.i);
    turn_unflush(&t, &b.i);
    turn_unflush(&t, &b.i);
    turn_flush(&t, &c.i);
    ev_run(loop, EVRUN_NOWAIT);
    assert_int_equal(a.at, 1);
    assert_int_equal(b.at, 0);
    assert_int_equal(c.at, 2);
    turn_deinit(&t, loop);
    ev_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flushes_run_once_in_order_then_reaps),
        cmocka_unit_test(what_is_taken_back_does_not_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
