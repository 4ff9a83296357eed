/* Steps that only root may make: as root, through sudo, and told to who has neither. */
#include "cli/root_steps.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"
#include "core/mem.h"
#include "support/test.h"

#define NOBODY 65534

struct bed {
    char folder[PATH_MAX - 64];
    struct cli cli;
    struct root_steps steps;
    FILE *said;
};

static const char *at(struct bed *b, const char *name)
{
    return cli_text(&b->cli, "%s/%s", b->folder, name);
}

static void bed_init(struct bed *b)
{
    *b = (struct bed){0};
    test_tmpdir_make(b->folder, sizeof b->folder);
    assert_int_equal(chmod(b->folder, 0777), 0);
    b->said = tmpfile();
    assert_non_null(b->said);
    arena_init(&b->cli.arena, NULL, 0, 1 << 20);
    term_init(&b->cli.err, b->said);
    assert_ok(file_write_atomic(at(b, "old"), SPAN_LIT("x"), 0666));
    root_steps_put(&b->steps, at(b, "new"), "text\n");
    root_steps_remove(&b->steps, at(b, "old"));
    root_steps_run(&b->steps, (const char *const[]){"touch", at(b, "ran"), NULL});
}

static void bed_deinit(struct bed *b)
{
    cli_forget(&b->cli);
    fclose(b->said);
    test_tmpdir_remove(b->folder);
}

static bool is_there(struct bed *b, const char *name)
{
    return access(at(b, name), F_OK) == 0;
}

static bool says(struct bed *b, const char *part)
{
    char text[8192];
    rewind(b->said);
    text[fread(text, 1, sizeof text - 1, b->said)] = '\0';
    return strstr(text, part) != NULL;
}

static enum exit_code make(struct bed *b, bool ours)
{
    return root_steps_make(&b->cli, &b->steps, "this", at(b, "keep"), ours);
}

/* The same as somebody who is not root. */
static enum exit_code make_as_nobody(struct bed *b)
{
    fflush(b->said);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) != 0)
            _exit(99);
        enum exit_code code = make(b, false);
        fflush(b->said);
        _exit((int)code);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return (enum exit_code)WEXITSTATUS(status);
}

static void they_are_made_in_order(void **state)
{
    struct bed b;
    bed_init(&b);
    assert_int_equal(make(&b, true), EXIT_DONE);
    assert_true(is_there(&b, "new") && is_there(&b, "ran"));
    assert_false(is_there(&b, "old") || is_there(&b, "keep"));
    assert_int_equal(make(&b, true), EXIT_DONE); /* what has gone may be gone */
    bed_deinit(&b);
}

static void the_first_that_fails_ends_it(void **state)
{
    struct bed b;
    bed_init(&b);
    b.steps.n = 0;
    root_steps_run(&b.steps, (const char *const[]){"false", "a", NULL});
    root_steps_run(&b.steps, (const char *const[]){"touch", at(&b, "ran"), NULL});
    assert_int_equal(make(&b, true), EXIT_INPUT);
    assert_true(says(&b, "false a failed (1)"));
    assert_false(is_there(&b, "ran"));
    bed_deinit(&b);
}

/* On a terminal. This sudo does as it is told, and tells of it. */
static void sudo_makes_them(void **state)
{
    struct bed b;
    bed_init(&b);
    const char *before = cli_text(&b.cli, "%s", getenv("PATH"));
    const char *sudo = cli_text(&b.cli, "#!/bin/sh\necho \"$*\" >> %s\nexec \"$@\"\n",
                                at(&b, "sudone"));
    assert_ok(file_write_atomic(at(&b, "sudo"), span_str(sudo), 0755));
    setenv("PATH", cli_text(&b.cli, "%s:%s", b.folder, before), 1);
    b.cli.err.tty = true;
    assert_int_equal(make_as_nobody(&b), EXIT_DONE);
    setenv("PATH", before, 1);

    char *text;
    size_t len;
    assert_true(is_there(&b, "ran") && !is_there(&b, "old"));
    assert_ok(file_read(at(&b, "new"), 100, &text, &len));
    assert_string_equal(text, "text\n");
    mem_free(text);
    assert_ok(file_read(at(&b, "sudone"), 8192, &text, &len));
    assert_non_null(strstr(text, "install -m 644 "));
    assert_non_null(strstr(text, "\nrm -f "));
    assert_non_null(strstr(text, "\ntouch "));
    mem_free(text);
    assert_false(is_there(&b, "keep/new"));
    bed_deinit(&b);
}

static void without_a_terminal_they_are_told(void **state)
{
    struct bed b;
    bed_init(&b);
    assert_int_equal(make_as_nobody(&b), EXIT_INPUT);
    assert_true(is_there(&b, "old") && !is_there(&b, "new") && !is_there(&b, "ran"));
    assert_true(says(&b, "this needs root"));
    assert_true(says(
        &b, cli_text(&b.cli, "  sudo install -m 644 %s %s\n", at(&b, "keep/new"), at(&b, "new"))));
    assert_true(says(
        &b, cli_text(&b.cli, "  sudo rm -f %s\n  sudo touch %s\n", at(&b, "old"), at(&b, "ran"))));
    assert_true(is_there(&b, "keep/new")); /* for whoever does it */
    bed_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_made_in_order),
        cmocka_unit_test(the_first_that_fails_ends_it),
        cmocka_unit_test(sudo_makes_them),
        cmocka_unit_test(without_a_terminal_they_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
