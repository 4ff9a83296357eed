/* What becomes of the findings of active checks. */
#include "core/mem.h"
#include "proxy/health/health_book.h"
#include "support/test.h"
#include "unit/sessions/route_bed.h"

#define ZONE "zone: z.test\n"
#define WEB_UP_TO "- {name: web, url: \"http://web:1\", health: {path: /h, rise: 2, fall: 3}}\n"
#define API "- {name: api, url: \"http://web:1\", health: {path: /h, rise: 1, fall: 1}}\n"
#define PLAIN "- {name: plain, url: \"http://web:1\"}\n"

static struct health_book book;
static uint64_t web_hash;
static int64_t now;
static const struct health_service *web;

static void configure(const char *services)
{
    char *text = mem_printf(ZONE "services:\n%s", services);
    struct config *c = bed_config(text);
    struct edge_image *i = edge_image_new(c);
    health_book_set(&book, i, now);
    const struct image_service *s = edge_image_service(i, SPAN_LIT("web"));
    if (s)
        web_hash = s->backend.hash;
    edge_image_unref(i);
    config_unref(c);
    mem_free(text);
}

static int set_up(void **state)
{
    now = 1000;
    health_book_init(&book);
    configure(WEB_UP_TO API PLAIN);
    web = health_book_find(&book, "web");
    return 0;
}

static int tear_down(void **state)
{
    health_book_deinit(&book);
    return 0;
}

/* One letter an address, 10.0.0.1 and so on: '+' well, 'x' a bad status, 'r' refused, ' ' not listed. */
static unsigned check(const char *findings)
{
    struct health_round r = {.hash = web_hash};
    for (size_t i = 0; findings[i]; i++) {
        char text[32];
        if (findings[i] == ' ')
            continue;
        struct health_finding *f = &r.v[r.n++];
        snprintf(text, sizeof text, "10.0.0.%zu", i + 1);
        assert_ok(addr_parse_ip(span_str(text), 0, &f->addr));
        f->outcome = findings[i] == '+'   ? HEALTH_WELL
                     : findings[i] == 'x' ? HEALTH_STATUS
                                          : HEALTH_REFUSED;
        f->status = findings[i] == 'x' ? 503 : 0;
    }
    const struct health_service *s;
    unsigned change = health_book_take(&book, &r, ++now, &s);
    assert_ptr_equal(s, health_book_find(&book, "web"));
    return change;
}

/* The addresses that workers are told to be down, by their last byte; "!" behind: all of it is. */
static void assert_told(const char *expected)
{
    char text[32];
    size_t n = 0;
    struct health_image *i = health_book_image(&book);
    const struct health_entry *e = health_image_find(i, web_hash);
    for (size_t k = 0; e && k < e->n; k++)
        text[n++] = (char)('0' + addr_ip_bytes(&e->addrs[k], &(size_t){0})[3]);
    if (e && e->down)
        text[n++] = '!';
    text[n] = 0;
    assert_string_equal(text, expected);
    health_image_unref(i);
}

static void the_first_good_check_makes_it_up(void **state)
{
    assert_int_equal(web->state, HEALTH_UNKNOWN);
    assert_int_equal(check("r"), HEALTH_SAME);
    assert_int_equal(check("+"), HEALTH_ADDRESS_CHANGED | HEALTH_STATE_CHANGED);
    assert_int_equal(web->state, HEALTH_UP);
    assert_int_equal(web->since_ms, now);
    assert_int_equal(check("+"), HEALTH_SAME);
    assert_told("");
}

static void as_many_bad_ones_as_asked_make_it_down(void **state)
{
    check("+");
    assert_int_equal(check("x"), HEALTH_SAME);
    assert_int_equal(check("x"), HEALTH_SAME);
    assert_int_equal(check("+"), HEALTH_SAME);
    assert_int_equal(check("x"), HEALTH_SAME);
    assert_int_equal(check("x"), HEALTH_SAME);
    assert_told("");
    assert_int_equal(check("x"), HEALTH_ADDRESS_CHANGED | HEALTH_STATE_CHANGED);
    assert_int_equal(web->state, HEALTH_DOWN);
    assert_int_equal(web->last_status, 503);
    assert_told("1!");
    /* And so back. */
    assert_int_equal(check("+"), HEALTH_SAME);
    assert_int_equal(check("x"), HEALTH_SAME);
    assert_int_equal(check("+"), HEALTH_SAME);
    assert_int_equal(check("+"), HEALTH_ADDRESS_CHANGED | HEALTH_STATE_CHANGED);
    assert_told("");
}

