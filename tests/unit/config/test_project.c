/* Project files: Linkup's own shape, and what is wrong with others. */
#include <stdlib.h>

#include "config/project.h"
#include "core/mem.h"
#include "support/test.h"

/* As Linkup's documentation has it. */
static const char example[] = "linkup:\n"
                              "  worker_url: https://where.linkup.is.deployed.com\n"
                              "  worker_token: token\n"
                              "  cache_routes: [\".*/_next/static/.*\"]\n"
                              "services:\n"
                              "  - name: web\n"
                              "    remote: https://web-dev.hosting-provider.com\n"
                              "    local: http://localhost:3000\n"
                              "    directory: ./rel/path\n"
                              "    rewrites: [{source: \"/foo/(.*)\", target: \"/bar/$1\"}]\n"
                              "    health: {path: /healthz, statuses: [200, 204]}\n"
                              "  - name: backend\n"
                              "    remote: https://backend-dev.hosting-provider.com\n"
                              "    local: http://localhost:8000\n"
                              "domains:\n"
                              "  - domain: dev-domain.com\n"
                              "    default_service: web\n"
                              "    routes: [{path: \"/api/v1/.*\", service: backend}]\n"
                              "  - {domain: api.dev-domain.com, default_service: backend}\n";

static struct project *parse_as(const char *file, const char *yaml)
{
    struct project *p = NULL;
    struct config_errors errors;
    if (project_parse(file, span_str(yaml), &p, &errors) != ERR_OK)
        fail_msg("line %u: %s: %s", errors.v[0].line, errors.v[0].key, errors.v[0].text);
    config_errors_deinit(&errors);
    return p;
}

static void test_linkups_own(void **state)
{
    struct project *p = parse_as("/home/peter/app/linkup.yaml", example);
    assert_string_equal(p->file, "/home/peter/app/linkup.yaml");
    assert_string_equal(p->folder, "/home/peter/app/");
    assert_string_equal(p->edge_url, "https://where.linkup.is.deployed.com");
    assert_string_equal(p->token, "token");
    assert_int_equal(p->cache_routes.n, 1);
    assert_int_equal(p->n_services, 2);
    assert_int_equal(p->n_domains, 2);

    const struct project_service *web = project_find(p, SPAN_LIT("web"));
    assert_non_null(web);
    assert_string_equal(web->remote.host, "web-dev.hosting-provider.com");
    assert_int_equal(web->remote.scheme, BACKEND_HTTPS);
    assert_string_equal(web->local.host, "localhost");
    assert_int_equal(web->local.port, 3000);
    assert_string_equal(web->directory, "/home/peter/app/./rel/path");
    assert_int_equal(web->n_rewrites, 1);
    assert_string_equal(web->rewrites[0].target, "/bar/$1");
    assert_string_equal(web->health.path, "/healthz");
    assert_int_equal(web->health.n_statuses, 2);
    assert_int_equal(web->health.statuses[1].from, 204);

    const struct project_service *backend = project_find(p, SPAN_LIT("backend"));
    assert_non_null(backend);
    assert_null(backend->directory);
    assert_null(backend->health.path);
    assert_null(project_find(p, SPAN_LIT("we")));
    assert_string_equal(p->domains[0].routes[0].service, "backend");
    project_free(p);
}

static void test_our_names(void **state)
{
    setenv("PROJECT_TEST_TOKEN", "secret", 1);
    struct project *p = parse_as("linkup.yaml",
                                 "linkup: {edge_url: \"https://edge.dev.example.com:8443\", token: "
                                 "\"${PROJECT_TEST_TOKEN}\"}\n"
                                 "services: [{name: web, local: \"http://localhost:3000\"}]\n"
                                 "domains: [{domain: dev.example.com, default_service: web}]\n");
    assert_string_equal(p->edge_url, "https://edge.dev.example.com:8443");
    assert_string_equal(p->token, "secret");
    assert_null(p->services[0].remote.url);
    assert_int_equal(p->file[0], '/');
    project_free(p);
    unsetenv("PROJECT_TEST_TOKEN");
}

