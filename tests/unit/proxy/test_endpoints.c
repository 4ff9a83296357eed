/* Which address the next connection goes to, and what is remembered of each. */
#include "core/mem.h"
#include "proxy/back/endpoints.h"
#include "support/test.h"

#define START_MS 1000000

static struct endpoints set;
static uint64_t now;

static struct addr ip(const char *text)
{
    struct addr a;
    assert_ok(addr_parse_ip(span_str(text), 0, &a));
    return a;
}

#define LEAD_TO(...)                                                                               \
    lead_to((const char *const[]){__VA_ARGS__},                                                    \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void lead_to(const char *const *texts, size_t n)
{
    struct addr v[32];
    for (size_t i = 0; i < n; i++)
        v[i] = ip(texts[i]);
    endpoints_update(&set, v, n);
}

static struct endpoint *at(const char *text)
{
    struct addr a = ip(text);
    for (struct endpoint *p = set.first; p; p = p->next)
        if (addr_eq(&p->addr, &a))
            return p;
    return NULL;
}

static int set_up(void **state)
{
    endpoints_init(&set);
    now = START_MS;
    LEAD_TO("10.0.0.1", "10.0.0.2", "10.0.0.3");
    return 0;
}

static int tear_down(void **state)
{
    endpoints_deinit(&set);
    return 0;
}

static struct endpoint *pick_by(uint32_t chance)
{
    struct endpoint_choice c = {.now_ms = now, .chance = chance};
    return endpoints_pick(&set, &c);
}

/* How many of the 3000 possible choices go to it. */
static unsigned share(const char *text)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < 3000; i++)
        n += pick_by(i) == at(text);
    return n;
}

static void eject(const char *text)
{
    while (!endpoint_failed(&set, at(text), now))
        ;
}

static void equals_share_alike(void **state)
{
    assert_in_range(share("10.0.0.1"), 900, 1100);
    assert_in_range(share("10.0.0.2"), 900, 1100);
    assert_in_range(share("10.0.0.3"), 900, 1100);
}

static void the_least_busy_is_taken(void **state)
{
    at("10.0.0.1")->busy = 2;
    at("10.0.0.2")->busy = 1;
    at("10.0.0.3")->busy = 3;
    assert_int_equal(share("10.0.0.2"), 3000);
}

static void what_was_tried_or_is_down_is_not_taken(void **state)
{
    struct addr tried[] = {ip("10.0.0.1")}, down[] = {ip("10.0.0.3"), ip("10.9.9.9")};
    struct endpoint_choice c = {.now_ms = now, .tried = {tried, 1}};
    set.down = (struct endpoint_list){down, 2};
    for (c.chance = 0; c.chance < 300; c.chance++)
        assert_ptr_equal(endpoints_pick(&set, &c), at("10.0.0.2"));
    struct addr both[] = {ip("10.0.0.1"), ip("10.0.0.2")};
    c.tried = (struct endpoint_list){both, 2};
    assert_null(endpoints_pick(&set, &c));
}

static void failures_in_a_row_eject(void **state)
{
    struct endpoint *p = at("10.0.0.1");
    assert_false(endpoint_failed(&set, p, now));
    assert_false(endpoint_failed(&set, p, now));
    endpoint_succeeded(&set, p, now);
    assert_false(endpoint_failed(&set, p, now));
    assert_false(endpoint_failed(&set, p, now));
    assert_int_not_equal(share("10.0.0.1"), 0);
    assert_true(endpoint_failed(&set, p, now));
    assert_true(endpoint_is_ejected(p, now));
    assert_int_equal(share("10.0.0.1"), 0);
}

static void the_time_out_doubles_and_is_bounded(void **state)
{
    struct endpoint *p = at("10.0.0.1");
    uint64_t expected = ENDPOINT_EJECT_FIRST_MS;
    eject("10.0.0.1");
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(p->ejected_until_ms - now, expected);
        /* What was still under way adds nothing. */
        assert_false(endpoint_failed(&set, p, now));
        now = p->ejected_until_ms;
        assert_false(endpoint_is_ejected(p, now));
        assert_true(endpoint_failed(&set, p, now)); /* one is enough now */
        expected = expected * 2 < ENDPOINT_EJECT_MOST_MS ? expected * 2 : ENDPOINT_EJECT_MOST_MS;
    }
}

static void it_comes_back_slowly(void **state)
{
    eject("10.0.0.1");
    now = at("10.0.0.1")->ejected_until_ms;
    unsigned first = share("10.0.0.1");
    now += ENDPOINT_SLOW_START_MS / 2;
    unsigned half = share("10.0.0.1");
    now += ENDPOINT_SLOW_START_MS / 2;
    unsigned whole = share("10.0.0.1");
    assert_in_range(first, 50, 200);
    assert_in_range(half, 400, 700);
    assert_in_range(whole, 900, 1100);
}

