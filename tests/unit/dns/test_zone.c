/* Compiling a zone: what is refused, under which key and why; what settings do to answers. */
#include "unit/dns/dns_bed.h"

struct refusal {
    const char *line;
    const char *why; /* a part of the sentence */
};

static void refuse(const struct refusal *r)
{
    struct bed b;
    struct config_errors errors = {0};
    const char *records[] = {"fine A 192.0.2.9", r->line};
    bed_config(&b);
    bed_records(&b, records, 2);
    enum err e = dns_zone_compile(&b.config, 1, &b.zone, &errors);
    if (e != ERR_SYNTAX || errors.n != 1 || !strstr(errors.v[0].text, r->why)) {
        print_error("\"%s\" was to be refused: %s\n", r->line, r->why);
        bed_print_errors(&errors);
        fail();
    }
    assert_string_equal(errors.v[0].key, "dns.records[1]");
    assert_int_equal(errors.v[0].line, 101);
    config_errors_deinit(&errors);
}

static void lines_that_are_no_record_are_refused(void **state)
{
    static const struct refusal rows[] = {
        {"", ""},
        {"; only a comment", ""},
        {"x", ""},
        {"x A", "value expected"},
        {"x A 192.0.2", "could not parse"},
        {"x A 192.0.2.1 192.0.2.2", "superfluous"},
        {"x BLAH 1", ""},
        {" A 192.0.2.1", "must begin with the record's name"},
        {"$ORIGIN example.", "directives"},
        {"x A 192.0.2.1\ny A 192.0.2.2", "one line"},
        {"x TXT \"open", "quote"},
        {"x MX 10 (mail", "parenthesis"},
        {"x MX 10 mail)", "parenthesis"},
        {"a..b A 192.0.2.1", ""},
        {"x MX 70000 mail", "number is too large"},
        {"x SRV 0 0 65536 mail", "number is too large"},
        {"x 5000000000 A 192.0.2.1", "TTL"},
        {"x 3000000000 A 192.0.2.1", "TTL"},
        {"x CH A 192.0.2.1", "class IN"},
        {"x TYPE1 \\# 5 0102030405", "length given"},
        {"x TYPE28 \\# 4 01020304", ""},
        {"x TYPE15 \\# 1 00", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        refuse(&rows[i]);
}

static void records_that_do_not_belong_are_refused(void **state)
{
    static const struct refusal rows[] = {
        {"x.example.com. A 192.0.2.1", "outside the zone ex.test"},
        {"notex.test. A 192.0.2.1", "outside the zone"},
        {"@ SOA ns1 root 1 2 3 4 5", "made by the edge"},
        {"@ NS ns2", "configured as `nameservers`"},
        {"sub NS ns.example.net.", "delegations are not supported"},
        {"sub DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000",
         "delegations"},
        {"x DNAME example.net.", "DNAME"},
        {"x NSEC y A", "DNSSEC"},
        {"@ CNAME example.net.", "cannot be a CNAME"},
        {"fine CNAME other", "a CNAME and other records"},
        {"fine A 192.0.2.9", "the same record"},
        {"fine 300 A 192.0.2.10", "same TTL"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        refuse(&rows[i]);
}

/* Every error is told, not only the first; nothing is made. */
static void all_errors_are_told(void **state)
{
    struct bed b;
    struct config_errors errors = {0};
    const char *records[] = {"x A", "fine A 192.0.2.1", "y.example. A 192.0.2.1"};
    const char *caa[] = {"0 issue"};
    bed_config(&b);
    bed_records(&b, records, 3);
    b.config.dns.caa = (struct config_strings){caa, 1};
    assert_err(ERR_SYNTAX, dns_zone_compile(&b.config, 1, &b.zone, &errors));
    assert_int_equal(errors.n, 3);
    assert_string_equal(errors.v[0].key, "dns.records[0]");
    assert_string_equal(errors.v[1].key, "dns.records[2]");
    assert_string_equal(errors.v[2].key, "dns.caa[0]");
    config_errors_deinit(&errors);
}

static void a_circle_of_aliases_is_refused(void **state)
{
    static const char *const circles[][3] = {
        {"x CNAME x", "a A 192.0.2.1", "b A 192.0.2.1"},
        {"x CNAME y", "y CNAME z", "z CNAME x"},
        {"*.x CNAME y.x", "a A 192.0.2.1", "b A 192.0.2.1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(circles); i++) {
        struct bed b;
        struct config_errors errors = {0};
        bed_config(&b);
        bed_records(&b, (const char **)(uintptr_t)circles[i], 3);
        assert_err(ERR_SYNTAX, dns_zone_compile(&b.config, 1, &b.zone, &errors));
        assert_non_null(strstr(errors.v[0].text, "circle"));
        config_errors_deinit(&errors);
    }
}

static void a_nameserver_that_is_an_alias_is_refused(void **state)
{
    struct bed b;
    struct config_errors errors = {0};
    const char *records[] = {"ns1 CNAME other"};
    bed_config(&b);
    bed_records(&b, records, 1);
    assert_err(ERR_SYNTAX, dns_zone_compile(&b.config, 1, &b.zone, &errors));
    assert_string_equal(errors.v[0].key, "nameservers[0]");
    config_errors_deinit(&errors);
}

static void nameservers_may_be_elsewhere_or_have_their_own_addresses(void **state)
{
    struct bed b;
    const char *nameservers[] = {"a.ns.ex.test", "ns.example.net", "ns2.ex.test"};
    const char *records[] = {"ns2 A 198.51.100.2"};
    bed_config(&b);
    bed_records(&b, records, 1);
    b.config.nameservers = (struct config_strings){nameservers, 3};
    bed_open(&b);
    static const struct row rows[] = {
        {"ex.test", "NS",
         "NOERROR aa an[ex.test. 60 NS a.ns.ex.test.] an[ex.test. 60 NS ns.example.net.] "
         "an[ex.test. 60 NS ns2.ex.test.] ar[a.ns.ex.test. 60 A 192.0.2.1] "
         "ar[a.ns.ex.test. 60 AAAA 2001:db8::1] ar[ns2.ex.test. 60 A 198.51.100.2]"},
        {"a.ns.ex.test", "A", "NOERROR aa an[a.ns.ex.test. 60 A 192.0.2.1]"},
        {"ns2.ex.test", "A", "NOERROR aa an[ns2.ex.test. 60 A 198.51.100.2]"},
    };
    bed_rows(&b, rows, ARRAY_LEN(rows));
    bed_close(&b);
}

static void without_ipv6_there_is_no_aaaa(void **state)
{
    struct bed b;
    bed_config(&b);
    b.config.addresses.n = 1;
    bed_open(&b);
    static const struct row rows[] = {
        {"web.slim.ex.test", "A", "NOERROR aa an[web.slim.ex.test. 60 A 192.0.2.1]"},
        {"web.slim.ex.test", "AAAA", NODATA_EX},
        {"ex.test", "AAAA", NODATA_EX},
        {"ns1.ex.test", "AAAA", NODATA_EX},
    };
    bed_rows(&b, rows, ARRAY_LEN(rows));
    bed_close(&b);
}

static void the_zone_may_be_several_hosts(void **state)
{
    struct bed b;
    bed_config(&b);
    struct addr many[3] = {b.addresses[0], b.addresses[1]};
    assert_ok(addr_parse_ip(SPAN_LIT("192.0.2.2"), 0, &many[2]));
    b.config.addresses = (struct config_addrs){many, 3};
    bed_open(&b);
    static const struct row rows[] = {
        {"x.ex.test", "A",
         "NOERROR aa an[x.ex.test. 60 A 192.0.2.1] an[x.ex.test. 60 A 192.0.2.2]"},
    };
    bed_rows(&b, rows, ARRAY_LEN(rows));
    bed_close(&b);
}

/* RFC 2308 3 and 5: the lesser of the SOA's TTL and its MINIMUM; and what is not there is forgotten
 * soon, however long other answers are kept. */
static void the_negative_ttl_is_bounded(void **state)
{
    struct bed b;
    bed_config(&b);
    b.config.dns.ttl = 3600;
    b.config.dns.hostmaster = "ops.example.net";
    bed_open(&b);
    static const struct row rows[] = {
        {"ex.test", "SOA",
         "NOERROR aa an[ex.test. 3600 SOA ns1.ex.test. ops.example.net. 7 3600 600 1209600 60]"},
        {"ex.test", "SRV",
         "NOERROR aa ns[ex.test. 60 SOA ns1.ex.test. ops.example.net. 7 3600 600 1209600 60]"},
    };
    bed_rows(&b, rows, ARRAY_LEN(rows));
    bed_close(&b);
}

/* The apex configured to be another host is wholly so. */
static void static_apex_addresses_win(void **state)
{
    struct bed b;
    const char *records[] = {"@ A 198.51.100.1", "* A 198.51.100.2"};
    bed_config(&b);
    bed_records(&b, records, 2);
    bed_open(&b);
    static const struct row rows[] = {
        {"ex.test", "A", "NOERROR aa an[ex.test. 60 A 198.51.100.1]"},
        {"ex.test", "AAAA", NODATA_EX},
        {"ex.test", "HTTPS", NODATA_EX},
        {"web.slim.ex.test", "A", "NOERROR aa an[web.slim.ex.test. 60 A 198.51.100.2]"},
        {"ns1.ex.test", "A", "NOERROR aa an[ns1.ex.test. 60 A 192.0.2.1]"},
    };
    bed_rows(&b, rows, ARRAY_LEN(rows));
    bed_close(&b);
}

/* More names than the table starts with. */
static void many_records_are_all_found(void **state)
{
    enum { N = 2000 };
    struct bed b;
    static char lines[N][40];
    static const char *records[N];
    for (int i = 0; i < N; i++) {
        snprintf(lines[i], sizeof(lines[i]), "n%d.g%d A 10.0.%d.%d", i, i % 7, i / 256, i % 256);
        records[i] = lines[i];
    }
    bed_config(&b);
    bed_records(&b, records, N);
    bed_open(&b);
    for (int i = 0; i < N; i++) {
        char name[40], expect[80];
        snprintf(name, sizeof(name), "n%d.g%d.ex.test", i, i % 7);
        snprintf(expect, sizeof(expect), "NOERROR aa an[%s. 60 A 10.0.%d.%d]", name, i / 256,
                 i % 256);
        const struct row row = {name, "A", expect};
        bed_rows(&b, &row, 1);
    }
    bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_that_are_no_record_are_refused),
        cmocka_unit_test(records_that_do_not_belong_are_refused),
        cmocka_unit_test(all_errors_are_told),
        cmocka_unit_test(a_circle_of_aliases_is_refused),
        cmocka_unit_test(a_nameserver_that_is_an_alias_is_refused),
        cmocka_unit_test(nameservers_may_be_elsewhere_or_have_their_own_addresses),
        cmocka_unit_test(without_ipv6_there_is_no_aaaa),
        cmocka_unit_test(the_zone_may_be_several_hosts),
        cmocka_unit_test(the_negative_ttl_is_bounded),
        cmocka_unit_test(static_apex_addresses_win),
        cmocka_unit_test(many_records_are_all_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
