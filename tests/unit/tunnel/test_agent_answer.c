#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"
#include "support/test.h"
#include "tunnel/agent/agent_answer.h"

#define SWITCH "HTTP/1.1 101 Switching Protocols\r\n"
#define FIELDS "connection: upgrade\r\nupgrade: linkup-tunnel/1\r\nlinkup-tunnel: 7\r\n"
#define TUNNEL SWITCH "connection: Upgrade\r\nupgrade: linkup-tunnel/1\r\nlinkup-tunnel: 7\r\n\r\n"
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

static struct agent_answer read_all(const char *text, bool eof)
{
    struct agent_answer a = {0};
    agent_answer_read(&a, span_str(text), eof);
    return a;
}

/* The same, a byte at a time: what comes of it must not depend on how it comes. */
static struct agent_answer read_slowly(const char *text, bool eof)
{
    struct agent_answer a = {0};
    size_t len = strlen(text);
    for (size_t n = 1; n <= len && a.kind == ANSWER_MORE; n++)
        agent_answer_read(&a, span_of(text, n), false);
    if (a.kind == ANSWER_MORE && eof)
        agent_answer_read(&a, span_of(text, len), true);
    return a;
}

static void assert_none(const char *text, bool eof, enum link_failure failure, const char *why)
{
    struct agent_answer all = read_all(text, eof), slow = read_slowly(text, eof);
    assert_int_equal(all.kind, ANSWER_NONE);
    assert_int_equal(all.failure, failure);
    assert_string_equal(all.why, why);
    assert_int_equal(slow.kind, ANSWER_NONE);
    assert_int_equal(slow.failure, failure);
    assert_string_equal(slow.why, why);
}

static void assert_more(const char *text)
{
    assert_int_equal(read_all(text, false).kind, ANSWER_MORE);
    assert_int_equal(read_slowly(text, false).kind, ANSWER_MORE);
}

static void test_a_tunnel(void **state)
{
    struct agent_answer a = read_all(TUNNEL PREFACE, false);
    assert_int_equal(a.kind, ANSWER_TUNNEL);
    assert_int_equal(a.head_len, strlen(TUNNEL));
    assert_int_equal(read_slowly(TUNNEL PREFACE, false).kind, ANSWER_TUNNEL);
    assert_int_equal(read_all(TUNNEL, true).kind, ANSWER_TUNNEL);
    a = read_all(SWITCH "Connection: keep-alive, UPGRADE\r\nUpgrade: Linkup-Tunnel/1\r\n"
                        "Linkup-Tunnel: x\r\n\r\n",
                 false);
    assert_int_equal(a.kind, ANSWER_TUNNEL);
}

static void test_another_protocol_is_no_tunnel(void **state)
{
    static const char *const answers[] = {
        SWITCH "\r\n",
        SWITCH "upgrade: linkup-tunnel/1\r\nlinkup-tunnel: 7\r\n\r\n",
        SWITCH "connection: upgrade\r\nlinkup-tunnel: 7\r\n\r\n",
        SWITCH "connection: upgrade\r\nupgrade: linkup-tunnel/1\r\n\r\n",
        SWITCH "connection: upgrade\r\nupgrade: linkup-tunnel/1\r\nlinkup-tunnel:\r\n\r\n",
        SWITCH "connection: upgrade\r\nupgrade: linkup-tunnel/2\r\nlinkup-tunnel: 7\r\n\r\n",
        SWITCH "connection: upgrade\r\nupgrade: websocket\r\nlinkup-tunnel: 7\r\n\r\n",
        SWITCH FIELDS "upgrade: h2c\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 204 No Content\r\n\r\n",
        ("HTTP/1.1 200 OK\r\n" FIELDS "\r\n"),
    };
    for (size_t i = 0; i < ARRAY_LEN(answers); i++)
        assert_none(answers[i], false, LINK_LATER, "what answers is no edge: it opens no tunnel");
}

