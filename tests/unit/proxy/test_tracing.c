/* The context that services pass on: W3C Trace Context, W3C Baggage, x-request-id. */
#include "proxy/head/tracing.h"

#include <stdio.h>

#include "support/test.h"

static struct arena arena;

static int setup(void **state)
{
    arena_init(&arena, NULL, 0, 4 * 1024 * 1024);
    return 0;
}

static int teardown(void **state)
{
    arena_deinit(&arena);
    return 0;
}

/* Lines of one field, separated by '|'. */
static struct fields lines(enum field_id id, const char *values)
{
    struct fields f = {0};
    struct span rest = span_str(values), value;
    while (span_split(&rest, '|', &value))
        assert_ok(fields_add_id(&f, &arena, id, value));
    return f;
}

static const char *joined(const struct fields *f, enum field_id id)
{
    struct span s = fields_join(f, id, SPAN_LIT("|"), &arena);
    return s.p ? arena_strz(&arena, s) : "(none)";
}

/* --- tracestate ---------------------------------------------------------------------------------- */

struct member_case {
    const char *in, *session, *out;
};

static const struct member_case tracestates[] = {
    {"", "gecko", "linkup-session=gecko"},
    {"a=1", "gecko", "linkup-session=gecko,a=1"},
    {"a=1,b=2", "gecko", "linkup-session=gecko,a=1,b=2"},
    {"a=1|b=2", "gecko", "linkup-session=gecko,a=1,b=2"},
    /* Ours comes to the front, once, with the session it is. */
    {"a=1,linkup-session=gecko,b=2", "gecko", "linkup-session=gecko,a=1,b=2"},
    {"linkup-session=other,a=1", "gecko", "linkup-session=gecko,a=1"},
    {"linkup-session=x,a=1,linkup-session=y", "gecko", "linkup-session=gecko,a=1"},
    /* Keys are matched whole. */
    {"xlinkup-session=x,linkup-sessions=y", "gecko",
     "linkup-session=gecko,xlinkup-session=x,linkup-sessions=y"},
    {"a=linkup-session=x", "gecko", "linkup-session=gecko,a=linkup-session=x"},
    /* A key stands once; the first is the newest. */
    {"a=1,b=2,a=3", "gecko", "linkup-session=gecko,a=1,b=2"},
    /* Empty members and white space are allowed, and go. */
    {" a=1 , ,\tb=2 ,", "gecko", "linkup-session=gecko,a=1,b=2"},
    {"a=1,nonsense,=2,b=3", "gecko", "linkup-session=gecko,a=1,b=3"},
    /* A multi-tenant key. */
    {"t61rcwkgmzek@vendor=x y", "gecko", "linkup-session=gecko,t61rcwkgmzek@vendor=x y"},
    /* Without a session nothing changes, but that a dead one goes. */
    {"", "", "(none)"},
    {"a=1,a=2, ,b", "", "a=1,a=2, ,b"},
    {"a=1|b=2", "", "a=1|b=2"},
    {"linkup-session=dead", "", "(none)"},
    {"a=1,linkup-session=dead,b=2", "", "a=1,b=2"},
    {"a=1|linkup-session=dead", "", "a=1"},
};

static void test_tracestate(void **state)
{
    for (size_t i = 0; i < sizeof tracestates / sizeof tracestates[0]; i++) {
        const struct member_case *c = &tracestates[i];
        struct fields f = lines(FIELD_TRACESTATE, c->in);
        assert_ok(tracing_tracestate(&f, span_str(c->session), &arena));
        assert_string_equal(joined(&f, FIELD_TRACESTATE), c->out);
    }
}

/* "k0=1,k1=1,...": N members. */
static char *many(size_t n, const char *value)
{
    char *text = arena_alloc(&arena, n * (strlen(value) + 16) + 1), *at = text;
    *at = '\0';
    for (size_t i = 0; i < n; i++)
        at += snprintf(at, strlen(value) + 16, "%sk%zu=%s", i ? "," : "", i, value);
    return text;
}

static size_t count_members(const char *text)
{
    size_t n = 1;
    for (; *text; text++)
        n += *text == ',';
    return n;
}

static void test_tracestate_has_32_members(void **state)
{
    static const size_t in[] = {30, 31, 32, 33, 100}, out[] = {31, 32, 32, 32, 32};
    for (size_t i = 0; i < 5; i++) {
        struct fields f = lines(FIELD_TRACESTATE, many(in[i], "1"));
        assert_ok(tracing_tracestate(&f, SPAN_LIT("gecko"), &arena));
        const char *text = joined(&f, FIELD_TRACESTATE);
        assert_int_equal(count_members(text), out[i]);
        /* Those at the right end are the oldest. */
        assert_true(span_starts(span_str(text), SPAN_LIT("linkup-session=gecko,k0=1,k1=1,")));
    }
}

/* --- baggage ------------------------------------------------------------------------------------- */

static const struct member_case baggages[] = {
    {"", "gecko", "linkup-session=gecko"},
    {"user=1", "gecko", "linkup-session=gecko,user=1"},
    {"user=1,linkup-session=gecko", "gecko", "linkup-session=gecko,user=1"},
    {"linkup-session = old ; p=1 , user=1", "gecko", "linkup-session=gecko,user=1"},
    {"user=1;prop=x;flag, b=%20", "gecko", "linkup-session=gecko,user=1;prop=x;flag,b=%20"},
    {"a=1|b=2", "gecko", "linkup-session=gecko,a=1,b=2"},
    {"a=1,a=2", "gecko", "linkup-session=gecko,a=1,a=2"},
    {"sd-routing-key=x,okteto-divert=y", "gecko",
     "linkup-session=gecko,sd-routing-key=x,okteto-divert=y"},
    {"xlinkup-session=x", "gecko", "linkup-session=gecko,xlinkup-session=x"},
    {"a=1;linkup-session=x", "gecko", "linkup-session=gecko,a=1;linkup-session=x"},
    {"", "", "(none)"},
    {"user=1 , b=2|c", "", "user=1 , b=2|c"},
    {"linkup-session=dead", "", "(none)"},
    {"a=1,linkup-session=dead;p,b=2", "", "a=1,b=2"},
};

