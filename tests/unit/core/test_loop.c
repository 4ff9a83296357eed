#include "core/loop.h"

#include "core/mem.h"
#include "support/test.h"

struct probe {
    struct deadline deadline;
    uint64_t fired_at_ms;
    int fired;
    double again; /* seconds; set once more when it fires */
    struct deadline *stops;
};

static void on_due(struct ev_loop *loop, struct deadline *d)
{
    struct probe *p = CONTAINER_OF(d, struct probe, deadline);
    p->fired++;
    p->fired_at_ms = loop_now_ms(loop);
    if (p->stops)
        deadline_off(loop, p->stops);
    if (p->again > 0)
        deadline_set(loop, d, p->again);
    p->again = 0;
}

static int loop_make(void **state)
{
    *state = ev_loop_new(EVFLAG_AUTO);
    return *state ? 0 : -1;
}

static int loop_end(void **state)
{
    ev_loop_destroy((struct ev_loop *)*state);
    return 0;
}

static void now_is_the_monotonic_clock(void **state)
{
    struct ev_loop *loop = (struct ev_loop *)*state;
    uint64_t before = clock_us() / 1000;
    ev_now_update(loop);
    uint64_t now = loop_now_ms(loop);
    assert_true(now + 1 >= before);
    assert_true(now <= clock_us() / 1000);
    /* It stands still until the loop wakes up. */
    assert_int_equal(loop_now_ms(loop), now);
    assert_true(clock_wall_ms() > 1700000000000);
}

static void a_deadline_fires_once(void **state)
{
    struct ev_loop *loop = (struct ev_loop *)*state;
    struct probe p = {.fired = 0};
    deadline_init(&p.deadline, on_due);
    deadline_set(loop, &p.deadline, 0.001);
    ev_run(loop, 0);
    assert_int_equal(p.fired, 1);
    assert_true(p.deadline.due == 0.);
}

static void seconds_gone_by_are_due_at_once(void **state)
{
    struct ev_loop *loop = (struct ev_loop *)*state;
    struct probe p = {.fired = 0};
    deadline_init(&p.deadline, on_due);
    deadline_set(loop, &p.deadline, -5);
    ev_run(loop, 0);
    assert_int_equal(p.fired, 1);
}

/* Pushing back leaves the timer where it is; when that fires early, the rest is waited for. */
static void pushed_back_it_does_not_fire_early(void **state)
{
    struct ev_loop *loop = (struct ev_loop *)*state;
    struct probe p = {.fired = 0};
    deadline_init(&p.deadline, on_due);
    deadline_set(loop, &p.deadline, 0.001);
    double at = p.deadline.timer.at;
    deadline_set(loop, &p.deadline, 0.010);
    deadline_set(loop, &p.deadline, 0.030);
    assert_true(p.deadline.timer.at == at);
    uint64_t start = loop_now_ms(loop);
    ev_run(loop, 0);
    assert_int_equal(p.fired, 1);
    assert_true(p.fired_at_ms + 1 >= start + 30);
}

static void brought_forward_it_is_armed_anew(void **state)
{
    struct ev_loop *loop = (struct ev_loop *)*state;
    struct probe p = {.fired = 0};
    deadline_init(&p.deadline, on_due);
    deadline_set(loop, &p.deadline, 100000);
    deadline_set(loop, &p.deadline, 0.001);
    ev_run(loop, 0);
    assert_int_equal(p.fired, 1);
}

static void off_is_off(void **state)
{
    struct ev_loop *loop = (struct ev_loop *)*state;
    struct probe p = {.fired = 0}, first = {.fired = 0, .stops = &p.deadline};
    deadline_init(&p.deadline, on_due);
    deadline_off(loop, &p.deadline);

    deadline_init(&first.deadline, on_due);
    deadline_set(loop, &first.deadline, 0.001);
    deadline_set(loop, &p.deadline, 0.002);
    ev_run(loop, 0);
    assert_int_equal(first.fired, 1);
    assert_int_equal(p.fired, 0);

    deadline_set(loop, &p.deadline, 0.001);
    ev_run(loop, 0);
    assert_int_equal(p.fired, 1);
}

static void it_may_be_set_again_when_it_fires(void **state)
{
    struct ev_loop *loop = (struct ev_loop *)*state;
    struct probe p = {.again = 0.001};
    deadline_init(&p.deadline, on_due);
    deadline_set(loop, &p.deadline, 0.001);
    ev_run(loop, 0);
    assert_int_equal(p.fired, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, loop_make, loop_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(now_is_the_monotonic_clock),        TEST(a_deadline_fires_once),
        TEST(seconds_gone_by_are_due_at_once),   TEST(pushed_back_it_does_not_fire_early),
        TEST(brought_forward_it_is_armed_anew),  TEST(off_is_off),
        TEST(it_may_be_set_again_when_it_fires),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
