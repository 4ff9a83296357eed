/* What changes while serving: TXT values for challenges, and names that only sessions make exist. */
#include "unit/dns/dns_bed.h"

#include "dns/txt.h"

#define NXDOMAIN_5                                                                                 \
    "NXDOMAIN aa ns[ex.test. 5 SOA ns1.ex.test. hostmaster.ex.test. 7 3600 600 1209600 5]"
#define NODATA_5                                                                                   \
    "NOERROR aa ns[ex.test. 5 SOA ns1.ex.test. hostmaster.ex.test. 7 3600 600 1209600 5]"

static void add(struct bed *b, const char *name, const char *value)
{
    assert_ok(dns_responder_txt_add(b->r, span_str(name), span_str(value)));
}

static void challenges_stand_beside_the_wildcard(void **state)
{
    struct bed b;
    bed_config(&b);
    bed_open(&b);
    add(&b, "_acme-challenge.s.ex.test", "one");
    add(&b, "_acme-challenge.s.ex.test", "two");
    add(&b, "_acme-challenge.s.ex.test", "one");
    add(&b, "_acme-challenge.ex.test", "apex");
    static const struct row rows[] = {
        {"_acme-challenge.s.ex.test", "TXT",
         "NOERROR aa an[_acme-challenge.s.ex.test. 1 TXT \"one\"] an[_acme-challenge.s.ex.test. 1 "
         "TXT \"two\"]"},
        {"_acme-challenge.ex.test", "TXT",
         "NOERROR aa an[_acme-challenge.ex.test. 1 TXT \"apex\"]"},
        {"s.ex.test", "A", "NOERROR aa an[s.ex.test. 60 A 192.0.2.1]"},
        {"s.ex.test", "TXT", NODATA_EX},
        {"web.s.ex.test", "A", "NOERROR aa an[web.s.ex.test. 60 A 192.0.2.1]"},
        /* As before the challenge came, and as after it has gone. */
        {"_acme-challenge.s.ex.test", "A",
         "NOERROR aa an[_acme-challenge.s.ex.test. 60 A 192.0.2.1]"},
        {"_acme-challenge.s.ex.test", "MX", NODATA_EX},
        {"_acme-challenge.t.ex.test", "TXT", NODATA_EX},
        {"x._acme-challenge.s.ex.test", "TXT", NODATA_EX},
    };
    bed_rows(&b, rows, ARRAY_LEN(rows));

    dns_responder_txt_remove(b.r, SPAN_LIT("_acme-challenge.s.ex.test"), SPAN_LIT("one"));
    dns_responder_txt_remove(b.r, SPAN_LIT("_acme-challenge.s.ex.test"), SPAN_LIT("three"));
    static const struct row left[] = {{"_acme-challenge.s.ex.test", "TXT",
                                       "NOERROR aa an[_acme-challenge.s.ex.test. 1 TXT \"two\"]"}};
    bed_rows(&b, left, 1);
    dns_responder_txt_remove(b.r, SPAN_LIT("_acme-challenge.s.ex.test"), SPAN_LIT("two"));
    static const struct row gone[] = {{"_acme-challenge.s.ex.test", "TXT", NODATA_EX}};
    bed_rows(&b, gone, 1);
    bed_close(&b);
}

/* RFC 2181 5.2: values of both sources are one RRset. */
static void challenges_join_configured_values(void **state)
{
    struct bed b;
    const char *records[] = {"_acme-challenge 300 TXT \"configured\"", "*.s TXT \"wild\"",
                             "_acme-challenge.alias CNAME elsewhere.example.", "*.c CNAME d"};
    bed_config(&b);
    bed_records(&b, records, 4);
    bed_open(&b);
    add(&b, "_acme-challenge.ex.test", "added");
    add(&b, "_acme-challenge.s.ex.test", "added");
    add(&b, "_acme-challenge.c.ex.test", "added");
    assert_err(ERR_CONFLICT, dns_responder_txt_add(b.r, SPAN_LIT("_acme-challenge.alias.ex.test"),
                                                   SPAN_LIT("hidden")));
    static const struct row rows[] = {
        {"_acme-challenge.ex.test", "TXT",
         "NOERROR aa an[_acme-challenge.ex.test. 1 TXT \"configured\"] an[_acme-challenge.ex.test. "
         "1 TXT \"added\"]"},
        /* The name is there now: the static wildcard does not stand for it. */
        {"_acme-challenge.s.ex.test", "TXT",
         "NOERROR aa an[_acme-challenge.s.ex.test. 1 TXT \"added\"]"},
        {"other.s.ex.test", "TXT", "NOERROR aa an[other.s.ex.test. 60 TXT \"wild\"]"},
        {"_acme-challenge.c.ex.test", "TXT",
         "NOERROR aa an[_acme-challenge.c.ex.test. 1 TXT \"added\"]"},
    };
    bed_rows(&b, rows, ARRAY_LEN(rows));
    bed_close(&b);
}

