/* Files that are right: what comes of them. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"
#include "core/file.h"
#include "core/mem.h"
#include "support/test.h"

/* Section by section what the documentation shows. */
static const char example[] =
    "zone: dev.example.com\n"
    "addresses: [203.0.113.10, \"2001:db8::10\"]     # where the world reaches this edge\n"
    "nameservers: [ns1]                            # relative to the zone, or with a final dot\n"
    "state: /var/lib/linkup                        # sqlite database, CA, keys, token\n"
    "workers: auto                                 # one per core\n"
    "user: linkup                                  # dropped to after binding\n"
    "listen:\n"
    "  dns: [\"0.0.0.0:53\", \"[::]:53\"]\n"
    "  https: [\"0.0.0.0:443\", \"[::]:443\"]\n"
    "  http: [\"0.0.0.0:80\", \"[::]:80\"]             # redirects to https\n"
    "  metrics: 127.0.0.1:9145\n"
    "admin_socket: /run/linkup/admin.sock\n"
    "services:\n"
    "  - {name: web, url: \"http://web-dev.internal:3000\", health: {path: /healthz, interval: "
    "10s}}\n"
    "  - {name: api, url: \"h2c://api-dev.internal:9000\", rewrites: [{source: \"^/api/(.*)\", "
    "target: \"/$1\"}]}\n"
    "domains:\n"
    "  - {domain: dev.example.com, default_service: web, routes: [{path: \"^/api/\", service: "
    "api}]}\n"
    "  - {domain: api.dev.example.com, default_service: api}\n"
    "certificates: {issuer: internal}\n"
    "sessions: {default_ttl: 7d, max_ttl: 90d, max: 100000}\n"
    "dns: {ttl: 60, dnssec: false, unknown_sessions: answer, records: []}\n"
    "log: {level: info, access: stdout, format: json}   # access: off | stdout | FILE\n";

#define BASE                                                                                       \
    "zone: dev.example.com\n"                                                                      \
    "addresses: [192.0.2.1]\n"                                                                     \
    "services: [{name: web, url: \"http://web\"}]\n"

static struct config *parse_as(const char *file, const char *yaml)
{
    struct config *c = NULL;
    struct config_errors errors;
    if (config_parse(file, span_str(yaml), &c, &errors) != ERR_OK)
        fail_msg("line %u: %s: %s", errors.v[0].line, errors.v[0].key, errors.v[0].text);
    assert_int_equal(errors.n, 0);
    config_errors_deinit(&errors);
    return c;
}

static struct config *parse(const char *yaml)
{
    return parse_as("/etc/linkup/linkupd.yaml", yaml);
}

static void assert_addrs(const struct config_addrs *a, const char *first, const char *second)
{
    char text[ADDR_TEXT_MAX];
    assert_int_equal(a->n, second ? 2 : 1);
    assert_string_equal(addr_text(&a->v[0], text), first);
    if (second)
        assert_string_equal(addr_text(&a->v[1], text), second);
}

static void check_common_defaults(const struct config *c)
{
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    assert_int_equal(c->workers, CPU_COUNT(&set));

    assert_string_equal(c->zone, "dev.example.com");
    assert_int_equal(c->nameservers.n, 1);
    assert_string_equal(c->nameservers.v[0], "ns1.dev.example.com");
    assert_string_equal(c->state, "/var/lib/linkup");
    assert_addrs(&c->listen_dns, "0.0.0.0:53", "[::]:53");
    assert_addrs(&c->listen_https, "0.0.0.0:443", "[::]:443");
    assert_addrs(&c->listen_http, "0.0.0.0:80", "[::]:80");
    assert_addrs(&c->listen_metrics, "127.0.0.1:9145", NULL);
    assert_string_equal(c->admin_socket, "/run/linkup/admin.sock");
    assert_int_equal(c->public_https_port, 443);

    assert_int_equal(c->certificates.issuer, CERT_ISSUER_INTERNAL);
    assert_int_equal(c->certificates.n_files, 0);
    assert_null(c->certificates.acme_directory);
    assert_true(c->sessions.default_ttl_ms == UINT64_C(7) * 86400000);
    assert_true(c->sessions.max_ttl_ms == UINT64_C(90) * 86400000);
    assert_true(c->sessions.max == 100000);
    assert_int_equal(c->dns.ttl, 60);
    assert_false(c->dns.dnssec);
    assert_false(c->dns.unknown_nxdomain || c->dns.only_sessions);
    assert_int_equal(c->dns.records.n, 0);
    assert_int_equal(c->log.level, LOG_INFO);
    assert_int_equal(c->log.access, ACCESS_STDOUT);
    assert_true(c->log.json);

    assert_true(c->drain_ms == 30000);
    assert_false(c->require_session);
    assert_int_equal(c->cors, CORS_SAME_SESSION);
    assert_false(c->no_cache);
    assert_int_equal(c->cache_routes.n, 0);
    assert_int_equal(c->n_trusted_proxies, 0);
}

