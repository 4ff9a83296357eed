/* linkupd's command line. */
#pragma once

#include <stdbool.h>

enum action {
    ACTION_RUN,
    ACTION_CHECK,
    ACTION_DUMP,
    ACTION_HELP,
    ACTION_KEYS,
    ACTION_KEYS_MDOC,
    ACTION_CALLS,
    ACTION_METRICS,
    ACTION_VERSION,
};

struct options {
    enum action action;
    const char *config; /* points into argv or the environment */
};

enum {
    EXIT_DONE = 0,
    EXIT_INPUT = 1, /* the input or configuration is wrong */
    EXIT_USAGE = 2,
};

/* False when the command line is wrong: a sentence has been written to standard error. */
bool options_parse(int argc, char **argv, struct options *out);
void options_print_help(void);
