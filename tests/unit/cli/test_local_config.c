/* The local edge's configuration: what linkupd reads of it, and the session that it is given. */
#include "cli/local_config.h"

#include <stdlib.h>

#include "support/test.h"

#define HEAD "linkup: {edge_url: \"https://edge.dev.example.com\"}\n"

struct bed {
    struct cli cli;
    struct local_place place;
    struct project *project;
};

static void bed_init(struct bed *b, const char *yaml)
{
    struct config_errors errors;
    *b = (struct bed){.place = {.zone = "dev.example.com",
                                .state = "/s/state",
                                .socket = "/s/admin.sock",
                                .ca = "/s/ca.pem",
                                .https = 8443,
                                .dns = 5354}};
    arena_init(&b->cli.arena, NULL, 0, 16 << 20);
    enum err e = project_parse("/p/linkup.yaml", span_str(yaml), &b->project, &errors);
    for (size_t i = 0; i < errors.n; i++)
        print_error("%s: %s\n", errors.v[i].key, errors.v[i].text);
    assert_ok(e);
}

static void bed_deinit(struct bed *b)
{
    project_free(b->project);
    cli_forget(&b->cli);
}

/* As linkupd has it, to be given back. */
static struct config *configured(struct bed *b, const struct local_beyond *beyond,
                                 const json_t *known)
{
    json_t *part = local_part(&b->cli, b->project, b->place.zone);
    json_t *parts = cli_keep(&b->cli, json_pack("[O, O]", part, part));
    struct config_errors errors;
    struct config *c;
    const char *text = local_config_text(&b->cli, &b->place, beyond, parts, known);
    enum err e = config_parse("/s/linkupd.yaml", span_str(text), &c, &errors);
    for (size_t i = 0; i < errors.n; i++)
        print_error("%s: %s\n", errors.v[i].key, errors.v[i].text);
    assert_ok(e);
    return c;
}

static const char *const project = HEAD
    "services:\n"
    "- {name: web, local: \"http://localhost:3000\"}\n"
    "- {name: api, local: \"http://localhost:9000\", remote: \"https://api.example.net\",\n"
    "   rewrites: [{source: '^/api/(.*)', target: '/$1'}]}\n"
    "domains:\n"
    "- {domain: dev.example.com, default_service: web,\n"
    "   routes: [{path: '^/$${x}\\t\"é', service: api}]}\n"
    "- {domain: elsewhere.org, default_service: web}\n";

static void it_is_what_linkupd_reads(void **state)
{
    struct bed b;
    bed_init(&b, project);
    const struct local_beyond beyond = {.port = 443};
    struct config *c = configured(&b, &beyond, NULL);
    assert_string_equal(c->zone, "dev.example.com");
    assert_int_equal(addr_port(&c->listen_https.v[0]), 8443);
    assert_int_equal(addr_port(&c->listen_dns.v[0]), 5354);
    assert_true(addr_is_loopback(&c->listen_https.v[0]) && addr_is_loopback(&c->listen_dns.v[0]));
    assert_int_equal(c->listen_http.n + c->listen_metrics.n, 0);
    assert_int_equal(c->public_https_port, 8443);
    assert_true(c->dns.only_sessions);
    assert_null(c->user);
    /* Where nobody knows what the zone's edge has, it is thought to have all. */
    assert_int_equal(c->n_services, 2);
    assert_string_equal(c->services[0].backend.url, "https://web.dev.example.com");
    assert_string_equal(c->services[1].backend.url, "https://api.dev.example.com");
    assert_false(c->services[0].backend.preserve_host);
    assert_true(c->services[0].backend.tls_verify);
    assert_null(c->services[0].backend.tls_ca);
    assert_null(c->services[0].backend.connect.host);
    /* A CA of the zone's cannot vouch for other domains. */
    assert_int_equal(c->n_domains, 1);
    assert_string_equal(c->domains[0].domain, "dev.example.com");
    assert_string_equal(c->domains[0].routes[0].path, "^/${x}\\t\"é");
    config_unref(c);
    bed_deinit(&b);
}

static void the_zones_edge_is_reached_as_the_login_says(void **state)
{
    struct bed b;
    bed_init(&b, project);
    const struct local_beyond beyond = {.port = 9443, .connect = "192.0.2.1:443", .own_ca = true};
    b.place.https = 443;
    b.place.http = 80;
    json_t *known = cli_keep(&b.cli, json_pack("[s, s]", "auth", "web"));
    struct config *c = configured(&b, &beyond, known);
    assert_int_equal(addr_port(&c->listen_http.v[0]), 80);
    assert_int_equal(c->n_services, 3);
    assert_string_equal(c->services[0].backend.url, "https://auth.dev.example.com:9443");
    assert_string_equal(c->services[0].backend.connect.host, "192.0.2.1");
    assert_string_equal(c->services[0].backend.tls_ca, "/s/ca.pem");
    assert_string_equal(c->services[1].backend.url, "https://web.dev.example.com:9443");
    /* The zone's edge does not have it: it is where the project says, and verified as others are. */
    assert_string_equal(c->services[2].name, "api");
    assert_string_equal(c->services[2].backend.url, "https://api.example.net");
    assert_null(c->services[2].backend.tls_ca);
    assert_null(c->services[2].backend.connect.host);
    config_unref(c);
    bed_deinit(&b);
}

static void the_session_has_what_is_its_own(void **state)
{
    struct bed b;
    bed_init(&b, project);
    json_t *known = cli_keep(&b.cli, json_pack("[s]", "web"));
    static const struct {
        const char *local[2];
        bool known;
        const char *web, *api;
    } cases[] = {
        {{"http://localhost:3000", NULL}, false, "http://localhost:3000", NULL},
        {{"http://localhost:3000", "http://localhost:9000"},
         false,
         "http://localhost:3000",
         "http://localhost:9000"},
        {{NULL, NULL}, true, NULL, "https://api.example.net"},
        {{NULL, "http://localhost:9001"}, true, NULL, "http://localhost:9001"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const json_t *body = local_session_body(&b.cli, b.project, b.place.zone, cases[i].local,
                                                cases[i].known ? known : NULL);
        const json_t *services = json_object_get(body, "services");
        const char *const urls[] = {cases[i].web, cases[i].api}, *const names[] = {"web", "api"};
        for (size_t j = 0; j < 2; j++) {
            const json_t *s = json_object_get(services, names[j]);
            assert_int_equal(s == NULL, urls[j] == NULL);
            if (s)
                assert_string_equal(json_string_value(json_object_get(s, "url")), urls[j]);
        }
        assert_int_equal(json_array_size(json_object_get(body, "domains")), 1);
        assert_true(json_is_true(json_object_get(body, "pinned")));
    }
    bed_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_what_linkupd_reads),
        cmocka_unit_test(the_zones_edge_is_reached_as_the_login_says),
        cmocka_unit_test(the_session_has_what_is_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