static void check_limits(const struct config_limits *l)
{
    assert_true(l->handshake_timeout_ms == 10000 && l->header_timeout_ms == 30000);
    assert_true(l->idle_timeout_ms == 75000 && l->connect_timeout_ms == 5000);
    assert_true(l->response_timeout_ms == 120000 && l->pool_idle_ms == 30000);
    assert_true(l->max_connections == 20000 && l->max_streams == 128);
    assert_true(l->pool_per_backend == 256 && l->dns_tcp_connections == 1000);
}

static void test_example(void **state)
{
    struct config *c = parse(example);
    check_common_defaults(c);
    check_limits(&c->limits);
    assert_string_equal(c->user, "linkup");
    assert_addrs(&c->addresses, "203.0.113.10:0", "[2001:db8::10]:0");

    assert_int_equal(c->n_services, 2);
    const struct config_service *web = &c->services[0], *api = &c->services[1];
    assert_string_equal(web->name, "web");
    assert_int_equal(web->backend.scheme, BACKEND_HTTP);
    assert_string_equal(web->backend.host, "web-dev.internal");
    assert_int_equal(web->backend.port, 3000);
    assert_string_equal(web->health.path, "/healthz");
    assert_true(web->health.interval_ms == 10000);
    assert_int_equal(web->health.n_statuses, 0);
    assert_true(web->health.timeout_ms == 2000);
    assert_int_equal(web->health.rise, 2);
    assert_int_equal(web->health.fall, 3);
    assert_int_equal(api->backend.scheme, BACKEND_H2C);
    assert_null(api->health.path);
    assert_int_equal(api->n_rewrites, 1);
    assert_string_equal(api->rewrites[0].source, "^/api/(.*)");
    assert_string_equal(api->rewrites[0].target, "/$1");

    assert_int_equal(c->n_domains, 2);
    assert_string_equal(c->domains[0].domain, "dev.example.com");
    assert_string_equal(c->domains[0].default_service, "web");
    assert_int_equal(c->domains[0].n_routes, 1);
    assert_string_equal(c->domains[0].routes[0].path, "^/api/");
    assert_string_equal(c->domains[0].routes[0].service, "api");
    assert_string_equal(c->domains[1].domain, "api.dev.example.com");
    assert_int_equal(c->domains[1].n_routes, 0);
    config_unref(c);
}

static void test_defaults(void **state)
{
    struct config *c = parse(BASE);
    check_common_defaults(c);
    check_limits(&c->limits);
    assert_null(c->user);
    assert_int_equal(c->n_domains, 0);
    assert_false(c->services[0].backend.preserve_host);
    assert_true(c->services[0].backend.tls_verify);
    config_unref(c);
}

