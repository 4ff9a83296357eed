#include "core/mem.h"

#include "support/test.h"

static void zero_bytes_are_no_failure(void **state)
{
    void *p = mem_alloc(0);
    p = mem_realloc(p, 0);
    mem_free(p);
    mem_free(mem_zalloc(0));
    p = mem_try_alloc(0);
    assert_non_null(p);
    mem_free(p);
    mem_free(NULL);
}

static void zalloc_is_zeroed(void **state)
{
    char *p = (char *)mem_zalloc(100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(p[i], 0);
    mem_free(p);
}

struct wide {
    char a;
} __attribute__((aligned(256)));

static void new_aligns_as_the_type_asks(void **state)
{
    struct wide *p = NEW(struct wide);
    assert_int_equal((uintptr_t)p % 256, 0);
    assert_int_equal(p->a, 0);
    mem_free(p);
}

static void strings_are_copied(void **state)
{
    char *a = mem_strdup("");
    char *b = mem_strndup("hello", 4);
    char *c = mem_printf("%s-%d", b, 7);
    char *d = mem_strndup(NULL, 0);
    assert_string_equal(a, "");
    assert_string_equal(b, "hell");
    assert_string_equal(c, "hell-7");
    assert_string_equal(d, "");
    mem_free(a);
    mem_free(b);
    mem_free(c);
    mem_free(d);
}

static void wipe_zeroes(void **state)
{
    char secret[] = "secret";
    mem_wipe(secret, 3);
    assert_memory_equal(secret, "\0\0\0ret", 7);
    mem_wipe(NULL, 0);
}

/* Not under a sanitizer: those have a say of their own in what a huge allocation does. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
static void alloc_too_much(void *arg)
{
    mem_free(mem_alloc(*(size_t *)arg));
}

static void no_memory_ends_the_process_or_is_null(void **state)
{
    size_t half = SIZE_MAX / 2;
    assert_true(test_aborts(alloc_too_much, &half));
    assert_null(mem_try_alloc(half));
}
#endif

struct outer {
    int before;
    int inner;
};

static void container_of_leads_back(void **state)
{
    struct outer o;
    assert_ptr_equal(CONTAINER_OF(&o.inner, struct outer, inner), &o);
    int three[3];
    assert_int_equal(ARRAY_LEN(three), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_bytes_are_no_failure),
        cmocka_unit_test(zalloc_is_zeroed),
        cmocka_unit_test(new_aligns_as_the_type_asks),
        cmocka_unit_test(strings_are_copied),
        cmocka_unit_test(wipe_zeroes),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
        cmocka_unit_test(no_memory_ends_the_process_or_is_null),
#endif
        cmocka_unit_test(container_of_leads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
