#include <stdio.h>

#include "support/test.h"
#include "tunnel/edge/tunnel_book.h"

#define AGENT "00112233445566778899aabbccddeeff"

static struct api_tunnel_ask ask_of(const char *token, const char *names)
{
    struct api_tunnel_ask a = {.token = span_str(token), .agent = SPAN_LIT(AGENT)};
    struct span rest = span_str(names), name;
    while (span_split(&rest, ' ', &name))
        a.sessions[a.n_sessions++] = name;
    return a;
}

static uint64_t open_tunnel(struct tunnel_book *b, const char *token, const char *names,
                            unsigned worker, int64_t now, struct tunnel_news *news)
{
    struct api_tunnel_ask a = ask_of(token, names);
    return tunnel_book_open(b, &a, worker, now, news);
}

/* "name=id@worker" or "name=down" or "name=gone" for each route, then "-id" for each retired. */
static void assert_news(const struct tunnel_news *n, const char *want)
{
    char got[1024] = "";
    size_t len = 0;
    for (size_t i = 0; i < n->n_routes; i++) {
        const struct tunnel_route *r = &n->routes[i];
        len += (size_t)snprintf(got + len, sizeof got - len, "%s%s=", len ? " " : "", r->session);
        if (r->forget)
            len += (size_t)snprintf(got + len, sizeof got - len, "gone");
        else if (r->id == 0)
            len += (size_t)snprintf(got + len, sizeof got - len, "down@%lld",
                                    (long long)r->since_ms);
        else
            len += (size_t)snprintf(got + len, sizeof got - len, "%llu/%u@%lld",
                                    (unsigned long long)r->id, r->worker, (long long)r->since_ms);
    }
    for (size_t i = 0; i < n->n_retired; i++)
        len += (size_t)snprintf(got + len, sizeof got - len, "%s-%llu", len ? " " : "",
                                (unsigned long long)n->retired[i]);
    assert_string_equal(got, want);
}

static int setup(void **state)
{
    static struct tunnel_book book;
    tunnel_book_init(&book);
    *state = &book;
    return 0;
}

static int teardown(void **state)
{
    tunnel_book_deinit(*state);
    return 0;
}

static void carries(void **state)
{
    struct tunnel_book *b = *state;
    struct tunnel_news news;
    struct tunnel_state s;
    assert_false(tunnel_book_find(b, SPAN_LIT("a"), &s));
    assert_int_equal(open_tunnel(b, "t1", "a b", 3, 100, &news), 1);
    assert_news(&news, "a=1/3@100 b=1/3@100");
    assert_true(tunnel_book_find(b, SPAN_LIT("b"), &s));
    assert_true(s.up);
    assert_int_equal(s.since_ms, 100);
    assert_string_equal(s.agent, AGENT);
}

static void goes_down(void **state)
{
    struct tunnel_book *b = *state;
    struct tunnel_news news;
    struct tunnel_state s;
    open_tunnel(b, "t1", "a", 0, 100, &news);
    tunnel_book_lose(b, 1, 200, &news);
    assert_news(&news, "a=down@200");
    assert_true(tunnel_book_find(b, SPAN_LIT("a"), &s));
    assert_false(s.up);
    assert_int_equal(s.since_ms, 200);
    assert_null(s.agent);
    assert_int_equal(tunnel_book_count(b), 0);
    tunnel_book_lose(b, 1, 300, &news); /* told twice */
    assert_true(tunnel_news_empty(&news));
}

static void takes_over(void **state)
{
    struct tunnel_book *b = *state;
    struct tunnel_news news;
    struct tunnel_state s;
    open_tunnel(b, "t1", "a b", 0, 100, &news);
    open_tunnel(b, "t1", "b", 1, 200, &news);
    assert_news(&news, "b=2/1@200"); /* the first still carries a */
    open_tunnel(b, "t1", "a b c", 0, 300, &news);
    assert_news(&news, "a=3/0@300 b=3/0@300 c=3/0@300 -1 -2");
    assert_int_equal(tunnel_book_count(b), 3);
    tunnel_book_lose(b, 1, 400, &news); /* what was taken over is not down by its end */
    assert_true(tunnel_news_empty(&news));
    assert_true(tunnel_book_find(b, SPAN_LIT("a"), &s) && s.up);
    assert_int_equal(tunnel_book_count(b), 2);
}

static void sessions_end(void **state)
{
    struct tunnel_book *b = *state;
    struct tunnel_news news;
    struct tunnel_state s;
    open_tunnel(b, "t1", "a b", 0, 100, &news);
    tunnel_book_forget_session(b, SPAN_LIT("a"), &news);
    assert_news(&news, "a=gone");
    assert_false(tunnel_book_find(b, SPAN_LIT("a"), &s));
    tunnel_book_forget_session(b, SPAN_LIT("b"), &news);
    assert_news(&news, "b=gone -1");
    tunnel_book_forget_session(b, SPAN_LIT("b"), &news);
    assert_true(tunnel_news_empty(&news));
}

static void tokens_are_revoked(void **state)
{
    struct tunnel_book *b = *state;
    struct tunnel_news news;
    open_tunnel(b, "t1", "a", 0, 100, &news);
    open_tunnel(b, "t2", "b", 0, 100, &news);
    open_tunnel(b, "t1", "c d", 0, 100, &news);
    size_t routes = 0, retired = 0;
    while (tunnel_book_revoke(b, SPAN_LIT("t1"), 500, &news)) {
        routes += news.n_routes;
        retired += news.n_retired;
    }
    assert_int_equal(routes, 3);
    assert_int_equal(retired, 2);
    struct tunnel_state s;
    assert_true(tunnel_book_find(b, SPAN_LIT("b"), &s) && s.up);
    assert_true(tunnel_book_find(b, SPAN_LIT("d"), &s) && !s.up);
}

static void as_many_as_may_be(void **state)
{
    struct tunnel_book *b = *state;
    struct tunnel_news news;
    char names[API_TUNNEL_SESSIONS_MAX][8];
    struct api_tunnel_ask all = {.token = SPAN_LIT("t1"), .agent = SPAN_LIT(AGENT)};
    for (size_t i = 0; i < API_TUNNEL_SESSIONS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "s%zu", i);
        open_tunnel(b, "t1", names[i], 0, 100, &news);
        all.sessions[all.n_sessions++] = span_str(names[i]);
    }
    tunnel_book_open(b, &all, 1, 200, &news);
    assert_int_equal(news.n_routes, API_TUNNEL_SESSIONS_MAX);
    assert_int_equal(news.n_retired, API_TUNNEL_SESSIONS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(carries, setup, teardown),
        cmocka_unit_test_setup_teardown(goes_down, setup, teardown),
        cmocka_unit_test_setup_teardown(takes_over, setup, teardown),
        cmocka_unit_test_setup_teardown(sessions_end, setup, teardown),
        cmocka_unit_test_setup_teardown(tokens_are_revoked, setup, teardown),
        cmocka_unit_test_setup_teardown(as_many_as_may_be, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