static void a_long_time_without_failure_forgives(void **state)
{
    struct endpoint *p = at("10.0.0.1");
    eject("10.0.0.1");
    now = p->ejected_until_ms;
    endpoint_succeeded(&set, p, now);
    assert_int_equal(p->ejections, 1);
    assert_false(endpoint_failed(&set, p, now)); /* no longer on probation */
    endpoint_succeeded(&set, p, now);
    now += ENDPOINT_SLOW_START_MS;
    endpoint_succeeded(&set, p, now);
    assert_int_equal(p->ejections, 0);
    assert_int_equal(p->ejected_until_ms, 0);
    assert_false(endpoints_remember(&set, now));
}

static void where_all_are_ejected_all_are_used(void **state)
{
    eject("10.0.0.1");
    eject("10.0.0.2");
    assert_false(endpoints_all_out(&set, now));
    eject("10.0.0.3");
    assert_true(endpoints_all_out(&set, now));
    assert_int_not_equal(share("10.0.0.1"), 0);
    assert_int_not_equal(share("10.0.0.3"), 0);
    /* One that answers is well again at once. */
    endpoint_succeeded(&set, at("10.0.0.2"), now);
    assert_false(endpoint_is_ejected(at("10.0.0.2"), now));
    assert_false(endpoints_all_out(&set, now));
}

static void down_and_ejected_together_are_all_out(void **state)
{
    struct addr down[] = {ip("10.0.0.1"), ip("10.0.0.2")};
    set.down = (struct endpoint_list){down, 2};
    assert_false(endpoints_all_out(&set, now));
    eject("10.0.0.3");
    assert_true(endpoints_all_out(&set, now));
    assert_int_equal(share("10.0.0.3"), 3000);
    struct endpoints none;
    endpoints_init(&none);
    assert_false(endpoints_all_out(&none, now));
}

static void the_first_family_is_preferred(void **state)
{
    LEAD_TO("::1", "127.0.0.1");
    assert_int_equal(share("::1"), 3000);
    eject("::1");
    assert_int_equal(share("127.0.0.1"), 3000);
    now = at("::1")->ejected_until_ms;
    assert_in_range(share("::1"), 150, 500);
}

static void a_new_answer_keeps_what_is_known(void **state)
{
    eject("10.0.0.2");
    endpoint_hold(at("10.0.0.3"));
    LEAD_TO("10.0.0.9", "10.0.0.2", "10.0.0.9");
    assert_int_equal(set.n_listed, 2);
    assert_true(endpoint_is_ejected(at("10.0.0.2"), now));
    assert_null(at("10.0.0.1"));
    /* In use, but no longer chosen. */
    assert_non_null(at("10.0.0.3"));
    assert_int_equal(share("10.0.0.3"), 0);
    assert_int_equal(share("10.0.0.9"), 3000);
    endpoint_drop(&set, at("10.0.0.3"));
    assert_null(at("10.0.0.3"));
}

static void one_that_comes_back_into_the_list_is_the_same(void **state)
{
    struct endpoint *p = at("10.0.0.3");
    endpoint_hold(p);
    LEAD_TO("10.0.0.1");
    LEAD_TO("10.0.0.1", "10.0.0.3");
    assert_ptr_equal(at("10.0.0.3"), p);
    assert_true(p->listed);
    endpoint_drop(&set, p);
    assert_ptr_equal(at("10.0.0.3"), p);
}

static void the_list_is_bounded(void **state)
{
    LEAD_TO("10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4", "10.1.0.5", "10.1.0.6", "10.1.0.7",
            "10.1.0.8", "10.1.0.9", "10.1.0.10");
    assert_int_equal(set.n_listed, ENDPOINTS_LISTED_MAX);
    endpoints_update(&set, NULL, 0);
    assert_null(pick_by(0));
    assert_false(endpoints_all_out(&set, now));
}

static void since_when_it_is_out_of_reach(void **state)
{
    endpoints_unreachable(&set, now);
    endpoints_unreachable(&set, now + 500);
    assert_int_equal(set.failing_since_ms, START_MS);
    assert_true(endpoints_remember(&set, now));
    endpoint_succeeded(&set, at("10.0.0.1"), now + 600);
    assert_int_equal(set.failing_since_ms, 0);
}

#define IT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT(equals_share_alike),
        IT(the_least_busy_is_taken),
        IT(what_was_tried_or_is_down_is_not_taken),
        IT(failures_in_a_row_eject),
        IT(the_time_out_doubles_and_is_bounded),
        IT(it_comes_back_slowly),
        IT(a_long_time_without_failure_forgives),
        IT(where_all_are_ejected_all_are_used),
        IT(down_and_ejected_together_are_all_out),
        IT(the_first_family_is_preferred),
        IT(a_new_answer_keeps_what_is_known),
        IT(one_that_comes_back_into_the_list_is_the_same),
        IT(the_list_is_bounded),
        IT(since_when_it_is_out_of_reach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