static void test_garbage(void **state)
{
    static const char *const answers[] = {
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/2 101\r\n\r\n",
        "HTTP/1.1 1o1 Switching\r\n\r\n",
        "HTTP/1.1 101 Switching\r\nno field\r\n\r\n",
        "HTTP/1.1 403 No\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
        "HTTP/1.1 403 No\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 403 No\rcontent-length: 1\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(answers); i++)
        assert_none(answers[i], false, LINK_LATER,
                    "what answers is no edge: it does not speak HTTP");
}

static void test_a_head_without_end(void **state)
{
    size_t len = 70 * 1024;
    char *text = mem_alloc(len + 1);
    memset(text, 'a', len);
    memcpy(text, SWITCH "x: ", strlen(SWITCH "x: "));
    text[len] = '\0';
    struct agent_answer a = read_all(text, false);
    assert_int_equal(a.kind, ANSWER_NONE);
    assert_int_equal(a.failure, LINK_LATER);
    mem_free(text);
}

static void test_which_refusals_are_final(void **state)
{
    static const struct {
        int status;
        enum link_failure failure;
    } cases[] = {{301, LINK_LATER},   {400, LINK_REFUSED}, {401, LINK_REFUSED}, {403, LINK_REFUSED},
                 {404, LINK_REFUSED}, {408, LINK_LATER},   {421, LINK_LATER},   {426, LINK_REFUSED},
                 {429, LINK_LATER},   {500, LINK_LATER},   {502, LINK_LATER},   {503, LINK_LATER}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[200], why[100];
        snprintf(text, sizeof text, "HTTP/1.1 %d Such\r\ncontent-length: 0\r\n\r\n",
                 cases[i].status);
        snprintf(why, sizeof why, "the edge answers %d", cases[i].status);
        assert_none(text, false, cases[i].failure, why);
    }
}

static void test_the_problem_is_told(void **state)
{
    static const char body[] = "{\"detail\":\"\\u00a7 no \\u001b[31msuch\"}";
    char whole[300];
    snprintf(
        whole, sizeof whole,
        "HTTP/1.1 404 Not Found\r\nlinkup-session: slim-gecko\r\ncontent-length: %zu\r\n\r\n%s",
        strlen(body), body);
    struct agent_answer a = read_all(whole, false);
    assert_int_equal(a.kind, ANSWER_NONE);
    assert_string_equal(a.session, "slim-gecko");
    assert_string_equal(a.why, "?? no ?[31msuch");
    a = read_slowly(whole, false);
    assert_string_equal(a.why, "?? no ?[31msuch");
}

static void test_what_is_no_problem_document(void **state)
{
    assert_none("HTTP/1.1 403 No\r\ncontent-length: 2\r\n\r\n{]", false, LINK_REFUSED,
                "the edge answers 403");
    assert_none("HTTP/1.1 403 No\r\ncontent-length: 12\r\n\r\n{\"detail\":1}", false, LINK_REFUSED,
                "the edge answers 403");
    assert_none("HTTP/1.1 403 No\r\ncontent-length: 13\r\n\r\n{\"detail\":\"\"}", false,
                LINK_REFUSED, "the edge answers 403");
    assert_none("HTTP/1.1 403 No\r\ncontent-length: 4\r\n\r\n[[[[", false, LINK_REFUSED,
                "the edge answers 403");
}

/* Nobody waits for a body that is too long, or is as long as whoever sends it likes. */
static void test_bodies_that_are_not_waited_for(void **state)
{
    assert_none("HTTP/1.1 403 No\r\ncontent-length: 99999999999\r\n\r\n", false, LINK_REFUSED,
                "the edge answers 403");
    assert_none("HTTP/1.1 503 No\r\ntransfer-encoding: chunked\r\n\r\n", false, LINK_LATER,
                "the edge answers 503");
}

static void test_a_body_until_the_end(void **state)
{
    static const char text[] = "HTTP/1.1 403 No\r\n\r\n{\"detail\":\"until the end\"}";
    assert_more(text);
    assert_none(text, true, LINK_REFUSED, "until the end");
    size_t len = 40 * 1024;
    char *much = mem_alloc(len + 1);
    memset(much, 'a', len);
    memcpy(much, "HTTP/1.1 403 No\r\n\r\n", strlen("HTTP/1.1 403 No\r\n\r\n"));
    much[len] = '\0';
    struct agent_answer a = read_all(much, false);
    assert_int_equal(a.kind, ANSWER_NONE);
    assert_int_equal(a.failure, LINK_REFUSED);
    mem_free(much);
}

static void test_it_is_broken_off(void **state)
{
    assert_more("");
    assert_more("HTTP/1.1 101 Swi");
    assert_more("HTTP/1.1 403 No\r\ncontent-length: 5\r\n\r\nfour");
    assert_none("HTTP/1.1 101 Swi", true, LINK_UNREACHED, "the edge closed the connection");
    assert_none("HTTP/1.1 403 No\r\ncontent-length: 5\r\n\r\nfour", true, LINK_UNREACHED,
                "the edge broke off its answer");
    struct agent_answer a = {0};
    agent_answer_read(&a, span_of("", 0), true);
    assert_int_equal(a.failure, LINK_UNREACHED);
}

static void test_a_session_that_none_is_called_like(void **state)
{
    struct agent_answer a = read_all("HTTP/1.1 404 No\r\ncontent-length: 0\r\nlinkup-session: "
                                     "longer-than-forty-characters-which-no-session-is\r\n\r\n",
                                     false);
    assert_int_equal(a.kind, ANSWER_NONE);
    assert_string_equal(a.session, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tunnel),
        cmocka_unit_test(test_another_protocol_is_no_tunnel),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_a_head_without_end),
        cmocka_unit_test(test_which_refusals_are_final),
        cmocka_unit_test(test_the_problem_is_told),
        cmocka_unit_test(test_what_is_no_problem_document),
        cmocka_unit_test(test_bodies_that_are_not_waited_for),
        cmocka_unit_test(test_a_body_until_the_end),
        cmocka_unit_test(test_it_is_broken_off),
        cmocka_unit_test(test_a_session_that_none_is_called_like),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
