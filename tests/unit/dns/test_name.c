#include "dns/name.h"

#include "support/test.h"

static bool read_bytes(const void *p, size_t len, struct dns_name *out)
{
    struct wire_reader r = wire_reader_of(p, len);
    bool ok = dns_name_read(&r, out);
    assert_int_equal(ok, !r.failed);
    if (ok)
        assert_int_equal(r.pos, out->len);
    return ok;
}

static void a_name_is_lowered_and_its_labels_noted(void **state)
{
    static const uint8_t wire[] = "\3WeB\7A-Z[@{_\2eX\4TEST";
    struct dns_name n;
    assert_true(read_bytes(wire, sizeof(wire), &n));
    assert_int_equal(n.len, sizeof(wire));
    assert_int_equal(n.labels, 4);
    assert_memory_equal(n.wire, "\3web\7a-z[@{_\2ex\4test", sizeof(wire));
    assert_int_equal(n.at[0], 0);
    assert_int_equal(n.at[1], 4);
    assert_int_equal(n.at[4], sizeof(wire) - 1);
}

static void bytes_above_ascii_stay(void **state)
{
    uint8_t wire[] = {3, 0xc1, 0xda, 0x5a, 0};
    struct dns_name n;
    assert_true(read_bytes(wire, sizeof(wire), &n));
    assert_memory_equal(n.wire, ((uint8_t[]){3, 0xc1, 0xda, 0x7a, 0}), 5);
}

static void what_is_no_name_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"", 0},           /* nothing */
        {"\3ab", 3},       /* a label cut short */
        {"\3abc", 4},      /* no root */
        {"\300\14", 2},    /* a pointer */
        {"\1a\300\14", 4}, /* a pointer behind a label */
        {"\100a\0", 3},    /* 0x40, 0x80: no label types */
        {"\200a\0", 3},
    };
    struct dns_name n;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(read_bytes(bad[i].bytes, bad[i].len, &n));
}

/* 127 labels of one byte and the root are 255 bytes; one byte more is too long. */
static void the_longest_name_is_read_and_no_longer_one(void **state)
{
    uint8_t wire[300];
    struct dns_name n;
    for (size_t i = 0; i < 254; i += 2) {
        wire[i] = 1;
        wire[i + 1] = 'A';
    }
    wire[254] = 0;
    assert_true(read_bytes(wire, 255, &n));
    assert_int_equal(n.labels, 127);
    assert_int_equal(n.wire[253], 'a');

    wire[252] = 2;
    wire[254] = 'A';
    wire[255] = 0;
    assert_false(read_bytes(wire, 256, &n));
}

static void skipping_stops_at_a_pointer(void **state)
{
    struct wire_reader r = wire_reader_of("\1a\300\14rest", 8);
    dns_name_skip(&r);
    assert_false(r.failed);
    assert_int_equal(r.pos, 4);
    r = wire_reader_of("\1a\300", 3);
    dns_name_skip(&r);
    assert_true(r.failed);
}

static void text_becomes_a_name(void **state)
{
    struct dns_name a, b;
    assert_true(dns_name_from_text(SPAN_LIT("Web.ex.test"), &a));
    assert_true(dns_name_from_text(SPAN_LIT("web.EX.test."), &b));
    assert_true(dns_name_eq(&a, &b));
    static const char *const bad[] = {"", ".", "a..b", ".a", "a.."};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(dns_name_from_text(span_str(bad[i]), &a));
    char label[65];
    memset(label, 'a', sizeof(label));
    assert_true(dns_name_from_text(span_of(label, 63), &a));
    assert_false(dns_name_from_text(span_of(label, 64), &a));
}

static void being_below_goes_by_labels(void **state)
{
    static const struct {
        const char *name;
        bool in;
        unsigned below;
    } rows[] = {
        {"ex.test", true, 0},      {"a.ex.test", true, 1}, {"b.a.ex.test", true, 2},
        {"notex.test", false, 0},  {"test", false, 0},     {"ex.test.org", false, 0},
        {"b.a.ex.tess", false, 0},
    };
    struct dns_name zone, n;
    assert_true(dns_name_from_text(SPAN_LIT("ex.test"), &zone));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned below = 0;
        assert_true(dns_name_from_text(span_str(rows[i].name), &n));
        assert_int_equal(dns_name_in(&n, &zone, &below), rows[i].in);
        assert_int_equal(below, rows[i].below);
    }
    /* The bytes of a label may look like labels: "\1a\2ex\4test" inside one. */
    static const uint8_t trap[] = "\12a\2ex\4test.";
    assert_true(read_bytes(trap, sizeof(trap), &n));
    assert_false(dns_name_in(&n, &zone, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_lowered_and_its_labels_noted),
        cmocka_unit_test(bytes_above_ascii_stay),
        cmocka_unit_test(what_is_no_name_is_refused),
        cmocka_unit_test(the_longest_name_is_read_and_no_longer_one),
        cmocka_unit_test(skipping_stops_at_a_pointer),
        cmocka_unit_test(text_becomes_a_name),
        cmocka_unit_test(being_below_goes_by_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
