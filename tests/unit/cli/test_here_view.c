/* A session's services as they are shown, and what the edge is told of them. */
#include "cli/here_view.h"

#include "cli/probe.h"
#include "cli/session_body.h"
#include "unit/cli/cli_bed.h"

static const char yaml[] =
    "linkup: {edge_url: \"https://edge.a.b\", cache_routes: [\"/static/\"]}\n"
    "services:\n"
    "- {name: api, local: \"http://localhost:2\", remote: \"https://api.c\",\n"
    "   rewrites: [{source: \"/a/(.*)\", target: \"/$1\"}]}\n"
    "- {name: web, local: \"http://localhost:1\"}\n"
    "- {name: db, local: \"http://localhost:3\"}\n"
    "domains: [{domain: d.e, default_service: web, routes: [{path: /api, service: api}]}]\n";

struct bed {
    struct cli_bed cli;
    struct project *project;
    json_t *entry;
};

static void bed_init(struct bed *b)
{
    struct config_errors errors;
    cli_bed_init(&b->cli);
    assert_ok(project_parse("/p/linkup.yaml", SPAN_LIT(yaml), &b->project, &errors));
    b->entry = json_pack("{s:s, s:s, s:s, s:{s:s}, s:{s:s, s:s, s:s}, s:{s:s}}", "session", "s",
                         "edge", "https://edge.a.b", "project", "/p/linkup.yaml", "local", "web",
                         "http://localhost:1", "urls", "web", "https://web.s.a.b", "api",
                         "https://api.s.a.b", "shared", "https://shared.s.a.b", "domain_urls",
                         "d.e", "https://s.d.e");
    assert_non_null(b->entry);
}

static void bed_deinit(struct bed *b)
{
    json_decref(b->entry);
    project_free(b->project);
    cli_bed_deinit(&b->cli);
}

static void test_lines_in_a_pipe(void **state)
{
    struct bed b;
    bed_init(&b);
    json_t *services = here_services(&b.cli.cli, b.project, b.entry);
    here_print_urls(&b.cli.cli, b.entry, services);
    assert_string_equal(cli_bed_shown(&b.cli), "https://web.s.a.b\nhttps://api.s.a.b\n"
                                               "https://shared.s.a.b\nhttps://s.d.e\n");
    bed_deinit(&b);
}

static void test_a_table_on_a_terminal(void **state)
{
    struct bed b;
    bed_init(&b);
    b.cli.cli.out.tty = true;
    json_t *services = here_services(&b.cli.cli, b.project, b.entry);
    here_print_urls(&b.cli.cli, b.entry, services);
    assert_string_equal(cli_bed_shown(&b.cli),
                        "SERVICE  URL                   PLACE   BACKEND\n"
                        "web      https://web.s.a.b     local   http://localhost:1\n"
                        "api      https://api.s.a.b     remote  https://api.c\n"
                        "db       -                     shared  -\n"
                        "shared   https://shared.s.a.b  shared  -\n"
                        "d.e      https://s.d.e         domain  -\n");
    bed_deinit(&b);
}

static void expect_json(json_t *got, const char *expected)
{
    char *text = json_dumps(got, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, expected);
    free(text);
    json_decref(got);
}

static void test_what_the_edge_is_told(void **state)
{
    struct bed b;
    bed_init(&b);
    entry_set_local(b.entry, "more", "http://localhost:9");
    expect_json(
        session_body(b.project, json_object_get(b.entry, "local")),
        "{\"cache_routes\":[\"/static/\"],\"domains\":[{\"default_service\":\"web\",\"domain\":"
        "\"d.e\",\"routes\":[{\"path\":\"/api\",\"service\":\"api\"}]}],\"services\":{\"api\":{"
        "\"rewrites\":[{\"source\":\"/a/(.*)\",\"target\":\"/$1\"}],\"url\":"
        "\"https://api.c\"},\"more\":{\"tunnel\":true},\"web\":{\"tunnel\":true}}}");
    expect_json(session_override(project_find(b.project, SPAN_LIT("api")), true),
                "{\"rewrites\":[{\"source\":\"/a/(.*)\",\"target\":\"/$1\"}],\"tunnel\":true}");
    assert_null(session_override(project_find(b.project, SPAN_LIT("db")), false));
    expect_json(session_body(NULL, json_object_get(b.entry, "local")),
                "{\"services\":{\"more\":{\"tunnel\":true},\"web\":{\"tunnel\":true}}}");
    bed_deinit(&b);
}

static void test_who_is_well(void **state)
{
    struct config_statuses v[] = {{204, 204}, {500, 599}};
    const struct project_health h = {.statuses = v, .n_statuses = 2}, none = {0};
    assert_true(probe_is_well(NULL, 200));
    assert_true(probe_is_well(&none, 399));
    assert_false(probe_is_well(&none, 404));
    assert_false(probe_is_well(&none, 199));
    assert_true(probe_is_well(&h, 204));
    assert_true(probe_is_well(&h, 503));
    assert_false(probe_is_well(&h, 200));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_in_a_pipe),
        cmocka_unit_test(test_a_table_on_a_terminal),
        cmocka_unit_test(test_what_the_edge_is_told),
        cmocka_unit_test(test_who_is_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
