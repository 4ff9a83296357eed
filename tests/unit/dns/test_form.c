/* Form: headers, malformed messages, EDNS, sizes. RFC 1035 4, 6891, 7873, 5001. */
#include "unit/dns/dns_bed.h"

#include "dns/cookie.h"

static int setup(void **state)
{
    static struct bed bed;
    static const char *records[40];
    static char lines[40][300];
    bed_config(&bed);
    for (int i = 0; i < 40; i++) {
        /* "big" takes about 1,400 bytes, "huge" about 9,000. */
        snprintf(lines[i], sizeof(lines[i]), "%s TXT \"%d %0*d\"", i < 6 ? "big" : "huge", i, 220,
                 0);
        records[i] = lines[i];
    }
    bed_records(&bed, records, 40);
    bed.config.dns.nsid = "edge-1";
    bed_open(&bed);
    *state = &bed;
    return 0;
}

static int teardown(void **state)
{
    bed_close(*state);
    return 0;
}

/* --- Malformed messages ------------------------------------------------------------------------ */

#define HEAD(flags, qd, an, ns, ar) "\x12\x34" flags "\0" qd "\0" an "\0" ns "\0" ar
#define Q "\1x\2ex\4test\0\0\1\0\1"
#define OPT "\0\0\x29\4\xd0\0\0\0\0\0\0"
#define RR_A "\1x\0\0\1\0\1\0\0\0\0\0\4\1\2\3\4"

struct message {
    const char *what, *bytes;
    size_t len;
    const char *expect;
};
#define MESSAGE(what, bytes, expect)                                                               \
    {                                                                                              \
        what, bytes, sizeof(bytes) - 1, expect                                                     \
    }
#define OK "NOERROR aa an[x.ex.test. 60 A 192.0.2.1]"

static void check(struct bed *b, const struct message *m)
{
    bed_answer(b, m->bytes, m->len);
    const char *got = bed_text(b);
    if (strcmp(got, m->expect) != 0) {
        print_error("%s:\n  expected %s\n  got      %s\n", m->what, m->expect, got);
        fail();
    }
    if (b->answer_len > 0)
        assert_memory_equal(b->answer, m->bytes, 2);
}

