/* What --check, the start and a reload refuse although each value is well formed. */
#include "core/mem.h"
#include "server/checks.h"
#include "support/test.h"

#define BEGIN                                                                                      \
    "zone: ex.test\naddresses: [192.0.2.1]\nservices: [{name: web, url: \"http://192.0.2.2\"}]\n"

static void expect(const char *rest, const char *const *keys, size_t n)
{
    struct config *c = NULL;
    struct config_errors errors = {0};
    struct dns_zone *zone = NULL;
    char *yaml = mem_printf("%s%s", BEGIN, rest);
    assert_ok(config_parse("test.yaml", span_str(yaml), &c, &errors));
    enum err e = checks_run(c, 1, &zone, &errors);
    assert_int_equal(e == ERR_OK, n == 0);
    assert_int_equal(zone != NULL, n == 0);
    assert_int_equal(errors.n, n);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(errors.v[i].key, keys[i]);
    if (zone)
        dns_zone_unref(zone);
    config_errors_deinit(&errors);
    config_unref(c);
    mem_free(yaml);
}

static void what_is_right_passes(void **state)
{
    (void)state;
    expect("", NULL, 0);
    expect("dns: {records: [\"mail A 192.0.2.9\"]}\n", NULL, 0);
}

static void what_this_version_does_not_do_is_refused(void **state)
{
    (void)state;
    expect("dns: {dnssec: true}\n", (const char *[]){"dns.dnssec"}, 1);
    expect("certificates: {issuer: acme, acme: {directory: \"https://ca.test/dir\"}}\n",
           (const char *[]){"certificates.issuer"}, 1);
}

static void certificate_files_that_cannot_be_read_are_told(void **state)
{
    (void)state;
    expect("certificates: {files: [{cert: /nonexistent/c.pem, key: /nonexistent/k.pem}]}\n",
           (const char *[]){"certificates.files[0]"}, 1);
}

static void everything_is_told_at_once(void **state)
{
    (void)state;
    expect(
        "dns: {dnssec: true, records: [\"a A 1.2.3\", \"b A 192.0.2.1\", \"c MX\"]}\n"
        "certificates: {files: [{cert: /nonexistent/c.pem, key: /nonexistent/k.pem}]}\n",
        (const char *[]){"dns.dnssec", "certificates.files[0]", "dns.records[0]", "dns.records[2]"},
        4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_passes),
        cmocka_unit_test(what_this_version_does_not_do_is_refused),
        cmocka_unit_test(certificate_files_that_cannot_be_read_are_told),
        cmocka_unit_test(everything_is_told_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
