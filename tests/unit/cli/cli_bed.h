/* For tests of the command line's parts: a run with a home of its own, which says into a file. */
#pragma once

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "core/file.h"
#include "core/mem.h"
#include "support/test.h"

struct cli_bed {
    char home[PATH_MAX - 256];
    struct cli cli;
    char *said, *shown;
    size_t said_len, shown_len;
};

static inline void cli_bed_init(struct cli_bed *b)
{
    *b = (struct cli_bed){0};
    test_tmpdir_make(b->home, sizeof b->home);
    setenv("HOME", b->home, 1);
    unsetenv("XDG_STATE_HOME");
    unsetenv("XDG_RUNTIME_DIR");
    arena_init(&b->cli.arena, NULL, 0, 16 << 20);
    b->cli.err.file = open_memstream(&b->said, &b->said_len);
    b->cli.out.file = open_memstream(&b->shown, &b->shown_len);
    assert_non_null(b->cli.err.file);
    assert_non_null(b->cli.out.file);
}

static inline void cli_bed_deinit(struct cli_bed *b)
{
    fclose(b->cli.err.file);
    fclose(b->cli.out.file);
    free(b->said);
    free(b->shown);
    cli_forget(&b->cli);
    test_tmpdir_remove(b->home);
}

/* What went to standard output, and standard error, so far. */
static inline const char *cli_bed_shown(struct cli_bed *b)
{
    fflush(b->cli.out.file);
    return b->shown;
}

static inline const char *cli_bed_said(struct cli_bed *b)
{
    fflush(b->cli.err.file);
    return b->said;
}

/* A path below the home. */
static inline const char *cli_bed_path(struct cli_bed *b, const char *name)
{
    return cli_text(&b->cli, "%s/%s", b->home, name);
}