static void malformed_messages_are_told_so(void **state)
{
    static const struct message rows[] = {
        MESSAGE("sound", HEAD("\0\0", "\1", "\0", "\0", "\0") Q, OK),
        MESSAGE("a response", HEAD("\x80\0", "\1", "\0", "\0", "\0") Q, "-"),
        MESSAGE("a response that is cut short", HEAD("\x80\0", "\1", "\0", "\0", "\0"), "-"),
        MESSAGE("no bytes", "", "-"),
        MESSAGE("eleven bytes", "\x12\x34\0\0\0\1\0\0\0\0\0", "-"),
        MESSAGE("only a header", HEAD("\0\0", "\1", "\0", "\0", "\0"), "FORMERR header"),
        MESSAGE("no question", HEAD("\0\0", "\0", "\0", "\0", "\0"), "FORMERR header"),
        MESSAGE("two questions", HEAD("\0\0", "\2", "\0", "\0", "\0") Q Q, "FORMERR header"),
        MESSAGE("a question too many", HEAD("\0\0", "\0", "\0", "\0", "\0") Q, "FORMERR header"),
        MESSAGE("no class", HEAD("\0\0", "\1", "\0", "\0", "\0") "\1x\2ex\4test\0\0\1",
                "FORMERR header"),
        MESSAGE("a name without end", HEAD("\0\0", "\1", "\0", "\0", "\0") "\1x\2ex\4test",
                "FORMERR header"),
        MESSAGE("a compressed name", HEAD("\0\0", "\1", "\0", "\0", "\0") "\xc0\x0c\0\1\0\1",
                "FORMERR header"),
        MESSAGE("a name that points into itself",
                HEAD("\0\0", "\1", "\0", "\0", "\0") "\1x\xc0\x0c\0\1\0\1", "FORMERR header"),
        MESSAGE("trailing bytes", HEAD("\0\0", "\1", "\0", "\0", "\0") Q "x", "FORMERR"),
        MESSAGE("trailing bytes behind an OPT", HEAD("\0\0", "\1", "\0", "\0", "\1") Q OPT "x",
                "FORMERR edns"),
        MESSAGE("an answer", HEAD("\0\0", "\1", "\1", "\0", "\0") Q RR_A, "FORMERR"),
        MESSAGE("an authority", HEAD("\0\0", "\1", "\0", "\1", "\0") Q RR_A, "FORMERR"),
        MESSAGE("an additional that is not there", HEAD("\0\0", "\1", "\0", "\0", "\1") Q,
                "FORMERR"),
        MESSAGE("an additional record", HEAD("\0\0", "\1", "\0", "\0", "\1") Q RR_A, OK),
        MESSAGE("one with a compressed owner",
                HEAD("\0\0", "\1", "\0", "\0", "\1") Q "\xc0\x0c\0\1\0\1\0\0\0\0\0\0", OK),
        MESSAGE("one cut short",
                HEAD("\0\0", "\1", "\0", "\0", "\1") Q "\1x\0\0\1\0\1\0\0\0\0\0\4\1", "FORMERR"),
        MESSAGE("IXFR with its SOA",
                HEAD("\0\0", "\1", "\0", "\1", "\0") "\2ex\4test\0\0\xfb\0\1" RR_A, "REFUSED"),
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(*state, &rows[i]);
}

static void opt_is_read_strictly(void **state)
{
    static const struct message rows[] = {
        MESSAGE("sound", HEAD("\0\0", "\1", "\0", "\0", "\1") Q OPT,
                "NOERROR aa edns an[x.ex.test. 60 A 192.0.2.1]"),
        MESSAGE("two of them", HEAD("\0\0", "\1", "\0", "\0", "\2") Q OPT OPT, "FORMERR edns"),
        MESSAGE("not the root's",
                HEAD("\0\0", "\1", "\0", "\0", "\1") Q "\1x\0\0\x29\4\xd0\0\0\0\0\0\0", "FORMERR"),
        MESSAGE("an owner that points to the root",
                HEAD("\0\0", "\1", "\0", "\0", "\1") Q "\xc0\x16\0\x29\4\xd0\0\0\0\0\0\0",
                "FORMERR"),
        MESSAGE("in the answer section", HEAD("\0\0", "\1", "\1", "\0", "\0") Q OPT, "FORMERR"),
        MESSAGE("before another record", HEAD("\0\0", "\1", "\0", "\0", "\2") Q OPT RR_A,
                "NOERROR aa edns an[x.ex.test. 60 A 192.0.2.1]"),
        MESSAGE("version 1", HEAD("\0\0", "\1", "\0", "\0", "\1") Q "\0\0\x29\4\xd0\0\1\x80\0\0\0",
                "BADVERS edns do"),
        MESSAGE("version 255 with what may be options",
                HEAD("\0\0", "\1", "\0", "\0", "\1") Q "\0\0\x29\4\xd0\0\xff\0\0\0\3abc",
                "BADVERS edns"),
        MESSAGE("options cut short",
                HEAD("\0\0", "\1", "\0", "\0", "\1") Q "\0\0\x29\4\xd0\0\0\0\0\0\x09\0\3\0\0",
                "FORMERR"),
        MESSAGE("an option longer than the options",
                HEAD("\0\0", "\1", "\0", "\0", "\1") Q "\0\0\x29\4\xd0\0\0\0\0\0\4\0\3\0\1",
                "FORMERR edns"),
        MESSAGE("three bytes of an option",
                HEAD("\0\0", "\1", "\0", "\0", "\1") Q "\0\0\x29\4\xd0\0\0\0\0\0\3\0\3\0",
                "FORMERR edns"),
        MESSAGE("an option nobody knows",
                HEAD("\0\0", "\1", "\0", "\0", "\1") Q "\0\0\x29\4\xd0\0\0\0\0\0\6\xff\xff\0\2ab",
                "NOERROR aa edns an[x.ex.test. 60 A 192.0.2.1]"),
        MESSAGE("a cookie of seven bytes",
                HEAD("\0\0", "\1", "\0", "\0", "\1") Q "\0\0\x29\4\xd0\0\0\0\0\0\x0b\0\x0a\0\7"
                                                       "1234567",
                "FORMERR edns"),
        MESSAGE("an unknown flag, which is not copied",
                HEAD("\0\0", "\1", "\0", "\0", "\1") Q "\0\0\x29\4\xd0\0\0\x40\0\0\0",
                "NOERROR aa edns an[x.ex.test. 60 A 192.0.2.1]"),
    };
    struct bed *b = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(b, &rows[i]);
    assert_memory_equal(b->answer + b->answer_len - 11, "\0\0\x29\4\xd0\0\0\0\0\0\0", 11);
}

/* --- Headers ----------------------------------------------------------------------------------- */

static void opcodes_other_than_query_are_not_implemented(void **state)
{
    struct bed *b = *state;
    for (unsigned opcode = 1; opcode < 16; opcode++) {
        struct ask q = {.name = "ex.test", .type = "SOA", .edns = true};
        q.flags = (uint16_t)(opcode << 11 | DNS_RD | DNS_CD);
        assert_string_equal(bed_ask(b, &q), "NOTIMP edns");
        /* RD and CD mean nothing there and are zero. */
        assert_int_equal(dns_load16(b->answer + 2), DNS_QR | opcode << 11 | DNS_NOTIMP);
    }
    /* An UPDATE (RFC 2136) with its sections full, and a DSO message (RFC 8490), only a header. */
    static const struct message rows[] = {
        MESSAGE("UPDATE", HEAD("\x28\0", "\1", "\1", "\1", "\0") Q RR_A RR_A, "NOTIMP"),
        MESSAGE("garbled UPDATE", HEAD("\x28\0", "\1", "\1", "\1", "\0") Q "x", "NOTIMP"),
        MESSAGE("DSO", HEAD("\x30\0", "\0", "\0", "\0", "\0"), "NOTIMP header"),
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(b, &rows[i]);
}

static void flags_are_copied_or_zero(void **state)
{
    static const struct {
        uint16_t asked, answered;
    } rows[] = {
        {0x0001, 0x8400}, /* an RCODE in a query is nothing */
        {0x0100, 0x8500}, /* RD */
        {0x0010, 0x8410}, /* CD */
        {0x0020, 0x8400}, /* AD */
        {0x0040, 0x8400}, /* Z */
        {0x0080, 0x8400}, /* RA */
        {0x0600, 0x8400}, /* AA, TC */
        {0x07ff, 0x8510},
    };
    struct bed *b = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask q = {.name = "x.ex.test", .type = "A", .flags = rows[i].asked};
        bed_ask(b, &q);
        assert_int_equal(dns_load16(b->answer + 2), rows[i].answered);
    }
}

static void types_that_are_no_data(void **state)
{
    static const struct {
        const char *type, *udp, *tcp;
    } rows[] = {
        {"AXFR", "FORMERR", "REFUSED"}, {"IXFR", "REFUSED", "REFUSED"},
        {"OPT", "FORMERR", "FORMERR"},  {"TSIG", "FORMERR", "FORMERR"},
        {"TKEY", "FORMERR", "FORMERR"}, {"MAILA", "NOTIMP", "NOTIMP"},
        {"MAILB", "NOTIMP", "NOTIMP"},
    };
    struct bed *b = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask q = {.name = "ex.test", .type = rows[i].type};
        b->transport = DNS_UDP;
        assert_string_equal(bed_ask(b, &q), rows[i].udp);
        b->transport = DNS_TCP;
        assert_string_equal(bed_ask(b, &q), rows[i].tcp);
    }
    b->transport = DNS_UDP;
}