static void challenges_are_bounded(void **state)
{
    struct bed b;
    char name[80], value[257];
    memset(value, 'v', sizeof(value));
    bed_config(&b);
    bed_open(&b);
    assert_err(ERR_RANGE, dns_responder_txt_add(b.r, SPAN_LIT("a.example.com"), SPAN_LIT("v")));
    assert_err(ERR_SYNTAX, dns_responder_txt_add(b.r, SPAN_LIT("a..ex.test"), SPAN_LIT("v")));
    assert_err(ERR_RANGE, dns_responder_txt_add(b.r, SPAN_LIT("a.ex.test"), span_of(value, 256)));
    assert_ok(dns_responder_txt_add(b.r, SPAN_LIT("a.ex.test"), span_of(value, 255)));
    for (int i = 1; i < DNS_TXT_PER_NAME_MAX; i++)
        assert_ok(dns_responder_txt_add(b.r, SPAN_LIT("a.ex.test"), span_of(value, (size_t)i)));
    assert_err(ERR_FULL, dns_responder_txt_add(b.r, SPAN_LIT("a.ex.test"), span_of(value, 99)));

    for (int i = DNS_TXT_PER_NAME_MAX; i < DNS_TXT_VALUES_MAX; i++) {
        snprintf(name, sizeof(name), "_acme-challenge.s%d.ex.test", i);
        add(&b, name, "v");
    }
    assert_err(ERR_FULL, dns_responder_txt_add(b.r, SPAN_LIT("b.ex.test"), SPAN_LIT("v")));
    /* Nothing is left of what was taken away. */
    for (int i = DNS_TXT_PER_NAME_MAX; i < DNS_TXT_VALUES_MAX; i++) {
        snprintf(name, sizeof(name), "_acme-challenge.s%d.ex.test", i);
        dns_responder_txt_remove(b.r, span_str(name), SPAN_LIT("v"));
    }
    add(&b, "b.ex.test", "v");
    bed_close(&b);
}

static void open_asking(struct bed *b)
{
    static struct config_service services[] = {{.name = "web"}, {.name = "api"}};
    static struct config_domain domains[] = {{.domain = "ex.test"},
                                             {.domain = "shop.ex.test"},
                                             {.domain = "a.b.ex.test"},
                                             {.domain = "example.org"}};
    static const char *records[] = {"note TXT \"n\"",       "_dmarc.mail TXT \"d\"",
                                    "mail2 A 198.51.100.2", "*.wild A 198.51.100.3",
                                    "alias CNAME web.dead", "alias2 CNAME web.slim"};
    b->config.services = services;
    b->config.n_services = 2;
    b->config.domains = domains;
    b->config.n_domains = 4;
    bed_records(b, records, 6);
    b->living = ",slim,note,";
    bed_open(b);
}

static void open_nxdomain(struct bed *b)
{
    bed_config(b);
    b->config.dns.unknown_nxdomain = true;
    open_asking(b);
}

#define EDGE(name) "NOERROR aa an[" name ". 60 A 192.0.2.1]"

