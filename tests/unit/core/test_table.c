#include "core/table.h"

#include <stdio.h>

#include "core/mem.h"
#include "support/test.h"

struct entry {
    struct table_node node;
    char key[32];
    bool in_table;
    int seen;
};

static struct entry *entry_of(const struct table_node *n)
{
    return CONTAINER_OF(n, struct entry, node);
}

static struct span entry_key(const struct table_node *n)
{
    return span_str(entry_of(n)->key);
}

static struct entry *entries_make(size_t n)
{
    struct entry *e = (struct entry *)mem_zalloc(n * sizeof *e);
    for (size_t i = 0; i < n; i++)
        snprintf(e[i].key, sizeof e[i].key, "key-%zu", i);
    return e;
}

static void insert(struct table *t, struct entry *e)
{
    assert_ok(table_insert(t, &e->node));
    e->in_table = true;
}

static void remove_entry(struct table *t, struct entry *e)
{
    table_remove(t, &e->node);
    e->in_table = false;
}

/* Finding, counting and walking all agree with what should be there. */
static void assert_whole(const struct table *t, struct entry *e, size_t n)
{
    size_t expected = 0;
    for (size_t i = 0; i < n; i++) {
        struct table_node *found = table_find(t, span_str(e[i].key));
        assert_ptr_equal(found, e[i].in_table ? &e[i].node : NULL);
        expected += e[i].in_table;
        e[i].seen = 0;
    }
    assert_int_equal(table_count(t), expected);

    struct table_iter it;
    for (struct table_node *node = table_first(t, &it); node; node = table_next(&it))
        entry_of(node)->seen++;
    for (size_t i = 0; i < n; i++)
        assert_int_equal(e[i].seen, e[i].in_table);
}

static void an_empty_table(void **state)
{
    struct table t;
    struct table_iter it;
    table_init(&t, entry_key);
    assert_null(table_find(&t, SPAN_LIT("x")));
    assert_null(table_find(&t, (struct span){NULL, 0}));
    assert_null(table_first(&t, &it));
    assert_null(table_next(&it));
    assert_int_equal(table_count(&t), 0);
    table_deinit(&t);
}

static void a_key_is_there_once(void **state)
{
    struct table t;
    struct entry a = {.key = "same"}, b = {.key = "same"};
    table_init(&t, entry_key);
    insert(&t, &a);
    assert_err(ERR_EXISTS, table_insert(&t, &b.node));
    assert_ptr_equal(table_find(&t, SPAN_LIT("same")), &a.node);
    assert_int_equal(table_count(&t), 1);
    remove_entry(&t, &a);
    insert(&t, &b);
    assert_ptr_equal(table_find(&t, SPAN_LIT("same")), &b.node);
    table_deinit(&t);
}

static void the_empty_key_is_a_key(void **state)
{
    struct table t;
    struct entry a = {.key = ""};
    table_init(&t, entry_key);
    insert(&t, &a);
    assert_ptr_equal(table_find(&t, (struct span){NULL, 0}), &a.node);
    table_deinit(&t);
}

/* Whole after each of the first insertions, whatever a growth has got done by then. */
static void whole_at_every_size(void **state)
{
    enum { N = 600 };
    struct table t;
    struct entry *e = entries_make(N);
    table_init(&t, entry_key);
    for (size_t i = 0; i < N; i++) {
        insert(&t, &e[i]);
        assert_whole(&t, e, N);
    }
    for (size_t i = 0; i < N; i++) {
        remove_entry(&t, &e[i]);
        if (i % 20 == 0)
            assert_whole(&t, e, N);
    }
    assert_int_equal(table_count(&t), 0);
    table_deinit(&t);
    mem_free(e);
}

static void two_hundred_thousand(void **state)
{
    enum { N = 200000 };
    struct table t;
    struct entry *e = entries_make(N);
    table_init(&t, entry_key);
    for (size_t i = 0; i < N; i++)
        insert(&t, &e[i]);
    assert_whole(&t, e, N);
    for (size_t i = 0; i < N; i += 3)
        remove_entry(&t, &e[i]);
    assert_whole(&t, e, N);
    for (size_t i = 0; i < N; i += 3)
        insert(&t, &e[i]);
    assert_whole(&t, e, N);
    table_deinit(&t);
    mem_free(e);
}

/* A fixed run of a small generator: the same on every machine. */
static void in_any_order(void **state)
{
    enum { N = 2000 };
    struct table t;
    struct entry *e = entries_make(N);
    uint32_t x = 12345;
    table_init(&t, entry_key);
    for (int step = 0; step < 100000; step++) {
        x = x * 1664525 + 1013904223;
        struct entry *one = &e[(x >> 8) % N];
        if (one->in_table)
            remove_entry(&t, one);
        else
            insert(&t, one);
        if (step % 5000 == 0)
            assert_whole(&t, e, N);
    }
    assert_whole(&t, e, N);
    table_deinit(&t);
    mem_free(e);
}

/* At sizes in the midst of a growth and between two. */
static void the_current_one_may_be_removed_and_freed(void **state)
{
    for (size_t n = 1; n < 200; n++) {
        struct table t;
        table_init(&t, entry_key);
        for (size_t i = 0; i < n; i++) {
            struct entry *e = NEW(struct entry);
            snprintf(e->key, sizeof e->key, "%zu", i);
            insert(&t, e);
        }
        size_t seen = 0;
        struct table_iter it;
        for (struct table_node *node = table_first(&t, &it); node; node = table_next(&it)) {
            table_remove(&t, node);
            mem_free(entry_of(node));
            seen++;
        }
        assert_int_equal(seen, n);
        assert_int_equal(table_count(&t), 0);
        table_deinit(&t);
    }
}

struct strange {
    struct table *table;
    struct table_node *node;
};

static void remove_a_stranger(void *arg)
{
    struct strange *s = (struct strange *)arg;
    table_remove(s->table, s->node);
}

static void to_remove_a_stranger_is_a_bug(void **state)
{
    struct table t;
    struct entry a = {.key = "a"}, b = {.key = "b"};
    struct strange s = {&t, &b.node};
    table_init(&t, entry_key);
    assert_true(test_aborts(remove_a_stranger, &s));
    insert(&t, &a);
    assert_true(test_aborts(remove_a_stranger, &s));
    table_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_table),
        cmocka_unit_test(a_key_is_there_once),
        cmocka_unit_test(the_empty_key_is_a_key),
        cmocka_unit_test(whole_at_every_size),
        cmocka_unit_test(two_hundred_thousand),
        cmocka_unit_test(in_any_order),
        cmocka_unit_test(the_current_one_may_be_removed_and_freed),
        cmocka_unit_test(to_remove_a_stranger_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
