#include "certs/naming.h"

#include "unit/certs/certs_bed.h"

#define DOMAINS                                                                                    \
    "certificates: {issuer: acme, acme: {directory: \"https://acme.test/d\"}}\n"                   \
    "domains:\n"                                                                                   \
    "  - {domain: dev.example.com, default_service: web}\n"                                        \
    "  - {domain: api.dev.example.com, default_service: api}\n"                                    \
    "  - {domain: deep.app.dev.example.com, default_service: api}\n"                               \
    "  - {domain: shop.example.org, default_service: web}\n"                                       \
    "  - {domain: b.shop.example.org, default_service: web}\n"

#define LABEL40 "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd"
#define LABEL63 LABEL40 "eeeeeeeeeeffffffffffggg"

static struct config *config;

static int set_up(void **state)
{
    config = bed_config(DOMAINS);
    return 0;
}

static int tear_down(void **state)
{
    config_unref(config);
    return 0;
}

static void every_host_has_its_base(void **state)
{
    static const struct {
        const char *host, *base; /* NULL: none is made */
    } table[] = {
        /* the zone and one label below it */
        {"dev.example.com", "dev.example.com"},
        {"edge.dev.example.com", "dev.example.com"},
        {"web.dev.example.com", "dev.example.com"},
        {"web--slim-gecko.dev.example.com", "dev.example.com"},
        {"api.dev.example.com", "dev.example.com"}, /* a domain, but the zone's wildcard has it */
        {LABEL63 ".dev.example.com", "dev.example.com"},
        /* a session's */
        {"web.slim-gecko.dev.example.com", "slim-gecko.dev.example.com"},
        {"api.slim-gecko.dev.example.com", "slim-gecko.dev.example.com"},
        {"x." LABEL40 ".dev.example.com", LABEL40 ".dev.example.com"},
        {"anything--else.s.dev.example.com", "s.dev.example.com"},
        {"slim.api.dev.example.com", "api.dev.example.com"}, /* a session of the domain */
        /* configured domains, the longest first */
        {"deep.app.dev.example.com", "deep.app.dev.example.com"},
        {"s.deep.app.dev.example.com", "deep.app.dev.example.com"},
        {"other.app.dev.example.com", "app.dev.example.com"},
        {"shop.example.org", "shop.example.org"},
        {"s.shop.example.org", "shop.example.org"},
        {"b.shop.example.org", "b.shop.example.org"},
        {"s.b.shop.example.org", "b.shop.example.org"},
        /* too deep */
        {"a.web.slim.dev.example.com", NULL},
        {"a.b.c.d.dev.example.com", NULL},
        {"a.s.deep.app.dev.example.com", NULL},
        {"a.c.shop.example.org", NULL},
        /* not ours */
        {"example.com", NULL},
        {"com", NULL},
        {"notdev.example.com", NULL},
        {"web.notdev.example.com", NULL},
        {"dev.example.com.evil.net", NULL},
        {"example.org", NULL},
        {"other.example.org", NULL},
        {"localhost", NULL},
        {"127.0.0.1", NULL},
        /* no session is called so */
        {"web.slim--gecko.dev.example.com", NULL},
        {"web." LABEL40 "e.dev.example.com", NULL},
        /* no host is called so */
        {"", NULL},
        {".", NULL},
        {".dev.example.com", NULL},
        {"web..dev.example.com", NULL},
        {"dev.example.com.", NULL},
        {"Web.dev.example.com", NULL},
        {"*.dev.example.com", NULL},
        {"_acme.dev.example.com", NULL},
        {"-x.dev.example.com", NULL},
        {"web.sl im.dev.example.com", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        char base[CERT_BASE_MAX] = "";
        enum err e = cert_base_for(config, span_str(table[i].host), base);
        if (!table[i].base) {
            if (e != ERR_NOT_FOUND)
                fail_msg("%s: got %s", table[i].host, base);
        } else if (e != ERR_OK || strcmp(base, table[i].base) != 0) {
            fail_msg("%s: got %s, not %s", table[i].host, base, table[i].base);
        }
    }
}

/* Whatever cert_base_for gives is one, and is below nothing but what it says. */
static void bases_are_known_again(void **state)
{
    assert_true(cert_base_valid(config, SPAN_LIT("dev.example.com")));
    assert_true(cert_base_valid(config, SPAN_LIT("slim-gecko.dev.example.com")));
    assert_true(cert_base_valid(config, SPAN_LIT("shop.example.org")));
    assert_true(cert_base_valid(config, SPAN_LIT("deep.app.dev.example.com")));
    assert_false(cert_base_valid(config, SPAN_LIT("web.slim-gecko.dev.example.com")));
    assert_false(cert_base_valid(config, SPAN_LIT("example.org")));
    assert_false(cert_base_valid(config, SPAN_LIT("s.shop.example.org")));
    assert_false(cert_base_valid(config, SPAN_LIT("")));
}

static void a_bases_session(void **state)
{
    assert_span(cert_base_session(config, SPAN_LIT("slim-gecko.dev.example.com")), "slim-gecko");
    assert_span(cert_base_session(config, SPAN_LIT("dev.example.com")), "");
    assert_span(cert_base_session(config, SPAN_LIT("api.dev.example.com")), "");
    assert_span(cert_base_session(config, SPAN_LIT("shop.example.org")), "");
    assert_span(cert_base_session(config, SPAN_LIT("a.b.dev.example.com")), "");
}

static void a_host_as_long_as_can_be(void **state)
{
    char host[300];
    memset(host, 'a', sizeof host);
    for (size_t i = 50; i < 230; i += 50)
        host[i] = '.';
    static const char tail[] = ".dev.example.com";
    memcpy(host + 253 - (sizeof tail - 1), tail, sizeof tail);
    char base[CERT_BASE_MAX];
    assert_err(ERR_NOT_FOUND, cert_base_for(config, span_of(host, 253), base));
    assert_err(ERR_NOT_FOUND, cert_base_for(config, span_of(host, sizeof host), base));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_host_has_its_base),
        cmocka_unit_test(bases_are_known_again),
        cmocka_unit_test(a_bases_session),
        cmocka_unit_test(a_host_as_long_as_can_be),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
