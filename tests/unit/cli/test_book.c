/* The book: which folder has which session. */
#include "cli/book.h"

#include <string.h>
#include <sys/stat.h>

#include "cli/edge.h"
#include "unit/cli/cli_bed.h"

#define FILE_NAME ".local/state/linkup/sessions.json"

static void test_names_are_found_again(void **state)
{
    struct cli_bed bed;
    struct book b;
    struct stat st;
    cli_bed_init(&bed);
    assert_int_equal(book_read(&bed.cli, &b), EXIT_DONE);
    assert_null(book_own(&b, "/a", NULL));
    assert_int_not_equal(stat(cli_bed_path(&bed, ".local"), &st), 0); /* to read makes nothing */

    assert_int_equal(book_open(&bed.cli, &b), EXIT_DONE);
    json_t *e = book_add(&b, "/a", "https://e", "slim-gecko");
    entry_set_local(e, "web", "http://localhost:1");
    book_add(&b, "/a", "https://e", "other");
    book_add(&b, "/a", "https://f", "slim-gecko");
    book_add(&b, "", "https://e", "http");
    assert_int_equal(book_save(&b), EXIT_DONE);
    book_close(&b);
    assert_int_equal(stat(cli_bed_path(&bed, FILE_NAME), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(cli_bed_path(&bed, ".local/state/linkup"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);

    assert_int_equal(book_read(&bed.cli, &b), EXIT_DONE);
    assert_string_equal(json_text(book_own(&b, "/a", "https://e"), "session"), "slim-gecko");
    assert_string_equal(entry_local(book_own(&b, "/a", NULL), "web"), "http://localhost:1");
    assert_string_equal(json_text(book_own(&b, "", "https://e"), "session"), "http");
    assert_null(book_own(&b, "/b", NULL));
    assert_null(book_own(&b, "/a", "https://g"));
    assert_string_equal(json_text(book_named(&b, "other"), "edge"), "https://e");
    assert_null(book_named(&b, "slim-gecko")); /* two edges have it */
    assert_non_null(book_find(&b, "https://f", "slim-gecko"));
    assert_false(entry_is_on(e = book_find(&b, "https://e", "other")));
    cli_bed_deinit(&bed);
}

static void test_taken_out(void **state)
{
    struct cli_bed bed;
    struct book b;
    cli_bed_init(&bed);
    assert_int_equal(book_open(&bed.cli, &b), EXIT_DONE);
    book_add(&b, "/a", "https://e", "one");
    book_add(&b, "/a", "https://e", "two");
    book_remove(&b, book_own(&b, "/a", NULL));
    assert_string_equal(json_text(book_own(&b, "/a", NULL), "session"), "two");
    json_t *e = book_own(&b, "/a", NULL);
    entry_set_local(e, "web", "u");
    entry_set_local(e, "web", NULL);
    assert_null(entry_local(e, "web"));
    book_close(&b);
    cli_bed_deinit(&bed);
}

static void test_a_damaged_one_is_said(void **state)
{
    static const char *const texts[] = {
        "{", "[]", "{\"sessions\": {}}", "{\"sessions\": [{\"session\": \"s\"}]}",
        "{\"sessions\": [{\"session\": \"s\", \"edge\": \"e\", \"project\": \"\", \"local\": 1}]}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct cli_bed bed;
        struct book b;
        cli_bed_init(&bed);
        assert_int_equal(book_open(&bed.cli, &b), EXIT_DONE); /* makes the folder */
        book_close(&b);
        assert_ok(file_write_atomic(cli_bed_path(&bed, FILE_NAME), span_str(texts[i]), 0600));
        assert_int_equal(book_read(&bed.cli, &b), EXIT_INPUT);
        assert_non_null(strstr(cli_bed_said(&bed), "sessions.json"));
        assert_int_equal(book_open(&bed.cli, &b), EXIT_INPUT);
        cli_bed_deinit(&bed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_found_again),
        cmocka_unit_test(test_taken_out),
        cmocka_unit_test(test_a_damaged_one_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
