/* What a zone answers: a row is a question and the whole answer. */
#include "unit/dns/dns_bed.h"

#define A_1 "192.0.2.1"
#define AAAA_1 "2001:db8::1"
#define HTTPS_1 "HTTPS 1 . alpn=h2,http/1.1"

static int setup(void **state)
{
    static struct bed bed;
    static const char *caa[] = {"0 issue \"letsencrypt.org\""};
    static const char *records[] = {
        "@ MX 10 mail",
        "@ TXT \"v=spf1 -all\"",
        "mail 300 A 198.51.100.7",
        "alias CNAME mail",
        "web-alias CNAME web.slim",
        "away CNAME www.example.net.",
        "chain CNAME alias",
        "note TXT \"hello\" \"world\"",
        "_dmarc.deep.er TXT \"v=DMARC1\"",
        "*.wild A 198.51.100.8",
        "host.wild TXT \"here\"",
        "*.alias-wild CNAME mail",
        "_sip._tcp SRV 0 5 5060 mail",
        "svc HTTPS 1 . port=8443",
        "mx2 MX 5 ns1",
        "mx2 MX 6 mail.example.net.",
        "strange TYPE999 \\# 2 abcd",
    };
    bed_config(&bed);
    bed.config.dns.caa = (struct config_strings){caa, 1};
    bed_records(&bed, records, ARRAY_LEN(records));
    bed_open(&bed);
    *state = &bed;
    return 0;
}

static int teardown(void **state)
{
    bed_close(*state);
    return 0;
}

static void the_apex_answers(void **state)
{
    static const struct row rows[] = {
        {"ex.test", "SOA", "NOERROR aa an[" SOA_EX "]"},
        {"ex.test", "NS",
         "NOERROR aa an[ex.test. 60 NS ns1.ex.test.] ar[ns1.ex.test. 60 A " A_1
         "] ar[ns1.ex.test. 60 AAAA " AAAA_1 "]"},
        {"ex.test", "A", "NOERROR aa an[ex.test. 60 A " A_1 "]"},
        {"ex.test", "AAAA", "NOERROR aa an[ex.test. 60 AAAA " AAAA_1 "]"},
        {"ex.test", "CAA", "NOERROR aa an[ex.test. 60 CAA 0 issue \"letsencrypt.org\"]"},
        {"ex.test", "HTTPS",
         "NOERROR aa an[ex.test. 60 " HTTPS_1 "] ar[ex.test. 60 A " A_1
         "] ar[ex.test. 60 AAAA " AAAA_1 "]"},
        {"ex.test", "MX",
         "NOERROR aa an[ex.test. 60 MX 10 mail.ex.test.] ar[mail.ex.test. 300 A 198.51.100.7]"},
        {"ex.test", "TXT", "NOERROR aa an[ex.test. 60 TXT \"v=spf1 -all\"]"},
        {"ex.test", "SRV", NODATA_EX},
        {"ns1.ex.test", "A", "NOERROR aa an[ns1.ex.test. 60 A " A_1 "]"},
        {"ns1.ex.test", "AAAA", "NOERROR aa an[ns1.ex.test. 60 AAAA " AAAA_1 "]"},
        {"ns1.ex.test", "HTTPS", NODATA_EX},
    };
    bed_rows(*state, rows, ARRAY_LEN(rows));
}

static void every_name_below_the_zone_is_the_edge(void **state)
{
    static const struct row rows[] = {
        {"web.slim.ex.test", "A", "NOERROR aa an[web.slim.ex.test. 60 A " A_1 "]"},
        {"slim.ex.test", "AAAA", "NOERROR aa an[slim.ex.test. 60 AAAA " AAAA_1 "]"},
        {"a.b.c.d.e.ex.test", "A", "NOERROR aa an[a.b.c.d.e.ex.test. 60 A " A_1 "]"},
        {"web--slim.ex.test", "A", "NOERROR aa an[web--slim.ex.test. 60 A " A_1 "]"},
        {"*.ex.test", "A", "NOERROR aa an[*.ex.test. 60 A " A_1 "]"},
        {"web.slim.ex.test", "HTTPS",
         "NOERROR aa an[web.slim.ex.test. 60 " HTTPS_1 "] ar[web.slim.ex.test. 60 A " A_1
         "] ar[web.slim.ex.test. 60 AAAA " AAAA_1 "]"},
        {"web.slim.ex.test", "TXT", NODATA_EX},
        {"web.slim.ex.test", "MX", NODATA_EX},
        {"web.slim.ex.test", "NS", NODATA_EX},
        {"web.slim.ex.test", "SOA", NODATA_EX},
        {"web.slim.ex.test", "DS", NODATA_EX},
        {"web.slim.ex.test", "TYPE65000", NODATA_EX},
    };
    bed_rows(*state, rows, ARRAY_LEN(rows));
}

