/* Files that are wrong: each is told with its line, its key and what is the matter. */
#include <stdlib.h>

#include "config/config.h"
#include "core/mem.h"
#include "support/test.h"

#define ZONE "zone: dev.example.com\n"
#define ADDRESSES "addresses: [192.0.2.1]\n"
#define SERVICES "services: [{name: web, url: \"http://web\"}]\n"
#define BASE ZONE ADDRESSES SERVICES /* three lines */
#define SERVICE(more) ZONE ADDRESSES "services: [{name: web, url: \"https://web\"" more "}]\n"
#define REWRITE(source, target)                                                                    \
    SERVICE(", rewrites: [{source: '" source "', target: '" target "'}]")
#define DOMAIN(more) BASE "domains: [{domain: a.dev.example.com, default_service: web" more "}]\n"
#define ACME(more) BASE "certificates: {issuer: acme, acme: {directory: 'https://ca/d'" more "}}\n"
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X60 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
    const char *yaml;
    unsigned line;
    const char *key, *text;
} cases[] = {
    /* The text itself. */
    {"", 0, "", "empty"},
    {"# nothing\n", 0, "", "empty"},
    {"- a\n", 1, "", "must be a map of keys, not a list"},
    {"hello\n", 1, "", "must be a map of keys, not a single value"},
    {ZONE "\tworkers: 1\n", 2, "", "tab"},
    {"zone: [a\nb: c\n", 2, "", "YAML: "},
    {ZONE "a: b: c\n", 2, "", "mapping values are not allowed"},
    {ZONE "addresses: \"192\n", 3, "", "quoted scalar from line 2"},
    {"# fine\nzone: \xff\n", 2, "", "UTF-8"},
    {"# fine\nzone: \"a\x01\"\n", 2, "", "control characters"},
    {ZONE "state: \"a\\0b\"\n", 2, "", "control characters"},
    {ZONE "state: |\n  /a\n  /b\n", 2, "", "line break"},
    {ZONE "addresses: &a [192.0.2.1]\n", 2, "", "anchors"},
    {ZONE "state: &a x\n", 2, "", "anchors"},
    {ZONE "state: *a\n", 2, "", "YAML"},
    {"zone: &a x\nstate: *a\n", 1, "", "anchors"},
    {ZONE "state: !!str x\n", 2, "", "tags"},
    {ZONE "listen: !map {}\n", 2, "", "tags"},
    {ZONE "[a]: b\n", 2, "", "a key must be plain text"},
    {BASE "---\nzone: x\n", 4, "", "second document"},
    {ZONE "state: [[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]\n", 2, "", "nested too deeply"},

    /* Keys. */
    {ADDRESSES SERVICES, 0, "zone", "is required"},
    {ZONE SERVICES, 0, "addresses", "is required"},
    {ZONE ADDRESSES, 0, "services", "is required"},
    {BASE "worker: 1\n", 4, "worker", "unknown key (did you mean \"workers\"?)"},
    {BASE "Workers: 1\n", 4, "Workers", "did you mean \"workers\"?"},
    {BASE "max_ttl: 1d\n", 4, "max_ttl", "unknown key here (did you mean \"sessions.max_ttl\"?)"},
    {BASE "colour: blue\n", 4, "colour", "unknown key"},
    {BASE "${HOME}: x\n", 4, "${HOME}", "unknown key"},
    {BASE "<<: {state: x}\n", 4, "<<", "unknown key"},
    {BASE "zone_file: x\n", 4, "zone_file", "only secrets are read from files"},
    {BASE "listen:\n  htps: []\n", 5, "listen.htps", "did you mean \"https\"?"},
    {SERVICE(", helth: {path: /}"), 3, "services[0].helth", "did you mean \"health\"?"},
    {BASE "state: /a\nworkers: 1\nstate: /b\n", 6, "state", "duplicate key (first on line 4)"},
    {SERVICE(", name: web"), 3, "services[0].name", "duplicate key (first on line 3)"},

    /* Types. */
    {"zone: [a]\n" ADDRESSES SERVICES, 1, "zone", "must be a single value, not a list"},
    {"zone: {a: b}\n" ADDRESSES SERVICES, 1, "zone", "must be a single value, not a map"},
    {"zone:\n" ADDRESSES SERVICES, 1, "zone", "has no value"},
    {BASE "state: ~\n", 4, "state", "has no value"},
    {BASE "domains: null\n", 4, "domains", "has no value: leave the key out for its default, or"},
    {BASE "listen:\n", 4, "listen", "has no value"},
    {BASE "listen: []\n", 4, "listen", "must be a map, not a list"},
    {BASE "listen: {dns: \"0.0.0.0:53\"}\n", 4, "listen.dns", "must be a list, not a single value"},
    {BASE "domains: {domain: x}\n", 4, "domains", "must be a list, not a map"},
    {BASE "domains:\n- x\n", 5, "domains[0]", "must be a map, not a single value"},
    {BASE "domains: [~]\n", 4, "domains[0]", "must be a map, not nothing"},
    {ZONE "addresses: [192.0.2.1, [192.0.2.2]]\n" SERVICES, 2, "addresses[1]", "single value"},
    {ZONE "addresses: [192.0.2.1, ~]\n" SERVICES, 2, "addresses[1]", "has no value"},
    {ZONE "addresses: []\n" SERVICES, 2, "addresses", "at least 1 entry"},
    {ZONE ADDRESSES "services: []\n", 3, "services", "at least 1 entry"},
    {BASE "listen: {metrics: [\"127.0.0.1:1\", \"127.0.0.1:2\"]}\n", 4, "listen.metrics",
     "at most 1 entry"},
    {BASE "workers: many\n", 4, "workers", "must be auto or a number from 1 to 1024, not \"many\""},
    {BASE "workers: 0\n", 4, "workers", "from 1 to 1024"},
    {BASE "workers: 1025\n", 4, "workers", "from 1 to 1024"},
    {BASE "workers: -1\n", 4, "workers", "not \"-1\""},
    {BASE "workers: 1.5\n", 4, "workers", "number"},
    {BASE "workers: 99999999999999999999999\n", 4, "workers", "number"},
    {BASE "require_session: yes\n", 4, "require_session", "must be true or false, not \"yes\""},
    {BASE "drain: 30\n", 4, "drain", "must be a number and a unit"},
    {BASE "drain: 2h\n", 4, "drain", "must be from 0s to 1h"},
    {BASE "drain: 99999999999999d\n", 4, "drain", "must be from 0s to 1h"},
    {BASE "drain: 99999999999999999999999999d\n", 4, "drain", "must be from 0s to 1h"},
    {BASE "limits: {idle_timeout: 99ms}\n", 4, "limits.idle_timeout", "must be from 100ms to 1d"},
    {BASE "log: {level: warning}\n", 4, "log.level",
     "one of debug, info, warn, error, not \"warning\" (did you mean \"warn\"?)"},
    {BASE "log: {access: stdot}\n", 4, "log.access", "did you mean \"stdout\"?"},
    {BASE "cors: all\n", 4, "cors", "one of off, same-session"},
    {BASE "state: \"\"\n", 4, "state", "must be a path"},
    {BASE "user: \"a b\"\n", 4, "user", "must be a user's name"},
    {BASE "public_port: 0\n", 4, "public_port", "from 1 to 65535"},

    /* Hosts and addresses. */
    {"zone: dev_x.example.com\n" ADDRESSES SERVICES, 1, "zone", "must be a host name"},
    {"zone: dev..com\n" ADDRESSES SERVICES, 1, "zone", "must be a host name"},
    {"zone: 10.0.0.1\n" ADDRESSES SERVICES, 1, "zone", "must be a host name"},
    {"zone: \".\"\n" ADDRESSES SERVICES, 1, "zone", "must be a host name"},
    {"zone: " X64 ".com\n" ADDRESSES SERVICES, 1, "zone", "must be a host name"},
    {"zone: " X60 "." X60 "." X60 "\n" ADDRESSES SERVICES, 1, "zone", "not be longer than 148"},
    {ZONE "addresses: [edge]\n" SERVICES, 2, "addresses[0]", "IPv4 or IPv6 address, not \"edge\""},
    {ZONE "addresses: [192.0.2.1:53]\n" SERVICES, 2, "addresses[0]", "IPv4 or IPv6 address"},
    {ZONE "addresses: [\"::\"]\n" SERVICES, 2, "addresses[0]", "that clients can reach"},
    {ZONE "addresses:\n- 192.0.2.1\n- 0.0.0.0\n" SERVICES, 4, "addresses[1]", "clients can reach"},
    {ZONE "addresses: [\"::1\", \"0:0::1\"]\n" SERVICES, 2, "addresses[1]",
     "\"::1\" is there already, as entry [0]"},
    {BASE "nameservers: []\n", 4, "nameservers", "at least 1 entry"},
    {BASE "nameservers: [a_b]\n", 4, "nameservers[0]", "must be a host name"},
    {BASE "nameservers: [ns1.example.net]\n", 4, "nameservers[0]", "a full name ends with a dot"},
    {BASE "nameservers: [ns1.dev.example.com]\n", 4, "nameservers[0]",
     "(\"ns1.dev.example.com.\")"},
    {BASE "nameservers: [ns1, ns1.dev.example.com.]\n", 4, "nameservers[1]", "is there already"},
    {BASE "listen:\n  https: [\"0.0.0.0\"]\n", 5, "listen.https[0]", "an address and a port"},
    {BASE "listen: {https: [\"0.0.0.0:65536\"]}\n", 4, "listen.https[0]", "an address and a port"},
    {BASE "listen: {https: [\":::443\"]}\n", 4, "listen.https[0]", "an address and a port"},
    {BASE "listen: {https: [\"localhost:443\"]}\n", 4, "listen.https[0]", "an address and a port"},
    {BASE "listen:\n  https: [\"0.0.0.0:80\"]\n", 5, "listen.https[0]",
     "0.0.0.0:80 is there already, as listen.http[0], a default"},
    {BASE "listen:\n  https: [\"[::]:81\"]\n  http: [\"[::]:81\"]\n", 6, "listen.http[0]",
     "[::]:81 is there already, as listen.https[0]"},
    {BASE "listen: {dns: [\"[::1]:53\", \"[0::1]:53\"]}\n", 4, "listen.dns[1]", "already"},
    {BASE "admin_socket: /" X60 X60 "\n", 4, "admin_socket", "at most 107 bytes"},
    {BASE "trusted_proxies: [10.0.0.1/8]\n", 4, "trusted_proxies[0]", "without host bits"},
    {BASE "listen:\n  proxy_protocol: [10.0.0.1/8]\n", 5, "listen.proxy_protocol[0]",
     "without host bits"},
    {BASE "trusted_proxies: [10.0.0.0/33]\n", 4, "trusted_proxies[0]", "must be a network"},
    {BASE "trusted_proxies: [10.0.0.0/8, 10.0.0.0/8]\n", 4, "trusted_proxies[1]", "already"},

    /* Services. */
    {ZONE ADDRESSES "services:\n- {url: \"http://web\"}\n", 4, "services[0].name", "is required"},
    {ZONE ADDRESSES "services:\n- {name: web}\n", 4, "services[0].url", "is required"},
    {ZONE ADDRESSES "services: [{name: Web, url: \"http://web\"}]\n", 3, "services[0].name",
     "must be a service's name"},
    {ZONE ADDRESSES "services: [{name: a--b, url: \"http://web\"}]\n", 3, "services[0].name",
     "must be a service's name"},
    {ZONE ADDRESSES "services: [{name: edge, url: \"http://web\"}]\n", 3, "services[0].name",
     "the name of a host of the edge itself"},
    {ZONE ADDRESSES "services: [{name: ns1, url: \"http://web\"}]\n", 3, "services[0].name",
     "the name of a host of the edge itself"},
    {ZONE ADDRESSES "services:\n- {name: a, url: \"http://a\"}\n- {name: b, url: \"http://b\"}\n"
                    "- {name: a, url: \"http://c\"}\n",
     6, "services[2].name", "\"a\" is there already, as services[0]"},
    {ZONE ADDRESSES "services: [{name: web, url: \"ftp://web\"}]\n", 3, "services[0].url",
     "must begin with http://"},
    {ZONE ADDRESSES "services: [{name: web, url: \"http://web:0\"}]\n", 3, "services[0].url",
     "from 1 to 65535"},
    {SERVICE(", host: keep"), 3, "services[0].host", "one of target, preserve"},
    {ZONE ADDRESSES "services:\n- name: web\n  url: http://web\n  tls:\n    verify: false\n", 7,
     "services[0].tls", "for https:// backends only"},
    {SERVICE(", connect: web"), 3, "services[0].connect", "the port is missing"},
    {SERVICE(", connect: \"web:0\""), 3, "services[0].connect", "from 1 to 65535"},
    {SERVICE(", connect: \"http://web:1\""), 3, "services[0].connect", "host and a port"},
    {SERVICE(", connect: \"u@web:1\""), 3, "services[0].connect", "user"},
    {SERVICE(", tls: {ca: a.pem, verify: false}"), 3, "services[0].tls.ca", "has no use"},
    {SERVICE(", tls: {server_name: \"a b\"}"), 3, "services[0].tls.server_name", "host name"},
    {SERVICE(", health: {}"), 3, "services[0].health.path", "is required"},
    {SERVICE(", health: {path: healthz}"), 3, "services[0].health.path", "begins with '/'"},
    {SERVICE(", health: {path: /, interval: 1ms}"), 3, "services[0].health.interval", "from 100ms"},
    {SERVICE(", health: {path: /, statuses: [200, 99]}"), 3, "services[0].health.statuses[1]",
     "from 200 to 599"},
    {SERVICE(", health: {path: /, statuses: 300-200}"), 3, "services[0].health.statuses",
     "with a '-' between"},
    {SERVICE(", health: {path: /, statuses: [200-]}"), 3, "services[0].health.statuses[0]",
     "from 200 to 599"},
    {SERVICE(", health: {path: /, timeout: 2m}"), 3, "services[0].health.timeout", "to 1m"},
    {SERVICE(", health: {path: /, rise: 0}"), 3, "services[0].health.rise", "from 1 to 100"},
    {SERVICE(", health: {path: /, fall: 101}"), 3, "services[0].health.fall", "from 1 to 100"},
    {SERVICE(", health: {path: /, statuses: [200, 200]}"), 3, "services[0].health.statuses[1]",
     "already"},
    {REWRITE("(", "/"), 3, "services[0].rewrites[0].source", "at offset 1"},
    {REWRITE("a[z-a]", "/"), 3, "services[0].rewrites[0].source", "at offset"},
    {REWRITE("(*UTF)a", "/"), 3, "services[0].rewrites[0].source", "UTF"},
    {REWRITE("", "/"), 3, "services[0].rewrites[0].source", "must be a regex"},
    {REWRITE("(a)", "$2"), 3, "services[0].rewrites[0].target", "uses $2, but the source has 1"},
    {REWRITE("a", "/x?y"), 3, "services[0].rewrites[0].target", "must not hold '?'"},
    {REWRITE("a", ""), 3, "services[0].rewrites[0].target", "must not be empty"},

    /* Domains. */
    {BASE "domains: [{domain: a.dev.example.com}]\n", 4, "domains[0].default_service", "required"},
    {BASE "domains: [{default_service: web}]\n", 4, "domains[0].domain", "required"},
    {BASE "domains:\n- domain: a.dev.example.com\n  default_service: wbe\n", 6,
     "domains[0].default_service", "there is no service \"wbe\" (did you mean \"web\"?)"},
    {DOMAIN(", routes: [{path: ^/, service: nope}]"), 4, "domains[0].routes[0].service",
     "there is no service \"nope\""},
    {DOMAIN(", routes: [{path: \"a)\", service: web}]"), 4, "domains[0].routes[0].path",
     "at offset 1"},
    {DOMAIN(", routes: [{service: web}]"), 4, "domains[0].routes[0].path", "is required"},
    {DOMAIN("}, {domain: A.Dev.example.com., default_service: web"), 4, "domains[1].domain",
     "there already, as domains[0]"},
    {BASE "domains: [{domain: edge.dev.example.com, default_service: web}]\n", 4,
     "domains[0].domain", "a host of the edge itself"},
    {BASE "domains: [{domain: x.edge.dev.example.com, default_service: web}]\n", 4,
     "domains[0].domain", "a host of the edge itself"},
    {BASE "domains: [{domain: example.org, default_service: web}]\n", 4, "domains[0].domain",
     "outside the zone"},
    {BASE "domains: [{domain: notdev.example.com, default_service: web}]\n", 4, "domains[0].domain",
     "outside the zone"},
    {BASE "cache_routes: ['^/ok', '*']\n", 4, "cache_routes[1]", "at offset 0"},

    /* Certificates, sessions, DNS. */
    {BASE "certificates: {issuer: letsencrypt}\n", 4, "certificates.issuer",
     "one of internal, acme"},
    {BASE "certificates: {issuer: acme}\n", 4, "certificates.acme.directory", "is required with"},
    {BASE "certificates: {acme: {directory: 'http://ca/d'}}\n", 4, "certificates.acme.directory",
     "must be an https:// URL"},
    {ACME(", contact: ops"), 4, "certificates.acme.contact", "must be one mail address"},
    {ACME(", contact: \"a@b,c@d\""), 4, "certificates.acme.contact", "one mail address"},
    {ACME(", eab: {kid: x}"), 4, "certificates.acme.eab.key", "is required"},
    {ACME(", eab: {kid: x, key: \"\"}"), 4, "certificates.acme.eab.key", "must not be empty"},
    {ACME(", eab: {kid: x, key: \"a b\"}"), 4, "certificates.acme.eab.key", "base64url"},
    {ACME(", eab: {kid: x, key: a, key_file: b}"), 4, "certificates.acme.eab.key_file",
     "given both as key and as key_file"},
    {ACME(", eab: {kid: x, key_file: /nowhere/s}"), 4, "certificates.acme.eab.key_file",
     "/nowhere/s cannot be read: No such file"},
    {ACME(", eab: {kid: x, key_file: /dev/zero}"), 4, "certificates.acme.eab.key_file",
     "not a regular file"},
    {ACME(", eab: {kid: k, kid_file: x, key: a}"), 4, "certificates.acme.eab.kid_file",
     "unknown key"},
    {BASE "certificates: {files: [{cert: a}]}\n", 4, "certificates.files[0].key", "is required"},
    {BASE "certificates: {files: [{cert: a, key: b}, {cert: a, key: c}]}\n", 4,
     "certificates.files[1].cert", "is there already"},
    {BASE "sessions: {default_ttl: 2d, max_ttl: 1d}\n", 4, "sessions.default_ttl",
     "must not be longer than sessions.max_ttl (1d)"},
    {BASE "sessions: {max_ttl: 0s}\n", 4, "sessions.max_ttl", "must be from 1s"},
    {BASE "sessions: {max: 0}\n", 4, "sessions.max", "from 1 to"},
    {BASE "dns: {ttl: 604801}\n", 4, "dns.ttl", "from 0 to 604800"},
    {BASE "dns: {records: [a, \"\"]}\n", 4, "dns.records[1]", "must not be empty"},
    {BASE "dns: {unknown_sessions: refuse}\n", 4, "dns.unknown_sessions", "answer, nxdomain"},
    {BASE "dns: {hostmaster: a@b.c}\n", 4, "dns.hostmaster", "must be a host name"},

    /* Variables. */
    {BASE "state: ${CFG_TEST_UNSET}\n", 4, "state", "variable CFG_TEST_UNSET is not set"},
    {BASE "state: /a/${CFG_TEST_UNSET\n", 4, "state", "'}' after '${' is missing"},
    {BASE "state: ${}\n", 4, "state", "stands a variable's name"},
    {BASE "state: ${1A}\n", 4, "state", "stands a variable's name"},
    {BASE "state: ${A-B}\n", 4, "state", "stands a variable's name"},
    {BASE "state: ${CFG_TEST_LINES}\n", 4, "state", "CFG_TEST_LINES holds control characters"},
    {BASE "state: ${CFG_TEST_LONG}${CFG_TEST_LONG}\n", 4, "state", "longer than 8192 bytes"},
    {BASE "workers: ${CFG_TEST_WORD}\n", 4, "workers", "not \"many\""},
};