/* --- Sizes ------------------------------------------------------------------------------------- */

static void an_answer_never_exceeds_what_the_client_takes(void **state)
{
    static const struct {
        const char *name;
        enum dns_transport transport;
        bool edns;
        uint16_t payload;
        bool truncated;
    } rows[] = {
        {"x.ex.test", DNS_UDP, false, 0, false},    {"big.ex.test", DNS_UDP, false, 0, true},
        {"big.ex.test", DNS_UDP, true, 1, true},    {"big.ex.test", DNS_UDP, true, 511, true},
        {"big.ex.test", DNS_UDP, true, 1232, true}, {"big.ex.test", DNS_UDP, true, 65535, true},
        {"big.ex.test", DNS_TCP, true, 512, false}, {"big.ex.test", DNS_TCP, false, 0, false},
        {"huge.ex.test", DNS_TCP, false, 0, false}, {"huge.ex.test", DNS_UDP, true, 4096, true},
    };
    struct bed *b = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask q = {
            .name = rows[i].name, .type = "TXT", .edns = rows[i].edns, .payload = rows[i].payload};
        b->transport = rows[i].transport;
        bed_ask(b, &q);
        assert_int_equal((b->answer[2] & 2) != 0, rows[i].truncated);
        if (!rows[i].truncated)
            continue;
        /* Only the question, and the OPT where there was one. */
        assert_string_equal(bed_text(b), rows[i].edns ? "NOERROR aa tc edns" : "NOERROR aa tc");
    }
    b->transport = DNS_UDP;
}

