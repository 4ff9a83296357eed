/* Which traces are watched: bounds, time, and whose they are. */
#include "sessions/watch_book.h"

#include "support/test.h"

#define MINE SPAN_LIT("aaaaaaaaaaaa")
#define THEIRS SPAN_LIT("bbbbbbbbbbbb")
#define GECKO SPAN_LIT("slim-gecko")
#define START INT64_C(1000)

static void a_watch_has_a_trace_of_its_own(void **state)
{
    struct watch_book b = {0};
    const struct watch_entry *first = watch_book_add(&b, MINE, GECKO, START);
    assert_non_null(first);
    assert_int_equal(strspn(first->id, "0123456789abcdef"), WATCH_ID_MAX - 1);
    assert_string_equal(first->session, "slim-gecko");
    assert_int_equal(first->ends_ms, START + WATCH_LIFE_MS);
    const struct watch_entry *second = watch_book_add(&b, MINE, GECKO, START);
    assert_non_null(second);
    assert_string_not_equal(b.v[0].id, second->id);
}

static void others_do_not_find_it(void **state)
{
    struct watch_book b = {0};
    const struct watch_entry *e = watch_book_add(&b, MINE, GECKO, START);
    assert_non_null(e);
    assert_ptr_equal(watch_book_find(&b, span_str(e->id), MINE), e);
    assert_null(watch_book_find(&b, span_str(e->id), THEIRS));
    assert_null(watch_book_find(&b, span_str(e->id), SPAN_LIT("")));
    assert_null(watch_book_find(&b, span_sub(span_str(e->id), 0, 31), MINE));
    assert_null(watch_book_find(&b, SPAN_LIT(""), MINE));
}

static void a_token_has_so_many(void **state)
{
    struct watch_book b = {0};
    for (int i = 0; i < WATCHES_OF_TOKEN_MAX; i++)
        assert_non_null(watch_book_add(&b, MINE, GECKO, START));
    assert_null(watch_book_add(&b, MINE, GECKO, START));
    assert_non_null(watch_book_add(&b, THEIRS, GECKO, START));
    char id[WATCH_ID_MAX];
    memcpy(id, b.v[0].id, sizeof id);
    assert_true(watch_book_remove(&b, span_str(id)));
    assert_false(watch_book_remove(&b, span_str(id)));
    assert_non_null(watch_book_add(&b, MINE, GECKO, START));
}

static void all_together_have_so_many(void **state)
{
    struct watch_book b = {0};
    char token[8];
    for (int i = 0; i < WATCHES_MAX; i++) {
        snprintf(token, sizeof token, "%d", i);
        assert_non_null(watch_book_add(&b, span_str(token), GECKO, START));
    }
    assert_null(watch_book_add(&b, THEIRS, GECKO, START));
    assert_int_equal(b.n, WATCHES_MAX);
}

static void it_ends_by_itself(void **state)
{
    struct watch_book b = {0};
    assert_int_equal(watch_book_next_ms(&b), -1);
    assert_non_null(watch_book_add(&b, MINE, GECKO, START + 5));
    assert_non_null(watch_book_add(&b, MINE, SPAN_LIT("early"), START));
    assert_int_equal(watch_book_next_ms(&b), START + WATCH_LIFE_MS);
    assert_null(watch_book_over(&b, START + WATCH_LIFE_MS - 1));
    const struct watch_entry *e = watch_book_over(&b, START + WATCH_LIFE_MS);
    assert_non_null(e);
    assert_string_equal(e->session, "early");
    char id[WATCH_ID_MAX];
    memcpy(id, e->id, sizeof id);
    assert_true(watch_book_remove(&b, span_str(id)));
    assert_null(watch_book_over(&b, START + WATCH_LIFE_MS));
    assert_int_equal(watch_book_next_ms(&b), START + 5 + WATCH_LIFE_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_watch_has_a_trace_of_its_own),
        cmocka_unit_test(others_do_not_find_it),
        cmocka_unit_test(a_token_has_so_many),
        cmocka_unit_test(all_together_have_so_many),
        cmocka_unit_test(it_ends_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