static void test_every_other_value(void **state)
{
    struct config *c = parse(
        "zone: Dev.Example.COM.\n"
        "addresses: [192.0.2.1]\n"
        "nameservers: [NS-a, ns.Example.net.]\n"
        "workers: 3\n"
        "state: data\n"
        "admin_socket: off\n"
        "listen: {dns: [], https: [\"127.0.0.1:8443\"], http: [], metrics: []}\n"
        "services:\n"
        "- name: web\n"
        "  url: https://web/base/\n"
        "  host: preserve\n"
        "  tls: {ca: ../ca.pem, server_name: Web.Internal}\n"
        "  health: {path: /h, statuses: [200, 204]}\n"
        "- {name: api, url: \"https://api\", tls: {verify: false}, connect: \"Db.internal:99\"}\n"
        "certificates:\n"
        "  issuer: acme\n"
        "  acme: {directory: https://ca.example/dir, contact: \"mailto:ops@example.com\",\n"
        "         eab: {kid: k1, key: c2VjcmV0}}\n"
        "  files: [{cert: /c.pem, key: k.pem}]\n"
        "sessions: {default_ttl: 90m, max_ttl: 12h, max: 5}\n"
        "require_session: true\n"
        "cors: off\n"
        "no_cache: true\n"
        "cache_routes: [\"^/static/\"]\n"
        "trusted_proxies: [10.0.0.0/8, \"2001:db8::/32\", 192.0.2.7]\n"
        "dns:\n"
        "  ttl: 0\n"
        "  dnssec: true\n"
        "  unknown_sessions: nxdomain\n"
        "  records:\n"
        "  - mail 300 IN A 192.0.2.1\n"
        "\n"
        "  - '@ MX 10 mail'\n"
        "  caa: ['0 issue \"letsencrypt.org\"']\n"
        "  nsid: edge-1\n"
        "  hostmaster: ops.example.com.\n"
        "log: {level: debug, access: ./access.log, format: text}\n"
        "limits: {header_timeout: 250ms, pool_per_backend: 0, max_streams: 1}\n"
        "drain: 0s\n");
    assert_string_equal(c->zone, "dev.example.com");
    assert_int_equal(c->nameservers.n, 2);
    assert_string_equal(c->nameservers.v[0], "ns-a.dev.example.com");
    assert_string_equal(c->nameservers.v[1], "ns.example.net");
    assert_int_equal(c->workers, 3);
    assert_string_equal(c->state, "/etc/linkup/data");
    assert_null(c->admin_socket);
    assert_int_equal(c->listen_dns.n + c->listen_http.n + c->listen_metrics.n, 0);
    assert_int_equal(c->public_https_port, 8443);

    const struct config_backend *web = &c->services[0].backend;
    assert_string_equal(web->base_path, "/base");
    assert_true(web->preserve_host && web->tls_verify);
    assert_string_equal(web->tls_ca, "/etc/linkup/../ca.pem");
    assert_string_equal(web->tls_server_name, "web.internal");
    assert_int_equal(c->services[0].health.n_statuses, 2);
    assert_int_equal(c->services[0].health.statuses[1].from, 204);
    assert_int_equal(c->services[0].health.statuses[1].to, 204);
    assert_false(c->services[1].backend.tls_verify);
    assert_null(web->connect.host);
    assert_string_equal(c->services[1].backend.connect.host, "db.internal");
    assert_int_equal(c->services[1].backend.connect.port, 99);

    const struct config_certificates *certs = &c->certificates;
    assert_int_equal(certs->issuer, CERT_ISSUER_ACME);
    assert_string_equal(certs->acme_directory, "https://ca.example/dir");
    assert_string_equal(certs->acme_contact, "ops@example.com");
    assert_string_equal(certs->acme_eab_kid, "k1");
    assert_string_equal(certs->acme_eab_key, "c2VjcmV0");
    assert_string_equal(certs->files[0].cert, "/c.pem");
    assert_string_equal(certs->files[0].key, "/etc/linkup/k.pem");

    assert_true(c->sessions.default_ttl_ms == 5400000 && c->sessions.max == 5);
    assert_true(c->require_session && c->no_cache && c->cors == CORS_OFF);
    assert_string_equal(c->cache_routes.v[0], "^/static/");
    assert_int_equal(c->n_trusted_proxies, 3);
    assert_true(c->trusted_proxies[1].v6);
    assert_int_equal(c->trusted_proxies[2].prefix_len, 32);

    assert_true(c->dns.ttl == 0 && c->dns.dnssec && c->dns.unknown_nxdomain);
    assert_string_equal(c->dns.records.v[1], "@ MX 10 mail");
    assert_int_equal(c->dns.record_lines[0], 31);
    assert_int_equal(c->dns.record_lines[1], 33);
    assert_string_equal(c->dns.caa.v[0], "0 issue \"letsencrypt.org\"");
    assert_int_equal(c->dns.caa_lines[0], 34);
    assert_string_equal(c->dns.nsid, "edge-1");
    assert_string_equal(c->dns.hostmaster, "ops.example.com");

    assert_int_equal(c->log.access, ACCESS_FILE);
    assert_string_equal(c->log.access_file, "/etc/linkup/./access.log");
    assert_true(c->log.level == LOG_DEBUG && !c->log.json);
    assert_true(c->limits.header_timeout_ms == 250 && c->limits.pool_per_backend == 0);
    assert_true(c->drain_ms == 0);
    config_unref(c);
}

static void test_ports(void **state)
{
    /* The kernel chooses; the same address may then stand twice. */
    struct config *c = parse(BASE "listen: {https: [\"127.0.0.1:0\"], http: [\"127.0.0.1:0\"]}\n");
    assert_int_equal(addr_port(&c->listen_https.v[0]), 0);
    assert_int_equal(c->public_https_port, 443);
    config_unref(c);

    c = parse(BASE "listen: {https: [\"127.0.0.1:8443\"]}\npublic_port: 9443\n");
    assert_int_equal(c->public_https_port, 9443);
    config_unref(c);

    c = parse(BASE "listen: {https: []}\n");
    assert_int_equal(c->public_https_port, 443);
    config_unref(c);
}

static void test_forms_of_yaml(void **state)
{
    /* Line ends of any kind, a byte order mark, a document's start and end, quoted keys. */
    struct config *c = parse("\xef\xbb\xbf---\r\nzone: 'dev.example.com'\r\n"
                             "\"addresses\": [192.0.2.1]\r\n"
                             "services:\r\n- name: web\r\n  url: http://web\r\n...\r\n");
    assert_string_equal(c->zone, "dev.example.com");
    config_unref(c);

    c = parse("{zone: a.b, addresses: [\"::1\"], services: [{name: 'true', url: 'http://w'}]}");
    assert_string_equal(c->services[0].name, "true");
    config_unref(c);
}