#define LINKUP "linkup: {edge_url: \"https://edge.a.b\"}\n"
#define SERVICES "services: [{name: web, local: \"http://localhost:1\"}]\n"
#define DOMAINS "domains: [{domain: a.b, default_service: web}]\n"

static const struct {
    const char *yaml;
    unsigned line;
    const char *key, *text;
} wrong[] = {
    {SERVICES DOMAINS, 0, "linkup", "is required"},
    {LINKUP DOMAINS, 0, "services", "is required"},
    {LINKUP SERVICES, 0, "domains", "is required"},
    {LINKUP "services: []\n", 2, "services", "at least 1"},
    {"linkup: {}\n" SERVICES DOMAINS, 1, "linkup.edge_url", "is required"},
    {"linkup: {edge_url: \"https://a\", worker_url: \"https://a\"}\n" SERVICES DOMAINS, 1,
     "linkup.worker_url", "says the same as edge_url"},
    {"linkup: {edge_url: \"https://a\", token: a, worker_token: a}\n" SERVICES DOMAINS, 1,
     "linkup.worker_token", "says the same as token"},
    {"linkup: {edge_url: \"http://a\"}\n" SERVICES DOMAINS, 1, "linkup.edge_url", "https://"},
    {LINKUP SERVICES "domains: [{domain: a.b, default_service: wep}]\n", 3,
     "domains[0].default_service", "there is no service \"wep\" (did you mean \"web\"?)"},
    {LINKUP SERVICES "domains: [{domain: a.b, default_service: web, routes: [{path: /x, service: "
                     "api}]}]\n",
     3, "domains[0].routes[0].service", "there is no service \"api\""},
    {LINKUP SERVICES "domains: [{domain: a.b, default_service: web}, {domain: a.b, "
                     "default_service: web}]\n",
     3, "domains[1].domain", "is there already, as domains[0]"},
    {LINKUP
     "services: [{name: web, local: \"http://a\"}, {name: web, local: \"http://b\"}]\n" DOMAINS,
     2, "services[1].name", "is there already, as services[0]"},
    {LINKUP "services: [{name: web, local: localhost}]\n" DOMAINS, 2, "services[0].local",
     "backend's URL"},
    {LINKUP "services: [{name: web}]\n" DOMAINS, 2, "services[0].local", "is required"},
    {LINKUP "services: [{name: web, local: \"http://a\", lokal: x}]\n" DOMAINS, 2,
     "services[0].lokal", "did you mean \"local\"?"},
    {LINKUP "services: [{name: web, local: \"http://a\", rewrites: [{source: a, target: "
            "\"$1\"}]}]\n" DOMAINS,
     2, "services[0].rewrites[0].target", "0 groups"},
};

static void test_each_error(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct project *p = NULL;
        struct config_errors errors;
        assert_err(ERR_SYNTAX, project_parse("linkup.yaml", span_str(wrong[i].yaml), &p, &errors));
        assert_null(p);
        bool told = false;
        for (size_t k = 0; k < errors.n; k++) {
            const struct config_error *e = &errors.v[k];
            told = told || (e->line == wrong[i].line && strcmp(e->key, wrong[i].key) == 0 &&
                            strstr(e->text, wrong[i].text));
        }
        if (!told)
            fail_msg("case %zu: %zu errors, first %u: %s: %s", i, errors.n, errors.v[0].line,
                     errors.v[0].key, errors.v[0].text);
        config_errors_deinit(&errors);
    }
}

static void test_unreadable(void **state)
{
    struct project *p = NULL;
    struct config_errors errors;
    assert_err(ERR_IO, project_load("/nowhere/linkup.yaml", &p, &errors));
    assert_string_equal(errors.v[0].text, "cannot be read: No such file or directory");
    config_errors_deinit(&errors);
}

static void test_described(void **state)
{
    struct buf out;
    buf_init(&out, 65536);
    assert_ok(project_describe(&out));
    assert_true(span_starts(buf_span(&out), SPAN_LIT("linkup: map; required\n")));
    assert_int_equal(buf_append(&out, SPAN_LIT("\0")), ERR_OK);
    assert_non_null(strstr(buf_span(&out).p, "services[].directory: path\n"));
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linkups_own), cmocka_unit_test(test_our_names),
        cmocka_unit_test(test_each_error),  cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