static void parse_bad(const char *yaml, struct config_errors *errors)
{
    struct config *c = NULL;
    assert_err(ERR_SYNTAX, config_parse("/etc/x.yaml", span_str(yaml), &c, errors));
    assert_null(c);
    assert_true(errors->n > 0);
}

static void test_each(void **state)
{
    static char long_value[5000];
    memset(long_value, 'x', sizeof long_value - 1);
    unsetenv("CFG_TEST_UNSET");
    setenv("CFG_TEST_LINES", "a\nb", 1);
    setenv("CFG_TEST_LONG", long_value, 1);
    setenv("CFG_TEST_WORD", "many", 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct config_errors errors;
        parse_bad(cases[i].yaml, &errors);
        const struct config_error *e = &errors.v[0];
        bool as_expected = errors.n == 1 && e->line == cases[i].line &&
                           strcmp(e->key, cases[i].key) == 0 && strstr(e->text, cases[i].text);
        if (!as_expected)
            fail_msg("case %zu: %zu errors, first %u: %s: %s\nexpected %u: %s: %s\n%s", i, errors.n,
                     e->line, e->key, e->text, cases[i].line, cases[i].key, cases[i].text,
                     cases[i].yaml);
        config_errors_deinit(&errors);
    }
}

static void test_all_at_once(void **state)
{
    struct config_errors errors;
    parse_bad("zonee: dev.example.com\n"
              "addresses: [192.0.2.1, foo, 0.0.0.0]\n"
              "workers: many\n"
              "services:\n"
              "- {name: web, url: \"ftp://web\"}\n"
              "- {name: web, url: \"http://web\", rewrites: [{source: \"(\", target: x}]}\n"
              "domains:\n"
              "- {domain: a.b, default_service: wbe}\n"
              "drain: 1\n",
              &errors);
    static const struct {
        unsigned line;
        const char *key;
    } expected[] = {
        {0, "zone"},
        {1, "zonee"},
        {2, "addresses[1]"},
        {2, "addresses[2]"},
        {3, "workers"},
        {5, "services[0].url"},
        {6, "services[1].rewrites[0].source"},
        {6, "services[1].name"},
        {8, "domains[0].default_service"},
        {9, "drain"},
    };
    for (size_t i = 0; i < errors.n && i < ARRAY_LEN(expected); i++) {
        assert_int_equal(errors.v[i].line, expected[i].line);
        assert_string_equal(errors.v[i].key, expected[i].key);
    }
    assert_int_equal(errors.n, ARRAY_LEN(expected));
    config_errors_deinit(&errors);
}

static void test_written(void **state)
{
    struct config_errors errors;
    struct buf out;
    buf_init(&out, 4096);
    parse_bad("addresses: [192.0.2.1]\nservices: [{name: a, url: \"http://a\"}]\ndrain: 1\n",
              &errors);
    assert_ok(config_errors_write(&errors, "x.yaml", &out));
    assert_span(buf_span(&out),
                "x.yaml: zone: is required\n"
                "x.yaml:3: drain: must be a number and a unit (ms, s, m, h, d) such "
                "as 30s, not \"1\"\n");
    buf_deinit(&out);
    buf_init(&out, 40);
    assert_err(ERR_FULL, config_errors_write(&errors, "x.yaml", &out));
    buf_deinit(&out);
    config_errors_deinit(&errors);

    parse_bad("- x\n", &errors);
    buf_init(&out, 4096);
    assert_ok(config_errors_write(&errors, "x.yaml", &out));
    assert_span(buf_span(&out), "x.yaml:1: must be a map of keys, not a list\n");
    buf_deinit(&out);
    config_errors_deinit(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each),
        cmocka_unit_test(test_all_at_once),
        cmocka_unit_test(test_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
