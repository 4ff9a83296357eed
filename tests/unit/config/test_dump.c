/* Values written back, compared, documented. */
#include <stdio.h>

#include "config/config.h"
#include "config/schema.h"
#include "core/mem.h"
#include "support/test.h"

#define BASE                                                                                       \
    "zone: dev.example.com\n"                                                                      \
    "addresses: [192.0.2.1]\n"                                                                     \
    "services: [{name: web, url: \"http://web\"}]\n"

static const char *const files[] = {
    BASE,
    "zone: Dev.Example.com.\n"
    "addresses: [192.0.2.1, \"2001:DB8:0:0::1\"]\n"
    "nameservers: [ns1, ns.example.net.]\n"
    "workers: 3\n"
    "user: nobody\n"
    "state: relative/state\n"
    "admin_socket: off\n"
    "listen: {dns: [\"127.0.0.1:0\"], https: [\"[::1]:8443\"], http: [], metrics: \"[::1]:1\", "
    "proxy_protocol: [10.0.0.0/8, \"::1\"]}\n"
    "public_port: 444\n"
    "services:\n"
    "- {name: a, url: \"https://A:443/x/\", host: preserve, tls: {ca: ca.pem, server_name: s}}\n"
    "- {name: b, url: \"https://b\", tls: {verify: false}, health: {path: /h, interval: 2s},\n"
    "   connect: \"[0:0::1]:444\"}\n"
    "- {name: c, url: \"h2c://[::1]:1\", health: {path: /, statuses: [200, 204-299], fall: 1},\n"
    "   rewrites: [{source: '\\\\d+\\.\"$${x}', target: '$0'}, {source: '#: -', target: \"/\"}]}\n"
    "domains:\n"
    "- {domain: x.org, default_service: a, routes: [{path: '^/\\t{', service: b}]}\n"
    "certificates:\n"
    "  issuer: acme\n"
    "  acme: {directory: \"https://ca/d/\", contact: a@b.c, eab: {kid: \"k\\t$\", key: c2VjcmV0}}\n"
    "  files: [{cert: c.pem, key: /k.pem}]\n"
    "sessions: {default_ttl: 90m, max_ttl: 1d, max: 1}\n"
    "require_session: true\n"
    "cors: off\n"
    "no_cache: true\n"
    "cache_routes: ['^/a', '\\.js$']\n"
    "trusted_proxies: [10.0.0.0/8, \"2001:db8::/32\", \"::1\"]\n"
    "dns: {ttl: 1, dnssec: true, unknown_sessions: nxdomain, nsid: \"\\xe9\", hostmaster: h.x,\n"
    "      records: ['a TXT \"b\\c\"', '$${HOME}', '$$${HOME} $'], caa: ['0 issue \";\"']}\n"
    "log: {level: error, access: a/b.log, format: text}\n"
    "limits: {header_timeout: 1500ms, pool_per_backend: 0}\n"
    "drain: 0s\n",
};

static struct config *parse(const char *file, struct span yaml)
{
    struct config *c = NULL;
    struct config_errors errors;
    if (config_parse(file, yaml, &c, &errors) != ERR_OK)
        fail_msg("line %u: %s: %s\n" SPAN_FMT, errors.v[0].line, errors.v[0].key, errors.v[0].text,
                 SPAN_ARG(yaml));
    return c;
}

static void test_round_trip(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct buf first, second;
        buf_init(&first, 1 << 20);
        buf_init(&second, 1 << 20);

        struct config *a = parse("conf/a.yaml", span_str(files[i]));
        assert_ok(config_dump(a, &first));
        /* From another folder: what was relative has become absolute. */
        struct config *b = parse("/other/b.yaml", buf_span(&first));
        assert_ok(config_dump(b, &second));
        assert_true(span_eq(buf_span(&first), buf_span(&second)));
        assert_null(config_needs_restart(a, b));

        config_unref(a);
        config_unref(b);
        buf_deinit(&first);
        buf_deinit(&second);
    }
}

static void test_values_survive(void **state)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    struct config *a = parse("/a.yaml", span_str(files[1]));
    assert_ok(config_dump(a, &text));
    struct config *b = parse("/a.yaml", buf_span(&text));

    assert_string_equal(a->services[2].rewrites[0].source, "\\\\d+\\.\"${x}");
    assert_string_equal(b->services[2].rewrites[0].source, "\\\\d+\\.\"${x}");
    assert_string_equal(b->certificates.acme_eab_kid, "k\t$");
    assert_string_equal(b->dns.records.v[0], "a TXT \"b\\c\"");
    assert_string_equal(b->dns.records.v[2], "$${HOME} $");
    assert_string_equal(b->dns.nsid, "\xc3\xa9");
    config_unref(a);
    config_unref(b);
    buf_deinit(&text);
}