static void one_of_several_is_told_and_the_service_stays_up(void **state)
{
    check("++");
    check("+r");
    check("+r");
    assert_int_equal(check("+r"), HEALTH_ADDRESS_CHANGED);
    assert_int_equal(web->state, HEALTH_UP);
    assert_int_equal(health_service_count(web, HEALTH_UP), 1);
    assert_int_equal(health_service_count(web, HEALTH_DOWN), 1);
    assert_told("2");
    /* The name leads elsewhere now: what was said of the old address is taken back. */
    assert_int_equal(check("+ +"), HEALTH_ADDRESS_CHANGED);
    assert_told("");
}

static void down_from_the_start(void **state)
{
    check("r");
    check("r");
    assert_int_equal(web->state, HEALTH_UNKNOWN);
    assert_int_equal(check("r"), HEALTH_ADDRESS_CHANGED | HEALTH_STATE_CHANGED);
    assert_told("1!");
}

static void a_name_without_address_is_a_bad_check_of_all(void **state)
{
    check("++");
    check("");
    check("");
    assert_int_equal(web->state, HEALTH_UP);
    assert_int_equal(check(""), HEALTH_ADDRESS_CHANGED | HEALTH_STATE_CHANGED);
    assert_int_equal(web->last_outcome, HEALTH_NAME);
    assert_told("12!");
}

static void a_name_that_never_had_one_is_down_too(void **state)
{
    check("");
    check("");
    check("");
    assert_int_equal(web->state, HEALTH_DOWN);
    assert_int_equal(health_service_count(web, HEALTH_DOWN), 0);
    assert_told("!");
    assert_int_equal(check("+"), HEALTH_ADDRESS_CHANGED | HEALTH_STATE_CHANGED);
    assert_told("");
}

static void services_at_one_address_are_told_apart(void **state)
{
    check("r");
    check("r");
    check("r");
    assert_int_equal(web->state, HEALTH_DOWN);
    assert_int_equal(health_book_find(&book, "api")->state, HEALTH_UNKNOWN);
    assert_null(health_book_find(&book, "plain"));
}

static void a_reload_keeps_what_did_not_change(void **state)
{
    check("+r");
    check("+r");
    check("+r");
    int64_t since = web->since_ms;
    now += 5000;
    configure(API WEB_UP_TO PLAIN "- {name: zoo, url: \"http://zoo\", health: {path: /}}\n");
    web = health_book_find(&book, "web");
    assert_int_equal(web->state, HEALTH_UP);
    assert_int_equal(web->since_ms, since);
    assert_told("2");
    assert_int_equal(health_book_find(&book, "zoo")->since_ms, now);

    uint64_t old = web_hash;
    configure("- {name: web, url: \"http://web:2\", health: {path: /h}}\n");
    web = health_book_find(&book, "web");
    assert_int_equal(web->state, HEALTH_UNKNOWN);
    assert_told("");
    /* A round that was under way is about what is no more. */
    const struct health_service *s;
    struct health_round r = {.hash = old};
    assert_int_equal(health_book_take(&book, &r, now, &s), HEALTH_SAME);
    assert_null(s);
}

static void words(void **state)
{
    char why[HEALTH_WHY_MAX];
    assert_string_equal(health_why(HEALTH_STATUS, 503, why), "status 503");
    assert_string_equal(health_why(HEALTH_NAME, 0, why), "name not resolved");
    assert_string_equal(health_state_word(HEALTH_DOWN), "down");
}

#define IT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT(the_first_good_check_makes_it_up),
        IT(as_many_bad_ones_as_asked_make_it_down),
        IT(one_of_several_is_told_and_the_service_stays_up),
        IT(down_from_the_start),
        IT(a_name_without_address_is_a_bad_check_of_all),
        IT(a_name_that_never_had_one_is_down_too),
        IT(services_at_one_address_are_told_apart),
        IT(a_reload_keeps_what_did_not_change),
        IT(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
