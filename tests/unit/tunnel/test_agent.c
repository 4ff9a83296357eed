/* What an agent is given: options, sessions, services. What it does with them is in tests/integration/. */
#include <ev.h>

#include "core/log.h"
#include "core/mem.h"
#include "support/test.h"
#include "tunnel/agent/agent_parts.h"

#define ID "00112233445566778899aabbccddeeff"

static struct ev_loop *loop;
static struct agent *agent;

static void on_changed(void *ctx, const struct agent_status *s)
{
}

static enum err make(const char *edge, const char *connect, const char *token, const char *id)
{
    const struct agent_options o = {.edge = edge, .connect = connect, .token = token, .id = id};
    const struct agent_ops ops = {.changed = on_changed};
    return agent_new(loop, &o, &ops, &agent);
}

static int set_up(void **state)
{
    log_setup(LOG_ERROR, false);
    loop = ev_loop_new(EVFLAG_AUTO);
    return 0;
}

static int set_up_agent(void **state)
{
    set_up(state);
    /* Nobody listens there; nothing is connected before the loop has run. */
    assert_ok(make("https://edge.z.test", "127.0.0.1:1", "t", ID));
    return 0;
}

static int tear_down(void **state)
{
    if (agent)
        agent_free(agent);
    agent = NULL;
    ev_loop_destroy(loop);
    return 0;
}

static void assert_refused(const char *edge, const char *connect, const char *token, const char *id)
{
    assert_err(ERR_SYNTAX, make(edge, connect, token, id));
    assert_null(agent);
}

static void options_that_are_none(void **state)
{
    static char long_token[5000];
    const char *edge = "https://edge.z.test";
    memset(long_token, 'x', sizeof long_token - 1);
    assert_refused("", NULL, "t", ID);
    assert_refused("http://edge.z.test", NULL, "t", ID);
    assert_refused("edge.z.test", NULL, "t", ID);
    assert_refused(edge, "no-port", "t", ID);
    assert_refused(edge, "host:0", "t", ID);
    assert_refused(edge, "host:65536", "t", ID);
    assert_refused(edge, ":1", "t", ID);
    assert_refused(edge, NULL, "", ID);
    assert_refused(edge, NULL, "two\r\nlines", ID);
    assert_refused(edge, NULL, long_token, ID);
    assert_refused(edge, NULL, "t", "");
    assert_refused(edge, NULL, "t", "0011");
    assert_refused(edge, NULL, "t", ID "\r\nx: y");
    assert_refused(edge, NULL, "t", "00112233445566778899AABBCCDDEEFF");
    assert_refused(edge, NULL, "t", ID ID "0");
}

static void options_that_are_some(void **state)
{
    static const char *const connects[] = {NULL, "127.0.0.1:443", "[::1]:443", "host:1"};
    for (size_t i = 0; i < ARRAY_LEN(connects); i++) {
        assert_ok(make("https://edge.z.test:8443", connects[i], "lk_t", ID));
        struct agent_status s;
        agent_get_status(agent, &s);
        assert_int_equal(s.state, AGENT_IDLE);
        assert_int_equal(s.next_try_ms, 0);
        agent_free(agent);
        agent = NULL;
    }
}

static enum err set(const char *session, const char *service, const char *url, char **why)
{
    const struct agent_service v = {service, url};
    *why = NULL;
    return agent_set_session(agent, session, &v, 1, why);
}

static void assert_set(const char *session)
{
    char *why;
    assert_ok(set(session, "web", "http://localhost:3000", &why));
    assert_null(why);
}

static void assert_wanted(const char *names)
{
    char got[AGENT_SET_MAX];
    agent_wanted_set(agent, false, got);
    assert_string_equal(got, names);
}

static void services_that_are_none(void **state)
{
    static const char *const cases[][3] = {
        {"No", "web", "http://localhost:1"},      {"a--b", "web", "http://localhost:1"},
        {"", "web", "http://localhost:1"},        {"a", "no good", "http://localhost:1"},
        {"a", "web", "ftp://localhost"},          {"a", "web", "localhost:1"},
        {"a", "web", "http://localhost:1/?q=no"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *why;
        assert_err(ERR_SYNTAX, set(cases[i][0], cases[i][1], cases[i][2], &why));
        assert_non_null(why);
        mem_free(why);
        assert_wanted("");
    }
}

static void what_is_wrong_changes_nothing(void **state)
{
    char *why;
    assert_set("a");
    assert_err(ERR_SYNTAX, set("a", "web", "ftp://localhost", &why));
    mem_free(why);
    assert_wanted("a");
    struct session_entry *e = route_table_find(&agent->table, SPAN_LIT("a"));
    assert_non_null(e);
    assert_non_null(session_image_override(e->image, SPAN_LIT("web")));
}

static void sessions_come_and_go_in_order(void **state)
{
    assert_set("c");
    assert_set("a");
    assert_set("b");
    assert_set("a");
    assert_wanted("a, b, c");
    agent_drop_session(agent, "b");
    agent_drop_session(agent, "none");
    assert_wanted("a, c");
    assert_null(route_table_find(&agent->table, SPAN_LIT("b")));
}

static void a_session_may_have_no_service(void **state)
{
    char *why = NULL;
    assert_ok(agent_set_session(agent, "a", NULL, 0, &why));
    assert_wanted("a");
}

static void there_are_as_many_as_a_tunnel_carries(void **state)
{
    char name[8], *why;
    for (int i = 0; i < API_TUNNEL_SESSIONS_MAX; i++) {
        snprintf(name, sizeof name, "s%d", i);
        assert_set(name);
    }
    assert_err(ERR_FULL, set("more", "web", "http://localhost:1", &why));
    assert_non_null(why);
    mem_free(why);
    assert_set("s7"); /* that one is there */
    agent_drop_session(agent, "s7");
    assert_set("more");
}

static void refused_ones_are_left_out_until_they_are_hoped_for(void **state)
{
    char got[AGENT_SET_MAX];
    assert_set("a");
    assert_set("b");
    assert_false(agent_hope_again(agent, true));
    agent_refuse_session(agent_find_session(agent, SPAN_LIT("b")), "It is another's.");
    assert_wanted("a");
    assert_string_equal(agent_refusal(agent, "b"), "It is another's.");
    agent_wanted_set(agent, true, got);
    assert_string_equal(got, "a");

    assert_true(agent_hope_again(agent, true));
    assert_wanted("a");
    agent_wanted_set(agent, true, got);
    assert_string_equal(got, "a, b");
    assert_string_equal(agent_refusal(agent, "b"), "It is another's.");

    agent_allow_sessions(agent, "a, b, gone");
    assert_null(agent_refusal(agent, "b"));
    assert_wanted("a, b");

    agent_refuse_session(agent_find_session(agent, SPAN_LIT("b")), "Again.");
    assert_wanted("a");
    assert_set("b"); /* given again */
    assert_null(agent_refusal(agent, "b"));
    assert_wanted("a, b");
}

int main(void)
{
#define BARE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define WITH(f) cmocka_unit_test_setup_teardown(f, set_up_agent, tear_down)
    const struct CMUnitTest tests[] = {
        BARE(options_that_are_none),
        BARE(options_that_are_some),
        WITH(services_that_are_none),
        WITH(what_is_wrong_changes_nothing),
        WITH(sessions_come_and_go_in_order),
        WITH(a_session_may_have_no_service),
        WITH(there_are_as_many_as_a_tunnel_carries),
        WITH(refused_ones_are_left_out_until_they_are_hoped_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