static void static_records_win(void **state)
{
    static const struct row rows[] = {
        {"mail.ex.test", "A", "NOERROR aa an[mail.ex.test. 300 A 198.51.100.7]"},
        /* The edge's IPv6 address is not this host's, and HTTPS speaks of the edge. */
        {"mail.ex.test", "AAAA", NODATA_EX},
        {"mail.ex.test", "HTTPS", NODATA_EX},
        /* Below it, and beside what is no address, the edge stays. */
        {"web.mail.ex.test", "A", "NOERROR aa an[web.mail.ex.test. 60 A " A_1 "]"},
        {"note.ex.test", "TXT", "NOERROR aa an[note.ex.test. 60 TXT \"hello\" \"world\"]"},
        {"note.ex.test", "A", "NOERROR aa an[note.ex.test. 60 A " A_1 "]"},
        {"note.ex.test", "MX", NODATA_EX},
        {"svc.ex.test", "A", "NOERROR aa an[svc.ex.test. 60 A " A_1 "]"},
        {"svc.ex.test", "HTTPS",
         "NOERROR aa an[svc.ex.test. 60 HTTPS 1 . port=8443] ar[svc.ex.test. 60 A " A_1
         "] ar[svc.ex.test. 60 AAAA " AAAA_1 "]"},
        {"_sip._tcp.ex.test", "SRV",
         "NOERROR aa an[_sip._tcp.ex.test. 60 SRV 0 5 5060 mail.ex.test.]"},
        {"mx2.ex.test", "MX",
         "NOERROR aa an[mx2.ex.test. 60 MX 5 ns1.ex.test.] an[mx2.ex.test. 60 MX 6 "
         "mail.example.net.] ar[ns1.ex.test. 60 A " A_1 "] ar[ns1.ex.test. 60 AAAA " AAAA_1 "]"},
        {"strange.ex.test", "TYPE999", "NOERROR aa an[strange.ex.test. 60 TYPE999 \\# 2 abcd]"},
    };
    bed_rows(*state, rows, ARRAY_LEN(rows));
}

/* A name that is there only because something is below it takes nothing from the wildcard. */
static void empty_non_terminals_keep_the_edge(void **state)
{
    static const struct row rows[] = {
        {"_dmarc.deep.er.ex.test", "TXT",
         "NOERROR aa an[_dmarc.deep.er.ex.test. 60 TXT \"v=DMARC1\"]"},
        {"deep.er.ex.test", "A", "NOERROR aa an[deep.er.ex.test. 60 A " A_1 "]"},
        {"deep.er.ex.test", "TXT", NODATA_EX},
        {"er.ex.test", "AAAA", "NOERROR aa an[er.ex.test. 60 AAAA " AAAA_1 "]"},
        {"web.deep.er.ex.test", "A", "NOERROR aa an[web.deep.er.ex.test. 60 A " A_1 "]"},
    };
    bed_rows(*state, rows, ARRAY_LEN(rows));
}

/* RFC 4592: the closest encloser's own wildcard, and no other. */
static void static_wildcards_are_sources_of_synthesis(void **state)
{
    static const struct row rows[] = {
        {"x.wild.ex.test", "A", "NOERROR aa an[x.wild.ex.test. 60 A 198.51.100.8]"},
        {"y.x.wild.ex.test", "A", "NOERROR aa an[y.x.wild.ex.test. 60 A 198.51.100.8]"},
        {"*.wild.ex.test", "A", "NOERROR aa an[*.wild.ex.test. 60 A 198.51.100.8]"},
        {"x.wild.ex.test", "AAAA", NODATA_EX},
        {"wild.ex.test", "A", "NOERROR aa an[wild.ex.test. 60 A " A_1 "]"},
        {"host.wild.ex.test", "TXT", "NOERROR aa an[host.wild.ex.test. 60 TXT \"here\"]"},
        {"host.wild.ex.test", "A", "NOERROR aa an[host.wild.ex.test. 60 A " A_1 "]"},
        {"x.host.wild.ex.test", "A", "NOERROR aa an[x.host.wild.ex.test. 60 A " A_1 "]"},
        {"x.alias-wild.ex.test", "A",
         "NOERROR aa an[x.alias-wild.ex.test. 60 CNAME mail.ex.test.] an[mail.ex.test. 300 A "
         "198.51.100.7]"},
    };
    bed_rows(*state, rows, ARRAY_LEN(rows));
}

