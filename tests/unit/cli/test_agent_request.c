/* What the agent is asked: strict, bounded, and kept requests read the same way. */
#include "cli/agent/agent_request.h"

#include <stdio.h>

#include "support/test.h"

#define SET                                                                                        \
    "{\"do\":\"set\",\"edge\":\"https://"                                                          \
    "edge.a.b\",\"token\":\"t\",\"session\":\"s\",\"services\":"                                   \
    "{\"web\":\"http://localhost:1\"}"

static enum err parse(const char *text, struct agent_request *r, char why[AGENT_WHY_TEXT])
{
    why[0] = '\0';
    return agent_request_parse(span_str(text), r, why);
}

static void test_what_is_right(void **state)
{
    static const struct {
        const char *text;
        enum agent_verb verb;
    } cases[] = {
        {SET "}", AGENT_SET},
        {SET ",\"connect\":\"h:1\",\"ca\":\"PEM\",\"project\":\"/p\",\"anew\":true}", AGENT_SET},
        {"{\"do\":\"drop\",\"edge\":\"https://edge.a.b\",\"session\":\"s\"}", AGENT_DROP},
        {"{\"do\":\"status\"}", AGENT_STATUS},
        {"{\"do\":\"watch\"}", AGENT_WATCH},
        {"{\"do\":\"replace\"}", AGENT_REPLACE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct agent_request r;
        char why[AGENT_WHY_TEXT];
        assert_ok(parse(cases[i].text, &r, why));
        assert_int_equal(r.verb, cases[i].verb);
        agent_request_deinit(&r);
    }
}

static void test_a_set_has_all_its_parts(void **state)
{
    struct agent_request r;
    char why[AGENT_WHY_TEXT];
    assert_ok(parse(SET ",\"ca\":\"PEM\",\"anew\":true}", &r, why));
    assert_string_equal(r.edge, "https://edge.a.b");
    assert_string_equal(r.token, "t");
    assert_string_equal(r.session, "s");
    assert_string_equal(r.ca, "PEM");
    assert_string_equal(r.connect, "");
    assert_string_equal(r.project, "");
    assert_true(r.anew);
    assert_string_equal(json_string_value(json_object_get(r.services, "web")),
                        "http://localhost:1");
    agent_request_deinit(&r);
}

static void test_what_is_wrong(void **state)
{
    static const char *const cases[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"do\":1}",
        "{\"do\":\"x\"}",
        "{\"do\":\"status\",\"more\":1}",
        "{\"do\":\"status\",\"do\":\"watch\"}",
        "{\"do\":\"drop\",\"edge\":\"https://e\",\"session\":\"S\"}",
        "{\"do\":\"drop\",\"edge\":\"http://e\",\"session\":\"s\"}",
        "{\"do\":\"drop\",\"edge\":\"https://e\"}",
        SET ",\"more\":1}",
        SET ",\"ca\":1}",
        "{\"do\":\"set\",\"edge\":\"https://e\",\"token\":\"\",\"session\":\"s\",\"services\":{}}",
        "{\"do\":\"set\",\"edge\":\"https://e\",\"token\":\"t\",\"session\":\"s\",\"services\":[]}",
        "{\"do\":\"set\",\"edge\":\"https://"
        "e\",\"token\":\"t\",\"session\":\"s\",\"services\":{\"W\":\"u\"}}",
        "{\"do\":\"set\",\"edge\":\"https://"
        "e\",\"token\":\"t\",\"session\":\"s\",\"services\":{\"w\":1}}",
        "{\"do\":\"set\",\"edge\":\"https://e\",\"token\":\"t\",\"session\":\"s\"}",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct agent_request r;
        char why[AGENT_WHY_TEXT];
        assert_err(ERR_SYNTAX, parse(cases[i], &r, why));
        assert_true(why[0] != '\0');
        agent_request_deinit(&r);
    }
}

static void test_no_more_services_than_a_session_has(void **state)
{
    struct agent_request r;
    char why[AGENT_WHY_TEXT], name[16];
    json_t *services = json_object();
    for (int i = 0; i < 65; i++) {
        snprintf(name, sizeof name, "s%d", i);
        json_object_set_new(services, name, json_string("http://localhost:1"));
    }
    json_t *j = json_pack("{s:s, s:s, s:s, s:o}", "edge", "https://e", "token", "t", "session", "s",
                          "services", services);
    assert_err(ERR_SYNTAX, agent_request_from(j, &r, why));
    agent_request_deinit(&r);
    json_object_del(services, "s64");
    assert_ok(agent_request_from(j, &r, why));
    agent_request_deinit(&r);
    json_decref(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_right),
        cmocka_unit_test(test_a_set_has_all_its_parts),
        cmocka_unit_test(test_what_is_wrong),
        cmocka_unit_test(test_no_more_services_than_a_session_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
