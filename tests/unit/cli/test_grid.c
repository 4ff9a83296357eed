#include "cli/grid.h"

#include <locale.h>
#include <stdlib.h>

#include "support/test.h"

/* What a grid prints, on a terminal of WIDTH columns or (0) in a pipe. */
struct fixture {
    struct arena arena;
    struct grid grid;
    char *text;
    size_t size;
};

static const struct grid_column columns[] = {{"NAME", false}, {"OWNER", true}, {"URL", false}};

static int setup(void **state)
{
    struct fixture *f = (struct fixture *)calloc(1, sizeof *f);
    setlocale(LC_CTYPE, "C.UTF-8");
    arena_init(&f->arena, NULL, 0, (size_t)1 << 20);
    grid_init(&f->grid, &f->arena, columns, 3);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = (struct fixture *)*state;
    free(f->text);
    arena_deinit(&f->arena);
    free(f);
    return 0;
}

static void add(struct fixture *f, const char *a, const char *b, const char *c)
{
    grid_add(&f->grid, (const char *const[]){a, b, c});
}

static const char *print(struct fixture *f, size_t width, bool colour)
{
    free(f->text);
    struct term t = {.file = open_memstream(&f->text, &f->size),
                     .tty = width > 0,
                     .colour = colour,
                     .width = width};
    grid_print(&f->grid, &t);
    fclose(t.file);
    return f->text;
}

static void test_pipe(void **state)
{
    struct fixture *f = (struct fixture *)*state;
    assert_string_equal(print(f, 0, false), "");
    add(f, "peter", "", "https://x");
    add(f, "a\tb", "c\nd", NULL);
    assert_string_equal(print(f, 0, false), "peter\t-\thttps://x\na b\tc d\t-\n");
}

static void test_terminal(void **state)
{
    struct fixture *f = (struct fixture *)*state;
    add(f, "peter", "p", "https://x");
    add(f, "a", "somebody", "u");
    assert_string_equal(print(f, 80, false), "NAME   OWNER     URL\n"
                                             "peter  p         https://x\n"
                                             "a      somebody  u\n");
    assert_string_equal(print(f, 80, true), "\033[1mNAME   OWNER     URL\033[0m\n"
                                            "peter  p         https://x\n"
                                            "a      somebody  u\n");
}

static void test_heading_without_rows(void **state)
{
    struct fixture *f = (struct fixture *)*state;
    assert_string_equal(print(f, 80, false), "NAME  OWNER  URL\n");
}

static const char *tint(const struct term *t, const char *cell)
{
    return strcmp(cell, "p") == 0 ? term_green(t) : term_red(t);
}

static void test_groups(void **state)
{
    struct fixture *f = (struct fixture *)*state;
    f->grid.tint = tint;
    f->grid.tinted = 1;
    grid_head(&f->grid, "ours\n");
    add(f, "peter", "p", "https://x");
    add(f, "a", "q", "u");
    grid_head(&f->grid, "theirs");
    add(f, "b", "p", "v");
    assert_string_equal(print(f, 80, false), "NAME   OWNER  URL\n"
                                             "ours \n"
                                             "peter  p      https://x\n"
                                             "a      q      u\n"
                                             "theirs\n"
                                             "b      p      v\n");
    assert_non_null(strstr(print(f, 80, true), "\033[1mours \033[0m\n"));
    assert_non_null(strstr(f->text, "peter  \033[32mp\033[0m      https"));
    assert_non_null(strstr(f->text, "a      \033[31mq\033[0m      u"));
    assert_string_equal(print(f, 0, false), "peter\tp\thttps://x\na\tq\tu\nb\tp\tv\n");
}

static void test_narrow(void **state)
{
    struct fixture *f = (struct fixture *)*state;
    add(f, "peter", "a-rather-long-owner", "https://x");
    assert_string_equal(print(f, 30, false), "NAME   OWNER         URL\n"
                                             "peter  a-rather-l..  https://x\n");
    /* No narrower than that, and the others never. */
    assert_string_equal(print(f, 10, false), "NAME   OWNER     URL\n"
                                             "peter  a-rath..  https://x\n");
}

static void test_wide_characters(void **state)
{
    struct fixture *f = (struct fixture *)*state;
    add(f, "zo\xc3\xab", "\xe4\xb8\xad\xe6\x96\x87", "u"); /* two columns each */
    add(f, "abcd", "abcd", "v");
    assert_string_equal(print(f, 80, false), "NAME  OWNER  URL\n"
                                             "zo\xc3\xab   \xe4\xb8\xad\xe6\x96\x87   u\n"
                                             "abcd  abcd   v\n");
}

static void test_clean(void **state)
{
    struct fixture *f = (struct fixture *)*state;
    static const struct {
        const char *in, *out;
    } texts[] = {
        {"plain", "plain"},
        {"", ""},
        {"\033[31mred\a", "?[31mred?"},
        {"a\tb\r\nc", "a b  c"},
        {"\xc2\x9b"
         "31m",
         "?31m"}, /* CSI as one character */
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"bad \xff\xc3", "bad ??"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_string_equal(text_clean(&f->arena, texts[i].in), texts[i].out);
}

static void test_cut(void **state)
{
    struct fixture *f = (struct fixture *)*state;
    assert_string_equal(text_cut(&f->arena, "abcdef", 6), "abcdef");
    assert_string_equal(text_cut(&f->arena, "abcdef", 5), "abc..");
    assert_string_equal(text_cut(&f->arena, "\xe4\xb8\xad\xe6\x96\x87x", 4), "\xe4\xb8\xad..");
    assert_string_equal(text_cut(&f->arena, "\xe4\xb8\xad\xe6\x96\x87x", 3), "..");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pipe, setup, teardown),
        cmocka_unit_test_setup_teardown(test_terminal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_heading_without_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_groups, setup, teardown),
        cmocka_unit_test_setup_teardown(test_narrow, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wide_characters, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clean, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
