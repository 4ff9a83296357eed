/* The heap of deadlines and the order of names, against slow and plain ones. */
#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"
#include "core/random.h"
#include "sessions/registry_expiry.h"
#include "sessions/registry_order.h"
#include "support/test.h"

#define ITEMS 300

static void the_first_is_always_the_earliest(void **state)
{
    struct expiry x;
    struct expiry_item items[ITEMS];
    expiry_init(&x);
    for (size_t i = 0; i < ITEMS; i++)
        expiry_item_init(&items[i]);
    for (int step = 0; step < 20000; step++) {
        struct expiry_item *item = &items[random_u32_below(ITEMS)];
        if (random_u32_below(3) == 0)
            expiry_remove(&x, item);
        else
            expiry_set(&x, item, random_u32_below(1000));
        if (step % 16)
            continue;
        int64_t earliest = INT64_MAX;
        for (size_t i = 0; i < ITEMS; i++)
            if (items[i].place != EXPIRY_NONE && items[i].due_ms < earliest)
                earliest = items[i].due_ms;
        const struct expiry_item *first = expiry_first(&x);
        assert_int_equal(first ? first->due_ms : INT64_MAX, earliest);
    }
    expiry_deinit(&x);
}

static void all_come_out_in_order(void **state)
{
    struct expiry x;
    struct expiry_item items[ITEMS];
    expiry_init(&x);
    for (size_t i = 0; i < ITEMS; i++) {
        expiry_item_init(&items[i]);
        expiry_set(&x, &items[i], (int64_t)((i * 7919) % 1009));
    }
    int64_t last = -1;
    struct expiry_item *first;
    size_t n = 0;
    for (; (first = expiry_first(&x)); n++) {
        assert_true(first->due_ms >= last);
        last = first->due_ms;
        expiry_remove(&x, first);
        expiry_remove(&x, first); /* not in it any more: nothing */
    }
    assert_int_equal(n, ITEMS);
    expiry_deinit(&x);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void names_are_walked_in_order(void **state)
{
    struct order o;
    static char names[1000][12];
    struct order_node *nodes[1000];
    order_init(&o);
    assert_null(order_after(&o, (struct span){0}));
    for (size_t i = 0; i < 1000; i++)
        snprintf(names[i], sizeof names[i], "n%zu", (i * 7919) % 1000);
    qsort(names, 1000, sizeof names[0], by_text);
    for (size_t i = 0; i < 1000; i++) {
        size_t at = (i * 617) % 1000;
        nodes[at] = order_add(&o, span_str(names[at]));
    }
    for (size_t i = 0; i < 1000; i += 2)
        order_remove(&o, nodes[i]);

    struct span at = {0};
    for (size_t i = 1; i < 1000; i += 2) {
        struct order_node *n = order_after(&o, at);
        assert_non_null(n);
        assert_true(span_eq(n->name, span_str(names[i])));
        at = n->name;
    }
    assert_null(order_after(&o, at));
    /* After a name that is not there (any more). */
    struct order_node *n = order_after(&o, span_str(names[500]));
    assert_true(span_eq(n->name, span_str(names[501])));
    order_deinit(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_is_always_the_earliest),
        cmocka_unit_test(all_come_out_in_order),
        cmocka_unit_test(names_are_walked_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
