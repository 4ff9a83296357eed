#include <pthread.h>

#include "core/mem.h"
#include "sessions/regex.h"
#include "support/test.h"

struct bed {
    struct regex_scratch *scratch;
    struct arena arena;
};

static int setup(void **state)
{
    struct bed *b = NEW(struct bed);
    b->scratch = regex_scratch_new();
    arena_init(&b->arena, NULL, 0, (size_t)1 << 20);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bed *b = *state;
    regex_scratch_free(b->scratch);
    arena_deinit(&b->arena);
    mem_free(b);
    return 0;
}

static struct regex *compiled(const char *pattern)
{
    char why[128];
    size_t at;
    struct regex *r = NULL;
    assert_ok(regex_new(pattern, &r, why, &at));
    return r;
}

static void matches(void **state)
{
    struct bed *b = *state;
    static const struct {
        const char *pattern, *subject;
        bool want;
    } rows[] = {
        {"^/api/", "/api/x", true},
        {"^/api/", "/x/api/", false},
        {"/api/", "/x/api/", true},
        {"", "", true},
        {"", "/x", true},
        {"^$", "", true},
        {"x", "", false},
        {"/A", "/a", false},
        {"(?i)/A", "/a", true},
        {"/a.c",
         "/a\xff"
         "c",
         true},
        {"\xc3\xbc", "/\xc3\xbc", true},
        {"(a)(b)?", "a", true},
        {"^/(?!api)", "/web", true},
        {"^/(?!api)", "/api", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct regex *r = compiled(rows[i].pattern);
        assert_string_equal(regex_pattern(r), rows[i].pattern);
        if (regex_matches(r, b->scratch, span_str(rows[i].subject)) != rows[i].want)
            fail_msg("%s on %s", rows[i].pattern, rows[i].subject);
        regex_unref(r);
    }
    struct regex *r = compiled("^$");
    assert_true(regex_matches(r, b->scratch, (struct span){NULL, 0}));
    regex_unref(r);
}

static void replaces(void **state)
{
    struct bed *b = *state;
    static const struct {
        const char *pattern, *target, *subject, *want;
    } rows[] = {
        {"/foo/(.*)", "/bar/$1", "/foo/x", "/bar/x"},
        {"/foo", "/bar", "/a/foo/foo", "/a/bar/foo"}, /* the first only */
        {"^/api", "", "/api", ""},
        {"^", "/pre", "/x", "/pre/x"},
        {"$", "/post", "/x", "/x/post"},
        {"(.)(.)", "$2$1", "ab", "ba"},
        {"b", "[$0]", "abc", "a[b]c"},
        {"(b)", "${1}0", "abc", "ab0c"},
        {"(b)", "$10", "abc", "ab0c"}, /* no tenth group: the first, and a 0 */
        {"(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)", "$10$1", "abcdefghij", "ja"},
        {"(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)", "${10}${01}", "abcdefghij", "ja"},
        {"b", "$$", "abc", "a$c"},
        {"b", "$$1", "abc", "a$1c"},
        {"b", "$", "abc", "a$c"},
        {"b", "$x", "abc", "a$xc"},
        {"b", "${x}", "abc", "a${x}c"},
        {"b", "${", "abc", "a${c"},
        {"b", "${1", "abc", "a${1c"},
        {"b", "${123}", "abc", "a${123}c"},
        {"b", "$1", "abc", "a$1c"},
        {"b", "${99}", "abc", "a${99}c"},
        {"a(x)?(b)", "$1$2", "ab", "b"}, /* a group that took no part */
        {"a(b)|c(d)", "<$1$2>", "cd", "<d>"},
        {"(?<n>b)", "$1$1", "abc", "abbc"},
        {"a\\Kb", "X", "ab", "aX"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct regex *r = compiled(rows[i].pattern);
        struct span got;
        assert_ok(regex_replace(r, b->scratch, span_str(rows[i].subject), span_str(rows[i].target),
                                &b->arena, &got));
        if (!span_eq(got, span_str(rows[i].want)))
            fail_msg("%s, %s: \"" SPAN_FMT "\", not \"%s\"", rows[i].pattern, rows[i].target,
                     SPAN_ARG(got), rows[i].want);
        regex_unref(r);
    }
}

static void replaces_nothing(void **state)
{
    struct bed *b = *state;
    struct span got;
    struct regex *r = compiled("x");
    assert_err(ERR_NOT_FOUND,
               regex_replace(r, b->scratch, SPAN_LIT("abc"), SPAN_LIT("y"), &b->arena, &got));
    regex_unref(r);
}

static void result_is_bounded(void **state)
{
    struct bed *b = *state;
    static char subject[REGEX_RESULT_MAX];
    struct span got;
    struct regex *all = compiled("^(.*)$");
    memset(subject, 'x', sizeof subject);
    struct span most = span_of(subject, sizeof subject);
    assert_ok(regex_replace(all, b->scratch, most, SPAN_LIT("$1"), &b->arena, &got));
    assert_int_equal(got.len, sizeof subject);
    assert_err(ERR_FULL, regex_replace(all, b->scratch, most, SPAN_LIT("$1$1"), &b->arena, &got));
    assert_err(ERR_FULL, regex_replace(all, b->scratch, most, SPAN_LIT("/$1"), &b->arena, &got));

    struct arena small;
    arena_init(&small, NULL, 0, 256);
    assert_err(ERR_FULL, regex_replace(all, b->scratch, most, SPAN_LIT("$1"), &small, &got));
    arena_deinit(&small);
    regex_unref(all);
}

/* Exponential in a backtracking matcher: the limit ends it, and it counts as no match. */
static void runaway_pattern_is_no_match(void **state)
{
    struct bed *b = *state;
    static const char *const patterns[] = {"^(a+)+$", "^(a|aa)+$", "^(?:a?){40}a{40}b$",
                                           "(*NO_JIT)^(a+)+$", "^((a*)*)*c"};
    static char subject[8000];
    memset(subject, 'a', sizeof subject);
    subject[sizeof subject - 1] = '!';
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        struct regex *r = compiled(patterns[i]);
        assert_false(regex_matches(r, b->scratch, span_of(subject, sizeof subject)));
        regex_unref(r);
    }
}

static void refused(void **state)
{
    static char too_long[REGEX_PATTERN_MAX + 2];
    memset(too_long, 'a', sizeof too_long - 1);
    static const struct {
        const char *pattern, *why;
        size_t at;
    } rows[] = {
        {"(", "missing closing parenthesis", 1},
        {"ab)", "unmatched closing parenthesis", 2},
        {"[z-a]", "range out of order", 3},
        {"(*UTF)x", "disabled", 6},
        {"(*UCP)x", "disabled", 6},
        {"x\\Cy", "disabled", 3},
        {"(?:abcdefghabcdefgh){999}", "too large when compiled", 0},
        {"(?:(?:abcdefgh){99}){99}", "too large", 24},
        {too_long, "longer than 1024", REGEX_PATTERN_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char why[128] = "";
        size_t at = 9999;
        struct regex *r = NULL;
        assert_err(ERR_SYNTAX, regex_new(rows[i].pattern, &r, why, &at));
        if (!strstr(why, rows[i].why))
            fail_msg("%s: %s", rows[i].pattern, why);
        assert_int_equal(at, rows[i].at);
    }
    too_long[REGEX_PATTERN_MAX] = '\0';
    regex_unref(compiled(too_long));
}

static void deep_nesting_is_refused(void **state)
{
    char pattern[900], why[128];
    size_t at;
    struct regex *r = NULL;
    memset(pattern, '(', 440);
    memset(pattern + 440, ')', 440);
    pattern[880] = '\0';
    assert_err(ERR_SYNTAX, regex_new(pattern, &r, why, &at));
}

static void stray_groups(void **state)
{
    assert_int_equal(regex_target_stray(SPAN_LIT("/$1/$2"), 2), -1);
    assert_int_equal(regex_target_stray(SPAN_LIT("/$1/$3"), 2), 3);
    assert_int_equal(regex_target_stray(SPAN_LIT("$0 $$9 ${x} $x $"), 0), -1);
    assert_int_equal(regex_target_stray(SPAN_LIT("${12}"), 2), 12);
    assert_int_equal(regex_target_stray(SPAN_LIT("$12"), 1), -1);
    assert_int_equal(regex_target_stray(SPAN_LIT("$12"), 0), 1);
}

static void no_bounds_for_the_configuration(void **state)
{
    struct bed *b = *state;
    static char pattern[4 * REGEX_PATTERN_MAX];
    memset(pattern, 'a', sizeof pattern - 1);
    struct regex *r = regex_new_trusted(pattern);
    assert_true(regex_matches(r, b->scratch, span_str(pattern)));
    regex_unref(r);
    regex_unref(NULL);
}

/* One regex, many threads, each with its own scratch. */
static void *match_a_lot(void *arg)
{
    struct regex *r = regex_ref(arg);
    struct regex_scratch *s = regex_scratch_new();
    uintptr_t hits = 0;
    for (int i = 0; i < 2000; i++)
        hits += regex_matches(r, s, SPAN_LIT("/api/v1/users"));
    regex_scratch_free(s);
    regex_unref(r);
    return (void *)hits;
}

static void shared_by_threads(void **state)
{
    struct regex *r = compiled("^/api/v(\\d+)/(users|groups)$");
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, match_a_lot, r), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *hits = NULL;
        pthread_join(threads[i], &hits);
        assert_int_equal((uintptr_t)hits, 2000);
    }
    regex_unref(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches),
        cmocka_unit_test(replaces),
        cmocka_unit_test(replaces_nothing),
        cmocka_unit_test(result_is_bounded),
        cmocka_unit_test(runaway_pattern_is_no_match),
        cmocka_unit_test(refused),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(stray_groups),
        cmocka_unit_test(no_bounds_for_the_configuration),
        cmocka_unit_test(shared_by_threads),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