/* At each payload size either everything is there, or TC; additional data goes in silence. */
static void every_size_is_right(void **state)
{
    struct bed *b = *state;
    char label[64];
    memset(label, 'a', 63);
    label[63] = 0;
    char name[300];
    snprintf(name, sizeof(name), "%s.%s.%s.ex.test", label, label, label);
    for (uint16_t payload = 400; payload < 1300; payload++) {
        struct ask q = {.name = "ex.test", .type = "NS", .edns = true, .payload = payload};
        bed_ask(b, &q);
        assert_in_range(b->answer_len, 0, payload < 512 ? 512 : payload);
        assert_null(strstr(b->text, " tc"));
        q = (struct ask){.name = name, .type = "HTTPS", .edns = true, .payload = payload};
        assert_non_null(strstr(bed_ask(b, &q), "HTTPS 1 ."));
        assert_in_range(b->answer_len, 0, payload < 512 ? 512 : payload);
    }
}

/* --- Options ----------------------------------------------------------------------------------- */

static bool has_option(const struct bed *b, uint16_t code, const void *data, size_t len)
{
    uint8_t wanted[64];
    dns_store16(wanted, code);
    dns_store16(wanted + 2, (uint16_t)len);
    memcpy(wanted + 4, data, len);
    return memmem(b->answer, b->answer_len, wanted, len + 4) != NULL;
}

static void nsid_is_told_to_who_asks(void **state)
{
    struct bed *b = *state;
    struct ask q = {.name = "x.ex.test", .type = "A", .edns = true};
    bed_ask(b, &q);
    assert_false(has_option(b, DNS_OPTION_NSID, "edge-1", 6));
    q.options = "\0\3\0\0";
    q.options_len = 4;
    bed_ask(b, &q);
    assert_true(has_option(b, DNS_OPTION_NSID, "edge-1", 6));
    q.name = "example.com";
    bed_ask(b, &q);
    assert_true(has_option(b, DNS_OPTION_NSID, "edge-1", 6));
}

#define CLIENT_COOKIE "\x24\x64\xc4\xab\xcf\x10\xc9\x57"
#define SERVER_COOKIE "\1\0\0\0\x5c\xf7\x9f\x11\x1f\x81\x30\xc3\xee\xe2\x94\x80"
static const struct dns_cookie_keys keys = {
    .current = "\xe5\xe9\x73\xe5\xa6\xb2\xa4\x3f\x48\xe7\xdc\x84\x9e\x37\xbf\xcf"};

static const char *ask_cookie(struct bed *b, const char *options, size_t len)
{
    struct ask q = {.name = "x.ex.test", .type = "TXT", .edns = true};
    q.options = options;
    q.options_len = len;
    return bed_ask(b, &q);
}

