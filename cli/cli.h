/* One run of `linkup`: what every handler is given, and how it speaks.
 *
 * Single-threaded. Strings made on the way live in the arena until the end of the run, JSON handed to
 * cli_keep as well: handlers free nothing. Data goes to `out`, talk to `err`. */
#pragma once

#include <jansson.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/settings.h"
#include "cli/term.h"
#include "core/arena.h"

struct kept_json;
struct project;

struct cli {
    struct arena arena;
    struct term out, err;
    struct args args;
    struct settings settings;
    struct settings_hint hint;
    struct project *project; /* NULL: none is used; freed at the end of the run */
    struct kept_json *kept;
};

/* The whole program but for the C library's set-up; returns the exit code. */
int cli_main(int argc, char **argv);

/* To standard error: "linkup: TEXT", and lines of advice below it, cleaned of control characters. */
void cli_complain(struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
void cli_advise(struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* To standard error: a plain line, "session x ended". */
void cli_say(struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* J (may be NULL) is given back at the end of the run. Returns J. */
json_t *cli_keep(struct cli *c, json_t *j);
/* Gives back what was kept and made since the run, or a part of it with an arena of its own, began. */
void cli_forget(struct cli *c);
/* J on standard output, indented on a terminal, one line in a pipe. */
void cli_print_json(struct cli *c, const json_t *j);
/* A text made in the arena. */
const char *cli_text(struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