static void sessions_that_are_not_do_not_exist(void **state)
{
    struct bed b;
    open_nxdomain(&b);
    static const struct row rows[] = {
        {"slim.ex.test", "A", EDGE("slim.ex.test")},
        {"web.slim.ex.test", "A", EDGE("web.slim.ex.test")},
        {"x.web.slim.ex.test", "A", EDGE("x.web.slim.ex.test")},
        {"web--slim.ex.test", "A", EDGE("web--slim.ex.test")},
        {"SLIM.ex.test", "A", EDGE("SLIM.ex.test")},
        {"web.slim.ex.test", "TXT", NODATA_5},
        {"dead.ex.test", "A", NXDOMAIN_5},
        {"web.dead.ex.test", "A", NXDOMAIN_5},
        {"slim.dead.ex.test", "A", NXDOMAIN_5},
        {"web--dead.ex.test", "A", NXDOMAIN_5},
        {"--slim.ex.test", "A", NXDOMAIN_5},
        {"dead.ex.test", "TYPE65000", NXDOMAIN_5},
        {"dead.ex.test", "ANY", NXDOMAIN_5},
        {"*.ex.test", "A", NXDOMAIN_5},
        /* An alias into nothing (RFC 6604 3), and one into a session. */
        {"alias.ex.test", "A",
         "NXDOMAIN aa an[alias.ex.test. 60 CNAME web.dead.ex.test.] ns[ex.test. 5 SOA "
         "ns1.ex.test. hostmaster.ex.test. 7 3600 600 1209600 5]"},
        {"alias2.ex.test", "A",
         "NOERROR aa an[alias2.ex.test. 60 CNAME web.slim.ex.test.] an[web.slim.ex.test. 60 A "
         "192.0.2.1]"},
    };
    bed_rows(&b, rows, ARRAY_LEN(rows));
    bed_close(&b);
}

static void other_names_exist_whatever_sessions_there_are(void **state)
{
    struct bed b;
    open_nxdomain(&b);
    static const struct row rows[] = {
        {"ex.test", "A", EDGE("ex.test")},
        {"ns1.ex.test", "A", EDGE("ns1.ex.test")},
        {"edge.ex.test", "A", EDGE("edge.ex.test")},
        {"www.ex.test", "A", EDGE("www.ex.test")},
        {"web.ex.test", "A", EDGE("web.ex.test")},
        {"api.ex.test", "AAAA", "NOERROR aa an[api.ex.test. 60 AAAA 2001:db8::1]"},
        {"shop.ex.test", "A", EDGE("shop.ex.test")},
        {"a.b.ex.test", "A", EDGE("a.b.ex.test")},
        {"mail2.ex.test", "A", "NOERROR aa an[mail2.ex.test. 60 A 198.51.100.2]"},
        {"x.wild.ex.test", "A", "NOERROR aa an[x.wild.ex.test. 60 A 198.51.100.3]"},
    };
    bed_rows(&b, rows, ARRAY_LEN(rows));
    assert_int_equal(b.asked, 0);
    bed_close(&b);
}

/* <session>.<domain>: the label below the longest configured domain. */
static void sessions_stand_below_domains_too(void **state)
{
    struct bed b;
    open_nxdomain(&b);
    static const struct row rows[] = {
        {"slim.shop.ex.test", "A", EDGE("slim.shop.ex.test")},
        {"dead.shop.ex.test", "A", NXDOMAIN_5},
        {"web.slim.shop.ex.test", "A", EDGE("web.slim.shop.ex.test")},
        {"slim.a.b.ex.test", "A", EDGE("slim.a.b.ex.test")},
        {"dead.a.b.ex.test", "A", NXDOMAIN_5},
        /* b is no domain: only what is below it makes it exist. */
        {"b.ex.test", "A", NODATA_5},
        {"c.b.ex.test", "A", NXDOMAIN_5},
    };
    bed_rows(&b, rows, ARRAY_LEN(rows));
    bed_close(&b);
}

