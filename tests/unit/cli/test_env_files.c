/* The env files in the directories of a project's services. */
#include "cli/env_files.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/env_text.h"
#include "core/file.h"
#include "core/mem.h"
#include "support/test.h"

#define M ENV_MARK "\n"

struct bed {
    char folder[PATH_MAX - 64];
    struct project *project;
    struct cli cli;
    FILE *said;
};

static void put(const struct bed *b, const char *name, const char *text, mode_t mode)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", b->folder, name);
    assert_ok(file_write_atomic(path, span_str(text), mode));
}

static void expect(const struct bed *b, const char *name, const char *text)
{
    char path[PATH_MAX], *got;
    size_t len;
    snprintf(path, sizeof path, "%s/%s", b->folder, name);
    assert_ok(file_read(path, 65536, &got, &len));
    assert_string_equal(got, text);
    mem_free(got);
}

static mode_t mode_of(const struct bed *b, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", b->folder, name);
    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode;
}

/* Two services in one directory, one without. */
static void bed_init(struct bed *b)
{
    struct config_errors errors;
    char file[PATH_MAX], sub[PATH_MAX];
    *b = (struct bed){0};
    test_tmpdir_make(b->folder, sizeof b->folder);
    snprintf(file, sizeof file, "%s/linkup.yaml", b->folder);
    snprintf(sub, sizeof sub, "%s/web", b->folder);
    assert_int_equal(mkdir(sub, 0755), 0);
    assert_ok(
        project_parse(file,
                      SPAN_LIT("linkup: {edge_url: \"https://edge.a.b\"}\n"
                               "services:\n"
                               "- {name: web, local: \"http://localhost:1\", directory: web}\n"
                               "- {name: api, local: \"http://localhost:2\", directory: web}\n"
                               "- {name: db, local: \"http://localhost:3\"}\n"
                               "domains: [{domain: a.b, default_service: web}]\n"),
                      &b->project, &errors));
    b->said = tmpfile();
    assert_non_null(b->said);
    arena_init(&b->cli.arena, NULL, 0, 1 << 20);
    term_init(&b->cli.err, b->said);
}

static void bed_deinit(struct bed *b)
{
    project_free(b->project);
    arena_deinit(&b->cli.arena);
    fclose(b->said);
    test_tmpdir_remove(b->folder);
}

static void test_put_in_and_taken_out(void **state)
{
    struct bed b;
    size_t n;
    bed_init(&b);
    put(&b, "web/.env.development.local.linkup", "API=https://api\n", 0600);
    put(&b, "web/.env.development.local", "A=1\n", 0640);
    put(&b, "web/.env.test.linkup", "API=https://api", 0600);
    put(&b, "web/.env.other", "B=1\n", 0644);

    for (int again = 0; again < 2; again++) {
        assert_int_equal(env_files_write(&b.cli, b.project, &n), EXIT_DONE);
        assert_int_equal(n, 2);
        expect(&b, "web/.env.development.local", "A=1\n\n" M "API=https://api\n" M);
        expect(&b, "web/.env.test", "\n" M "API=https://api\n" M);
        expect(&b, "web/.env.other", "B=1\n");
    }
    assert_int_equal(mode_of(&b, "web/.env.development.local") & 0777, 0640);
    assert_int_equal(mode_of(&b, "web/.env.test") & 0777, 0600);

    assert_int_equal(env_files_clear(&b.cli, b.project, &n), EXIT_DONE);
    assert_int_equal(n, 2);
    expect(&b, "web/.env.development.local", "A=1\n");
    expect(&b, "web/.env.test", "");
    assert_int_equal(env_files_clear(&b.cli, b.project, &n), EXIT_DONE);
    assert_int_equal(n, 0);
    bed_deinit(&b);
}

static void test_a_link_stays_one(void **state)
{
    struct bed b;
    size_t n;
    char path[PATH_MAX];
    bed_init(&b);
    put(&b, "web/.env.linkup", "X=1\n", 0644);
    put(&b, "common.env", "A=1\n", 0644);
    snprintf(path, sizeof path, "%s/web/.env", b.folder);
    assert_int_equal(symlink("../common.env", path), 0);
    assert_int_equal(env_files_write(&b.cli, b.project, &n), EXIT_DONE);
    assert_true(S_ISLNK(mode_of(&b, "web/.env")));
    expect(&b, "common.env", "A=1\n\n" M "X=1\n" M);
    bed_deinit(&b);
}

static void test_one_bad_file_does_not_keep_the_others(void **state)
{
    struct bed b;
    size_t n;
    bed_init(&b);
    put(&b, "web/.env.a.linkup", "X=1\n", 0644);
    put(&b, "web/.env.a", "A=1\n" M, 0644);
    put(&b, "web/.env.b.linkup", "X=1\n", 0644);
    assert_int_equal(env_files_write(&b.cli, b.project, &n), EXIT_INPUT);
    assert_int_equal(n, 1);
    expect(&b, "web/.env.a", "A=1\n" M);
    expect(&b, "web/.env.b", "\n" M "X=1\n" M);
    bed_deinit(&b);
}

static void test_a_directory_that_is_not_there(void **state)
{
    struct bed b;
    size_t n;
    char path[PATH_MAX], text[256] = "";
    bed_init(&b);
    snprintf(path, sizeof path, "%s/web", b.folder);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(env_files_write(&b.cli, b.project, &n), EXIT_INPUT);
    rewind(b.said);
    assert_true(fread(text, 1, sizeof text - 1, b.said) > 0);
    assert_non_null(strstr(text, "/web: No such file or directory"));
    bed_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_in_and_taken_out),
        cmocka_unit_test(test_a_link_stays_one),
        cmocka_unit_test(test_one_bad_file_does_not_keep_the_others),
        cmocka_unit_test(test_a_directory_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