static void test_baggage(void **state)
{
    for (size_t i = 0; i < sizeof baggages / sizeof baggages[0]; i++) {
        const struct member_case *c = &baggages[i];
        struct fields f = lines(FIELD_BAGGAGE, c->in);
        assert_ok(tracing_baggage(&f, span_str(c->session), &arena));
        assert_string_equal(joined(&f, FIELD_BAGGAGE), c->out);
    }
}

static void test_baggage_has_limits(void **state)
{
    char value[121];
    memset(value, 'v', 120);
    value[120] = '\0';
    static const size_t n[] = {63, 64, 65, 100};
    for (size_t i = 0; i < 4; i++) {
        struct fields f = lines(FIELD_BAGGAGE, many(n[i], "1"));
        assert_ok(tracing_baggage(&f, SPAN_LIT("gecko"), &arena));
        assert_int_equal(count_members(joined(&f, FIELD_BAGGAGE)), 64);

        f = lines(FIELD_BAGGAGE, many(n[i], value));
        assert_ok(tracing_baggage(&f, SPAN_LIT("gecko"), &arena));
        assert_true(strlen(joined(&f, FIELD_BAGGAGE)) <= 8192);
        assert_true(strlen(joined(&f, FIELD_BAGGAGE)) > 7000);
    }
    /* One member that is too long by itself. */
    struct fields f = lines(FIELD_BAGGAGE, many(1, many(2000, "1")));
    assert_ok(tracing_baggage(&f, SPAN_LIT("gecko"), &arena));
    assert_true(strlen(joined(&f, FIELD_BAGGAGE)) <= 8192);
}

/* Exactly at the limit: 8192 bytes with ours. */
static void test_baggage_fills_its_limit(void **state)
{
    for (size_t len = 8150; len < 8200; len++) {
        char *text = arena_alloc(&arena, len + 1);
        memset(text, 'v', len);
        text[len] = '\0';
        memcpy(text, "k=", 2);
        struct fields f = lines(FIELD_BAGGAGE, text);
        assert_ok(tracing_baggage(&f, SPAN_LIT("gecko"), &arena));
        size_t with_ours = strlen("linkup-session=gecko,") + len;
        assert_int_equal(strlen(joined(&f, FIELD_BAGGAGE)),
                         with_ours <= 8192 ? with_ours : strlen("linkup-session=gecko"));
    }
}

/* --- identifiers --------------------------------------------------------------------------------- */

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void test_traceparent_is_kept_or_made(void **state)
{
    static const struct {
        const char *in;
        bool kept;
    } cases[] = {
        {PARENT, true},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true},
        {"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true},
        {"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-adds", true},
        {"", false},
        {"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
        {PARENT "-x", false},
        {PARENT "x", false},
        {"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.x", false},
        {"00-00000000000000000000000000000000-b7ad6b7169203331-01", false},
        {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false},
        {"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false},
        {"00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01", false},
        {"00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01", false},
        {"00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01", false},
        {"nonsense", false},
        {PARENT "|" PARENT, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fields f = lines(FIELD_TRACEPARENT, cases[i].in);
        assert_ok(tracing_traceparent(&f, &arena));
        const char *out = joined(&f, FIELD_TRACEPARENT);
        if (cases[i].kept)
            assert_string_equal(out, cases[i].in);
        else
            assert_string_not_equal(out, cases[i].in);
        /* What was made is itself well-formed. */
        struct fields again = lines(FIELD_TRACEPARENT, out);
        assert_ok(tracing_traceparent(&again, &arena));
        assert_string_equal(joined(&again, FIELD_TRACEPARENT), out);
        assert_int_equal(fields_count(&f, FIELD_TRACEPARENT), 1);
    }
}

static void test_request_ids(void **state)
{
    struct fields f = lines(FIELD_X_REQUEST_ID, "mine");
    assert_ok(tracing_request_id(&f, &arena));
    assert_string_equal(joined(&f, FIELD_X_REQUEST_ID), "mine");

    f = lines(FIELD_X_REQUEST_ID, "one|two");
    assert_ok(tracing_request_id(&f, &arena));
    assert_string_equal(joined(&f, FIELD_X_REQUEST_ID), "one");

    f = lines(FIELD_X_REQUEST_ID, many(100, "1"));
    assert_ok(tracing_request_id(&f, &arena));
    assert_int_equal(strlen(joined(&f, FIELD_X_REQUEST_ID)), 32);

    /* No two alike. */
    char seen[64][33];
    for (size_t i = 0; i < 64; i++) {
        f = (struct fields){0};
        assert_ok(tracing_request_id(&f, &arena));
        const char *id = joined(&f, FIELD_X_REQUEST_ID);
        assert_int_equal(strlen(id), 32);
        assert_int_equal(strspn(id, "0123456789abcdef"), 32);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(id, seen[k]);
        memcpy(seen[i], id, 33);
    }
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_tracestate),
        T(test_tracestate_has_32_members),
        T(test_baggage),
        T(test_baggage_has_limits),
        T(test_baggage_fills_its_limit),
        T(test_traceparent_is_kept_or_made),
        T(test_request_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
