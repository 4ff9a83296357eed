/* What was given back is handed out again for the same size, up to a bound; all of it can be written to. */
#include "proxy/h2/h2_cells.h"

#include <stdlib.h>

#include "support/test.h"

static void sizes_come_back_as_they_were_given(void **state)
{
    (void)state;
    struct h2_cells c;
    h2_cells_init(&c);
    for (size_t size = 0; size <= H2_CELL_MAX + 100; size++) {
        char *p = h2_cells_alloc(&c, size);
        assert_non_null(p);
        memset(p, 0x5a, size);
        h2_cells_free(&c, p);
        char *again = h2_cells_alloc(&c, size);
        if (size <= H2_CELL_MAX)
            assert_ptr_equal(again, p);
        memset(again, 0xa5, size);
        h2_cells_free(&c, again);
    }
    h2_cells_deinit(&c);
}

static unsigned kept(const struct h2_cells *c)
{
    unsigned n = 0;
    for (size_t kind = 0; kind < H2_CELL_KINDS; kind++)
        n += c->n[kind];
    return n;
}

static void no_more_than_a_bound_are_kept(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    static void *p[MANY];
    struct h2_cells c;
    h2_cells_init(&c);
    for (int i = 0; i < MANY; i++)
        p[i] = h2_cells_alloc(&c, 200);
    for (int i = 0; i < MANY; i++)
        h2_cells_free(&c, p[i]);
    assert_int_equal(kept(&c), 256);
    for (int i = 0; i < 256; i++)
        p[i] = h2_cells_alloc(&c, 200);
    assert_int_equal(kept(&c), 0);
    for (int i = 0; i < 256; i++)
        free(p[i]); /* they are the heap's */
    h2_cells_deinit(&c);
}

/* Chunks of malloc's and realloc's are given back here, too: they may be larger than was asked for, never
 * smaller than what they are handed out for. */
static void the_heaps_chunks_are_taken(void **state)
{
    (void)state;
    struct h2_cells c;
    h2_cells_init(&c);
    h2_cells_free(&c, NULL);
    assert_int_equal(kept(&c), 0);
    for (size_t size = 1; size <= 2 * H2_CELL_MAX; size++) {
        h2_cells_free(&c, malloc(size));
        h2_cells_free(&c, realloc(h2_cells_alloc(&c, size / 2), size));
    }
    for (size_t size = 0; size <= H2_CELL_MAX; size++) {
        char *p = h2_cells_alloc(&c, size);
        memset(p, 0x5a, size);
        free(p);
    }
    h2_cells_deinit(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_come_back_as_they_were_given),
        cmocka_unit_test(no_more_than_a_bound_are_kept),
        cmocka_unit_test(the_heaps_chunks_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
