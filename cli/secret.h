/* Tokens as they come in: from a file, from standard input, typed. Never echoed, never logged. */
#pragma once

#include "cli/command.h"

struct cli;

/* The first line of PATH ("-": standard input). Warns of a file that others can read. */
enum exit_code secret_read(struct cli *c, const char *path, char **token);
/* Asks on the terminal, without echo. EXIT_USAGE when there is no terminal. */
enum exit_code secret_ask(struct cli *c, char **token);
/* A token is visible ASCII, so that it cannot carry a header of its own. WHERE it came from. */
enum exit_code secret_check(struct cli *c, const char *token, const char *where);