static void aliases_are_followed_inside_the_zone(void **state)
{
    static const struct row rows[] = {
        {"alias.ex.test", "A",
         "NOERROR aa an[alias.ex.test. 60 CNAME mail.ex.test.] an[mail.ex.test. 300 A "
         "198.51.100.7]"},
        {"alias.ex.test", "CNAME", "NOERROR aa an[alias.ex.test. 60 CNAME mail.ex.test.]"},
        /* RFC 2308 2.2: NODATA behind a CNAME. */
        {"alias.ex.test", "AAAA",
         "NOERROR aa an[alias.ex.test. 60 CNAME mail.ex.test.] ns[" SOA_EX "]"},
        {"chain.ex.test", "A",
         "NOERROR aa an[chain.ex.test. 60 CNAME alias.ex.test.] an[alias.ex.test. 60 CNAME "
         "mail.ex.test.] an[mail.ex.test. 300 A 198.51.100.7]"},
        {"web-alias.ex.test", "HTTPS",
         "NOERROR aa an[web-alias.ex.test. 60 CNAME web.slim.ex.test.] an[web.slim.ex.test. "
         "60 " HTTPS_1 "] ar[web.slim.ex.test. 60 A " A_1 "] ar[web.slim.ex.test. 60 AAAA " AAAA_1
         "]"},
        {"away.ex.test", "A", "NOERROR aa an[away.ex.test. 60 CNAME www.example.net.]"},
        {"below.alias.ex.test", "A", "NOERROR aa an[below.alias.ex.test. 60 A " A_1 "]"},
    };
    bed_rows(*state, rows, ARRAY_LEN(rows));
}

/* RFC 8482. */
static void any_is_answered_with_one_rrset(void **state)
{
    static const struct row rows[] = {
        {"ex.test", "ANY", "NOERROR aa an[ex.test. 60 HINFO \"RFC8482\" \"\"]"},
        {"web.slim.ex.test", "ANY", "NOERROR aa an[web.slim.ex.test. 60 HINFO \"RFC8482\" \"\"]"},
        {"alias.ex.test", "ANY", "NOERROR aa an[alias.ex.test. 60 CNAME mail.ex.test.]"},
    };
    bed_rows(*state, rows, ARRAY_LEN(rows));
}

static void other_zones_are_refused(void **state)
{
    static const struct row rows[] = {
        {"example.com", "A", "REFUSED"}, {"test", "NS", "REFUSED"},       {"", "NS", "REFUSED"},
        {"notex.test", "A", "REFUSED"},  {"ex.test.org", "A", "REFUSED"},
    };
    bed_rows(*state, rows, ARRAY_LEN(rows));
    static const uint16_t classes[] = {0, 2, 3, 4, 254, 255, 65535};
    for (size_t i = 1; i < ARRAY_LEN(classes); i++) {
        struct ask q = {.name = "ex.test", .type = "A", .class = classes[i]};
        assert_string_equal(bed_ask(*state, &q), "REFUSED");
        q = (struct ask){.name = "version.bind", .type = "TXT", .class = classes[i]};
        assert_string_equal(bed_ask(*state, &q), "REFUSED");
    }
}

static void the_case_asked_in_is_kept(void **state)
{
    struct bed *b = *state;
    struct ask q = {.name = "WeB.sLiM.eX.tEsT", .type = "A"};
    assert_string_equal(bed_ask(b, &q), "NOERROR aa an[WeB.sLiM.eX.tEsT. 60 A " A_1 "]");
    /* The question byte for byte, the owner a pointer to it. */
    assert_memory_equal(b->answer + 12, b->query + 12, b->query_len - 12);
    assert_memory_equal(b->answer + b->query_len, "\xc0\x0c", 2);
    q.type = "TXT";
    assert_string_equal(bed_ask(b, &q), "NOERROR aa ns[eX.tEsT. 60 SOA ns1.eX.tEsT. "
                                        "hostmaster.eX.tEsT. 7 3600 600 1209600 60]");
}

static void names_are_compressed(void **state)
{
    struct bed *b = *state;
    struct ask q = {.name = "web.slim.ex.test", .type = "TXT"};
    bed_ask(b, &q);
    /* Question, pointer, ten bytes; "ns1" and "hostmaster" with a pointer each, five numbers. */
    assert_int_equal(b->answer_len, 12 + 22 + 12 + 6 + 13 + 20);
}

/* RFC 9460 7.2: where https is not at its own port, the record says so. */
static void another_https_port_is_told(void **state)
{
    (void)state;
    static struct bed b;
    bed_config(&b);
    b.config.public_https_port = 8443;
    bed_open(&b);
    static const struct row rows[] = {
        {"web.slim.ex.test", "HTTPS",
         "NOERROR aa an[web.slim.ex.test. 60 HTTPS 1 . alpn=h2,http/1.1 port=8443] "
         "ar[web.slim.ex.test. 60 A " A_1 "] ar[web.slim.ex.test. 60 AAAA " AAAA_1 "]"},
    };
    bed_rows(&b, rows, ARRAY_LEN(rows));
    bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_apex_answers),
        cmocka_unit_test(every_name_below_the_zone_is_the_edge),
        cmocka_unit_test(static_records_win),
        cmocka_unit_test(empty_non_terminals_keep_the_edge),
        cmocka_unit_test(static_wildcards_are_sources_of_synthesis),
        cmocka_unit_test(aliases_are_followed_inside_the_zone),
        cmocka_unit_test(any_is_answered_with_one_rrset),
        cmocka_unit_test(other_zones_are_refused),
        cmocka_unit_test(the_case_asked_in_is_kept),
        cmocka_unit_test(names_are_compressed),
        cmocka_unit_test(another_https_port_is_told),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