static void a_cookie_is_completed(void **state)
{
    struct bed *b = *state;
    const char full[] = CLIENT_COOKIE SERVER_COOKIE;
    assert_ok(addr_parse_ip(SPAN_LIT("198.51.100.100"), 5353, &b->client));

    ask_cookie(b, "\0\x0a\0\x08" CLIENT_COOKIE, 12);
    assert_null(memmem(b->answer, b->answer_len, CLIENT_COOKIE, 8)); /* no keys yet */

    dns_responder_set_cookie_keys(b->r, &keys);
    assert_string_equal(ask_cookie(b, "\0\x0a\0\x08" CLIENT_COOKIE, 12),
                        "NOERROR aa edns ns[" SOA_EX "]");
    assert_true(has_option(b, DNS_OPTION_COOKIE, full, 24));
    /* A good one is given back. */
    ask_cookie(b, "\0\x0a\0\x18" CLIENT_COOKIE SERVER_COOKIE, 28);
    assert_true(has_option(b, DNS_OPTION_COOKIE, full, 24));
    /* A bad one is replaced and the question answered: nobody is kept out for a stale cookie. */
    assert_string_equal(ask_cookie(b,
                                   "\0\x0a\0\x18" CLIENT_COOKIE "\1\0\0\0\x5c\xf7\x9f\x11"
                                   "forged!!",
                                   28),
                        "NOERROR aa edns ns[" SOA_EX "]");
    assert_true(has_option(b, DNS_OPTION_COOKIE, full, 24));
    assert_null(memmem(b->answer, b->answer_len, "forged!!", 8));
    /* Of two the first counts, and the second is not even looked at. */
    ask_cookie(b, "\0\x0a\0\x08" CLIENT_COOKIE "\0\x0a\0\x01z", 17);
    assert_true(has_option(b, DNS_OPTION_COOKIE, full, 24));
}

/* RFC 7873 5.4. */
static void a_cookie_can_be_asked_for_alone(void **state)
{
    static const struct message rows[] = {
        MESSAGE("a client's",
                HEAD("\0\0", "\0", "\0", "\0",
                     "\1") "\0\0\x29\4\xd0\0\0\0\0\0\x0c\0\x0a\0\x08" CLIENT_COOKIE,
                "NOERROR edns"),
        MESSAGE("a good one",
                HEAD("\0\0", "\0", "\0", "\0",
                     "\1") "\0\0\x29\4\xd0\0\0\0\0\0\x1c\0\x0a\0\x18" CLIENT_COOKIE SERVER_COOKIE,
                "NOERROR edns"),
        MESSAGE("a bad one",
                HEAD("\0\0", "\0", "\0", "\0", "\1") "\0\0\x29\4\xd0\0\0\0\0\0\x1c\0\x0a\0\x18"
                                                     "another one forged here!",
                "BADCOOKIE edns"),
        MESSAGE("none", HEAD("\0\0", "\0", "\0", "\0", "\1") OPT, "FORMERR edns"),
    };
    dns_responder_set_cookie_keys(((struct bed *)*state)->r, &keys);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(*state, &rows[i]);
}

/* --- Counters ---------------------------------------------------------------------------------- */

static void answers_are_counted(void **state)
{
    struct bed *b = *state;
    uint64_t before[METRIC_COUNT];
    for (int i = 0; i < METRIC_COUNT; i++)
        before[i] = b->metrics.value[i];
    struct ask q = {.name = "big.ex.test", .type = "TXT"};
    bed_ask(b, &q);
    q.name = "example.com";
    bed_ask(b, &q);
    assert_int_equal(b->metrics.value[METRIC_DNS_QUERIES_UDP] - before[METRIC_DNS_QUERIES_UDP], 2);
    assert_int_equal(b->metrics.value[METRIC_DNS_NOERROR] - before[METRIC_DNS_NOERROR], 1);
    assert_int_equal(b->metrics.value[METRIC_DNS_TRUNCATED] - before[METRIC_DNS_TRUNCATED], 1);
    assert_int_equal(b->metrics.value[METRIC_DNS_REFUSED] - before[METRIC_DNS_REFUSED], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_messages_are_told_so),
        cmocka_unit_test(opt_is_read_strictly),
        cmocka_unit_test(opcodes_other_than_query_are_not_implemented),
        cmocka_unit_test(flags_are_copied_or_zero),
        cmocka_unit_test(types_that_are_no_data),
        cmocka_unit_test(an_answer_never_exceeds_what_the_client_takes),
        cmocka_unit_test(every_size_is_right),
        cmocka_unit_test(nsid_is_told_to_who_asks),
        cmocka_unit_test(a_cookie_is_completed),
        cmocka_unit_test(a_cookie_can_be_asked_for_alone),
        cmocka_unit_test(answers_are_counted),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
