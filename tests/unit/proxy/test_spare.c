/* Lent buffers: what is given back is lent again; bulk storage is for so many and no more; what has grown
 * is not kept. */
#include "proxy/net/spare.h"

#include "core/mem.h"
#include "support/test.h"

static void what_is_given_back_is_lent_again(void **state)
{
    (void)state;
    struct spare s;
    struct buf b;
    spare_init(&s);
    buf_init(&b, SPARE_BULK);
    for (int kind = 0; kind < SPARE_KINDS; kind++) {
        assert_int_equal(spare_lend(&s, &b, (enum spare_kind)kind), kind);
        char *first = b.base;
        spare_return(&s, &b, (enum spare_kind)kind);
        assert_null(b.base);
        spare_lend(&s, &b, (enum spare_kind)kind);
        assert_ptr_equal(b.base, first);
        spare_return(&s, &b, (enum spare_kind)kind);
    }
    spare_deinit(&s);
}

static void what_holds_bytes_is_not_taken_back(void **state)
{
    (void)state;
    struct spare s;
    struct buf b;
    spare_init(&s);
    buf_init(&b, SPARE_SMALL);
    spare_lend(&s, &b, SPARE_OF_SMALL);
    assert_int_equal(buf_append(&b, SPAN_LIT("x")), ERR_OK);
    spare_return(&s, &b, SPARE_OF_SMALL);
    assert_non_null(b.base);
    buf_clear(&b);
    spare_return(&s, &b, SPARE_OF_SMALL);
    assert_null(b.base);
    spare_deinit(&s);
}

static void bulk_is_for_few(void **state)
{
    (void)state;
    static struct buf b[SPARE_BULK_LENT + 1];
    struct spare s;
    spare_init(&s);
    for (size_t i = 0; i < SPARE_BULK_LENT; i++) {
        buf_init(&b[i], SPARE_BULK);
        assert_true(spare_has_bulk(&s));
        assert_int_equal(spare_lend(&s, &b[i], SPARE_OF_BULK), SPARE_OF_BULK);
    }
    buf_init(&b[SPARE_BULK_LENT], SPARE_BULK);
    assert_false(spare_has_bulk(&s));
    assert_int_equal(spare_lend(&s, &b[SPARE_BULK_LENT], SPARE_OF_BULK), SPARE_OF_LARGE);
    assert_int_equal(b[SPARE_BULK_LENT].size, SPARE_LARGE);
    spare_return(&s, &b[SPARE_BULK_LENT], SPARE_OF_LARGE);
    assert_false(spare_has_bulk(&s));

    spare_return(&s, &b[0], SPARE_OF_BULK);
    assert_true(spare_has_bulk(&s));
    for (size_t i = 1; i < SPARE_BULK_LENT; i++)
        spare_return(&s, &b[i], SPARE_OF_BULK);
    assert_int_equal(s.bulk_lent, 0);
    spare_deinit(&s);
}

/* It counts as given back all the same. */
static void what_has_grown_is_not_kept(void **state)
{
    (void)state;
    struct spare s;
    struct buf b;
    spare_init(&s);
    buf_init(&b, (size_t)SPARE_BULK * 2);
    spare_lend(&s, &b, SPARE_OF_BULK);
    char *bytes = mem_alloc(SPARE_BULK + 1);
    memset(bytes, 'x', SPARE_BULK + 1);
    assert_int_equal(buf_append(&b, span_of(bytes, SPARE_BULK + 1)), ERR_OK);
    assert_true(b.size > SPARE_BULK);
    buf_clear(&b);
    spare_return(&s, &b, SPARE_OF_BULK);
    assert_int_equal(s.bulk_lent, 0);
    assert_int_equal(s.shelves[SPARE_OF_BULK].n, 0);
    mem_free(bytes);
    spare_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_given_back_is_lent_again),
        cmocka_unit_test(what_holds_bytes_is_not_taken_back),
        cmocka_unit_test(bulk_is_for_few),
        cmocka_unit_test(what_has_grown_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