static bool contains(const struct buf *text, const char *part)
{
    struct span s = buf_span(text);
    return memmem(s.p, s.len, part, strlen(part)) != NULL;
}

static void test_secrets_stay(void **state)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    struct config *c = parse("/a.yaml", span_str(files[1]));
    assert_ok(config_dump(c, &text));
    assert_false(contains(&text, "c2VjcmV0"));
    assert_true(contains(&text, "key: \"(secret)\"\n"));
    config_unref(c);
    buf_deinit(&text);
}

static void test_dump_full_buffer(void **state)
{
    struct config *c = parse("/a.yaml", span_str(files[1]));
    struct buf whole;
    buf_init(&whole, 1 << 20);
    assert_ok(config_dump(c, &whole));
    for (size_t ceiling = 0; ceiling < buf_len(&whole); ceiling += 7) {
        struct buf text;
        buf_init(&text, ceiling);
        assert_err(ERR_FULL, config_dump(c, &text));
        buf_deinit(&text);
    }
    config_unref(c);
    buf_deinit(&whole);
}

static void test_needs_restart(void **state)
{
    static const struct {
        const char *more, *key;
    } changes[] = {
        {"", NULL},
        {"state: /elsewhere\n", "state"},
        {"workers: 1023\n", "workers"},
        {"user: nobody\n", "user"},
        {"admin_socket: /a.sock\n", "admin_socket"},
        {"listen: {dns: []}\n", "listen.dns"},
        {"listen: {https: [\"0.0.0.0:444\"]}\n", "listen.https"},
        {"listen: {http: [\"0.0.0.0:80\"]}\n", "listen.http"},
        {"listen: {metrics: []}\n", "listen.metrics"},
        {"listen: {metrics: [\"127.0.0.1:9145\"]}\n", NULL},
        {"resolvers: [\"127.0.0.1:53\"]\n", "resolvers"},
        {"nameservers: [ns2]\n", NULL},
        {"log: {level: debug}\n", NULL},
        {"dns: {ttl: 5}\n", NULL},
        {"domains: [{domain: a.dev.example.com, default_service: web}]\n", NULL},
        {"drain: 5s\n", NULL},
    };
    struct config *running = parse("/a.yaml", SPAN_LIT(BASE));
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        char yaml[1024];
        snprintf(yaml, sizeof yaml, "%s%s", BASE, changes[i].more);
        struct config *wanted = parse("/a.yaml", span_str(yaml));
        const char *key = config_needs_restart(running, wanted);
        assert_string_equal(key ? key : "", changes[i].key ? changes[i].key : "");
        config_unref(wanted);
    }
    static const char other[] = "zone: other.example.com\naddresses: [192.0.2.1]\n"
                                "services: [{name: web, url: \"http://web\"}]\n";
    struct config *wanted = parse("/a.yaml", span_str(other));
    assert_string_equal(config_needs_restart(running, wanted), "zone");
    config_unref(wanted);
    config_unref(running);
}

static void test_describe(void **state)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    assert_ok(config_describe(&text));
    assert_true(contains(&text, "zone: host name; required\n"));
    assert_true(contains(&text, "workers: auto | number from 1 to 1024; default auto\n"));
    assert_true(
        contains(&text, "services[].health.interval: duration from 100ms to 1h; default 10s"));
    assert_true(contains(&text, "listen.dns: list of addresses with ports, at most 64; default "
                                "[\"0.0.0.0:53\", \"[::]:53\"]\n"));
    assert_true(contains(&text, "Or key_file: a file that holds it.\n"));
    assert_true(contains(&text, "log.access: off | stdout | path; default stdout\n"));
    buf_deinit(&text);
}

/* Every key has what a reader of the reference needs, and a sane default. */
static void check_schema(const struct schema *schema)
{
    for (size_t i = 0; i < schema->n; i++) {
        const struct schema_key *key = &schema->keys[i];
        assert_non_null(key->name);
        assert_non_null(key->help);
        assert_true((key->type == NULL) != (key->sub == NULL));
        assert_true(key->max == 0 || key->min <= key->max);
        assert_false((key->flags & SCHEMA_REQUIRED) && key->fallback);
        if (key->sub)
            check_schema(key->sub);
    }
}

static void test_schema(void **state)
{
    check_schema(&config_schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_values_survive),
        cmocka_unit_test(test_secrets_stay),  cmocka_unit_test(test_dump_full_buffer),
        cmocka_unit_test(test_needs_restart), cmocka_unit_test(test_describe),
        cmocka_unit_test(test_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