static void test_interpolation(void **state)
{
    setenv("CFG_TEST_ZONE", "env.example.com", 1);
    setenv("CFG_TEST_N", "7", 1);
    setenv("CFG_TEST_NESTED", "${CFG_TEST_N}", 1);
    setenv("CFG_TEST_EMPTY", "", 1);
    struct config *c = parse(
        "zone: ${CFG_TEST_ZONE}\n"
        "addresses: [192.0.2.1]\n"
        "workers: ${CFG_TEST_N}\n"
        "services: [{name: \"w${CFG_TEST_N}${CFG_TEST_EMPTY}\", url: 'http://w'}]\n"
        "dns:\n"
        "  records: ['a$b $1 $$ $', '$${CFG_TEST_N}', '$$${CFG_TEST_N}',\n"
        "            'x ${CFG_TEST_NESTED}', '${CFG_TEST_N}}']\n");
    assert_string_equal(c->zone, "env.example.com");
    assert_int_equal(c->workers, 7);
    assert_string_equal(c->services[0].name, "w7");
    assert_string_equal(c->dns.records.v[0], "a$b $1 $$ $");
    assert_string_equal(c->dns.records.v[1], "${CFG_TEST_N}");
    assert_string_equal(c->dns.records.v[2], "$${CFG_TEST_N}");
    /* A variable's value is data, not looked into again. */
    assert_string_equal(c->dns.records.v[3], "x ${CFG_TEST_N}");
    assert_string_equal(c->dns.records.v[4], "7}");
    config_unref(c);
}

#define EAB BASE "certificates: {issuer: acme, acme: {directory: 'https://ca/d', eab: {kid: k, "

static void check_secret(const char *dir, const char *content, const char *expected)
{
    char path[512];
    snprintf(path, sizeof path, "%s/secret", dir);
    assert_ok(file_write_atomic(path, span_str(content), 0600));

    /* Relative to the configuration file's folder. */
    snprintf(path, sizeof path, "%s/linkupd.yaml", dir);
    struct config *c = parse_as(path, EAB "key_file: secret}}}\n");
    assert_string_equal(c->certificates.acme_eab_key, expected);
    config_unref(c);
}

static void test_secret_file(void **state)
{
    char dir[256];
    test_tmpdir_make(dir, sizeof dir);
    check_secret(dir, "abc", "abc");
    check_secret(dir, "abc\n", "abc");
    check_secret(dir, "abc\r\n", "abc");
    test_tmpdir_remove(dir);
}

static void test_file(void **state)
{
    char dir[256], path[512];
    struct config *c = NULL;
    struct config_errors errors;
    test_tmpdir_make(dir, sizeof dir);
    snprintf(path, sizeof path, "%s/linkupd.yaml", dir);
    assert_ok(file_write_atomic(path, span_str(example), 0600));
    assert_ok(config_load(path, &c, &errors));
    assert_string_equal(c->zone, "dev.example.com");

    assert_ptr_equal(config_ref(c), c);
    config_unref(c);
    assert_string_equal(c->zone, "dev.example.com");
    config_unref(c);
    config_unref(NULL);

    snprintf(path, sizeof path, "%s/none.yaml", dir);
    assert_err(ERR_IO, config_load(path, &c, &errors));
    assert_null(c);
    assert_int_equal(errors.n, 1);
    assert_non_null(strstr(errors.v[0].text, "No such file"));
    config_errors_deinit(&errors);
    test_tmpdir_remove(dir);
}

/* A file without a folder in its name: paths start from the working directory, and stay right when
 * that changes. */
static void test_relative_file(void **state)
{
    char cwd[4096], expected[5000];
    assert_non_null(getcwd(cwd, sizeof cwd));
    snprintf(expected, sizeof expected, "%s/data", cwd);
    struct config *c = parse_as("linkupd.yaml", BASE "state: data\n");
    assert_string_equal(c->state, expected);
    config_unref(c);

    snprintf(expected, sizeof expected, "%s/conf/data", cwd);
    c = parse_as("conf/linkupd.yaml", BASE "state: data\n");
    assert_string_equal(c->state, expected);
    config_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example),           cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_every_other_value), cmocka_unit_test(test_ports),
        cmocka_unit_test(test_forms_of_yaml),     cmocka_unit_test(test_interpolation),
        cmocka_unit_test(test_secret_file),       cmocka_unit_test(test_file),
        cmocka_unit_test(test_relative_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