/* RFC 8020: NXDOMAIN says that nothing is below; so what has something below is there. */
static void what_has_something_below_exists(void **state)
{
    struct bed b;
    open_nxdomain(&b);
    add(&b, "_acme-challenge.dead.ex.test", "v");
    static const struct row rows[] = {
        {"_dmarc.mail.ex.test", "TXT", "NOERROR aa an[_dmarc.mail.ex.test. 60 TXT \"d\"]"},
        {"mail.ex.test", "A", NODATA_5},
        {"mail.ex.test", "ANY", NODATA_5},
        {"x.mail.ex.test", "A", NXDOMAIN_5},
        {"note.ex.test", "A", EDGE("note.ex.test")},
        {"dead.ex.test", "A", NODATA_5},
        {"web.dead.ex.test", "A", NXDOMAIN_5},
        {"_acme-challenge.dead.ex.test", "TXT",
         "NOERROR aa an[_acme-challenge.dead.ex.test. 1 TXT \"v\"]"},
        {"_acme-challenge.dead.ex.test", "A", NODATA_5},
        {"_acme-challenge.dead.ex.test", "ANY",
         "NOERROR aa an[_acme-challenge.dead.ex.test. 60 HINFO \"RFC8482\" \"\"]"},
    };
    bed_rows(&b, rows, ARRAY_LEN(rows));
    bed_close(&b);
}

/* An edge beside the one that the zone is delegated to has no say about anything else. */
static void only_sessions_are_answered_for(void **state)
{
    struct bed b;
    bed_config(&b);
    b.config.dns.only_sessions = true;
    open_asking(&b);
    add(&b, "_acme-challenge.dead.ex.test", "v");
    static const struct row rows[] = {
        {"slim.ex.test", "A", EDGE("slim.ex.test")},
        {"web.slim.ex.test", "A", EDGE("web.slim.ex.test")},
        {"web--slim.ex.test", "A", EDGE("web--slim.ex.test")},
        {"slim.shop.ex.test", "A", EDGE("slim.shop.ex.test")},
        {"web.slim.ex.test", "TXT", NODATA_EX},
        {"dead.ex.test", "A", "REFUSED"},
        {"web.dead.ex.test", "A", "REFUSED"},
        {"_acme-challenge.dead.ex.test", "TXT", "REFUSED"},
        {"dead.shop.ex.test", "A", "REFUSED"},
        {"ex.test", "A", "REFUSED"},
        {"ex.test", "SOA", "REFUSED"},
        {"ns1.ex.test", "A", "REFUSED"},
        {"edge.ex.test", "A", "REFUSED"},
        {"web.ex.test", "A", "REFUSED"},
        {"shop.ex.test", "A", "REFUSED"},
        {"mail2.ex.test", "A", "REFUSED"},
        {"alias2.ex.test", "A", "REFUSED"},
    };
    bed_rows(&b, rows, ARRAY_LEN(rows));
    bed_close(&b);
}

static void a_new_zone_takes_over(void **state)
{
    struct bed b;
    bed_config(&b);
    bed_open(&b);
    add(&b, "_acme-challenge.ex.test", "v");

    struct config_errors errors = {0};
    struct dns_zone *zone;
    const char *records[] = {"new A 198.51.100.9"};
    bed_records(&b, records, 1);
    assert_ok(dns_zone_compile(&b.config, 8, &zone, &errors));
    dns_responder_set_zone(b.r, zone);
    dns_zone_unref(zone);
    static const struct row rows[] = {
        {"new.ex.test", "A", "NOERROR aa an[new.ex.test. 60 A 198.51.100.9]"},
        {"ex.test", "SOA",
         "NOERROR aa an[ex.test. 60 SOA ns1.ex.test. hostmaster.ex.test. 8 3600 600 1209600 60]"},
        {"_acme-challenge.ex.test", "TXT", "NOERROR aa an[_acme-challenge.ex.test. 1 TXT \"v\"]"},
    };
    bed_rows(&b, rows, ARRAY_LEN(rows));
    bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(challenges_stand_beside_the_wildcard),
        cmocka_unit_test(challenges_join_configured_values),
        cmocka_unit_test(challenges_are_bounded),
        cmocka_unit_test(sessions_that_are_not_do_not_exist),
        cmocka_unit_test(other_names_exist_whatever_sessions_there_are),
        cmocka_unit_test(sessions_stand_below_domains_too),
        cmocka_unit_test(what_has_something_below_exists),
        cmocka_unit_test(only_sessions_are_answered_for),
        cmocka_unit_test(a_new_zone_takes_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
