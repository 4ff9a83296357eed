/* The command line taken apart, strictly, against the command table.
 *
 * Global flags may stand anywhere, a command's own after its name; "--flag value" and "--flag=value"
 * mean the same; "--" ends the flags. What is not given comes from the environment twin. */
#pragma once

#include "cli/command.h"
#include "core/arena.h"

struct arg {
    const struct flag *flag;
    char *text; /* "" of a switch; points into argv or the environment */
};

struct args {
    const struct command *command; /* NULL: none was named */
    const char *group;             /* the group's name when only that was given, else NULL */
    struct arg *given;
    size_t n_given;
    char **operands;
    size_t n_operands;
};

struct args_fault {
    enum exit_code exit; /* EXIT_USAGE, or EXIT_INPUT for a bad value in the environment */
    char text[400];
};

/* ENV: getenv, or a stand-in. On false FAULT says what is wrong, and A holds what was understood
 * before it. With --help or --version the operands are not counted. */
bool args_parse(struct args *a, struct arena *arena, int argc, char **argv,
                char *(*env)(const char *name), struct args_fault *fault);

/* Of a flag that the command has: its (last) value, NULL when it is not set. */
const char *args_get(const struct args *a, const char *flag);
bool args_has(const struct args *a, const char *flag);
/* The I-th value of a flag that repeats, NULL after the last. */
const char *args_nth(const struct args *a, const char *flag, size_t i);
