/* Changes to the system that only root may make: files put or taken away, programs run, in order.
 *
 * As root they are made; with a terminal, through sudo, which asks there; else they are said, so that somebody
 * can make them by hand. */
#pragma once

#include "cli/cli.h"

#define ROOT_STEP_WORDS 6
#define ROOT_STEPS_MAX 64

struct root_step {
    const char *path;                      /* of a file to put or to take away; NULL: a program */
    const char *text;                      /* NULL: it goes */
    const char *argv[ROOT_STEP_WORDS + 1]; /* ended by NULL */
};

struct root_steps {
    struct root_step v[ROOT_STEPS_MAX];
    size_t n;
};

void root_steps_put(struct root_steps *s, const char *path, const char *text);
void root_steps_remove(struct root_steps *s, const char *path);
/* ARGV: at most ROOT_STEP_WORDS, ended by NULL. */
void root_steps_run(struct root_steps *s, const char *const *argv);

/* Makes them; the first that fails ends it, and is said. WHAT they are for, and KEEP, a folder of this user's
 * in which files wait for who has to make the steps by hand. OURS: the files lie where this user may write
 * (another system's folder), and it is tried without sudo. */
enum exit_code root_steps_make(struct cli *c, const struct root_steps *s, const char *what,
                               const char *keep, bool ours) MUST_USE;
