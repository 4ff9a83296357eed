/* Which TLS connections are passed through, from nothing but their name. */
#include "unit/sessions/route_bed.h"

static struct route_bed bed;

static int set_up(void **state)
{
    bed_init(&bed, "zone: z.test\n"
                   "services:\n"
                   "  - {name: web, url: \"http://web:1\"}\n"
                   "  - {name: vault, url: \"https://vault:1\", passthrough: true}\n"
                   "domains:\n"
                   "  - {domain: safe.z.test, default_service: vault}\n"
                   "  - {domain: mixed.z.test, default_service: vault,\n"
                   "     routes: [{path: \"^/web\", service: web}]}\n");
    bed_put(&bed, "bare", "{\"services\":{\"web\":\"https://bare-web:1\"}}");
    bed_put(&bed, "own", "{\"services\":{\"vault\":\"https://own:1\"}}");
    bed_put(&bed, "plain", "{\"services\":{\"vault\":\"http://plain:1\"}}");
    bed_put(&bed, "tunnel", "{\"services\":{\"vault\":{\"tunnel\":true}}}");
    return 0;
}

static int tear_down(void **state)
{
    bed_deinit(&bed);
    return 0;
}

static void check(const char *host, enum route_passthrough wanted, const char *url)
{
    struct route_result r;
    enum route_passthrough got = route_passthrough(&bed.table, span_str(host), &r);
    if (got != wanted || (url && strcmp(r.backend->to.url, url) != 0))
        fail_msg("%s: %d, not %d", host, got, wanted);
}

static void by_name(void **state)
{
    check("vault.z.test", PASSTHROUGH, "https://vault:1");
    check("safe.z.test", PASSTHROUGH, "https://vault:1");
    check("vault.bare.z.test", PASSTHROUGH, "https://vault:1");
    check("vault--own.z.test", PASSTHROUGH, "https://own:1");
    check("vault.own.z.test", PASSTHROUGH, "https://own:1");
    check("own.safe.z.test", PASSTHROUGH, "https://own:1");
}

static void what_is_http(void **state)
{
    static const char *const hosts[] = {
        "web.z.test",       "web.bare.z.test",   "bare.z.test",        "edge.z.test",
        "z.test",           "other.test",        "vault.plain.z.test", "vault.tunnel.z.test",
        "nobody.z.test",    "web.nobody.z.test", "mixed.z.test",       "own.mixed.z.test",
        "x.y.vault.z.test",
    };
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
        check(hosts[i], PASSTHROUGH_NOT, NULL);
}

static void sessions_that_do_not_live(void **state)
{
    check("vault.nobody.z.test", PASSTHROUGH_UNKNOWN, NULL);
    check("vault--nobody.z.test", PASSTHROUGH_UNKNOWN, NULL);
    check("nobody.safe.z.test", PASSTHROUGH_UNKNOWN, NULL);
    check("nobody.mixed.z.test", PASSTHROUGH_NOT, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_http, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sessions_that_do_not_live, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
