/* The nearest project file. */
#include "cli/project_find.h"

#include <sys/stat.h>

#include "unit/cli/cli_bed.h"

static void test_upward(void **state)
{
    struct cli_bed bed;
    char path[PROJECT_PATH_MAX];
    cli_bed_init(&bed);
    assert_int_equal(mkdir(cli_bed_path(&bed, "a"), 0700), 0);
    assert_int_equal(mkdir(cli_bed_path(&bed, "a/b"), 0700), 0);
    assert_false(project_look(cli_bed_path(&bed, "a/b"), path));

    assert_ok(file_write_atomic(cli_bed_path(&bed, "linkup.yml"), SPAN_LIT("x"), 0600));
    assert_true(project_look(cli_bed_path(&bed, "a/b"), path));
    assert_string_equal(path, cli_bed_path(&bed, "linkup.yml"));
    assert_ok(file_write_atomic(cli_bed_path(&bed, "linkup.yaml"), SPAN_LIT("x"), 0600));
    assert_true(project_look(cli_bed_path(&bed, "a"), path));
    assert_string_equal(path, cli_bed_path(&bed, "linkup.yaml"));

    assert_ok(file_write_atomic(cli_bed_path(&bed, "a/linkup.yaml"), SPAN_LIT("x"), 0600));
    assert_true(project_look(cli_bed_path(&bed, "a/b"), path));
    assert_string_equal(path, cli_bed_path(&bed, "a/linkup.yaml"));
    assert_true(project_look(bed.home, path));
    assert_string_equal(path, cli_bed_path(&bed, "linkup.yaml"));
    cli_bed_deinit(&bed);
}

static void test_at_the_root_and_nowhere(void **state)
{
    char path[PROJECT_PATH_MAX];
    assert_false(project_look("/", path));
    assert_false(project_look("/proc", path));
    assert_false(project_look("", path));
    assert_false(project_look("relative", path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_upward),
        cmocka_unit_test(test_at_the_root_and_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
