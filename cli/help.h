/* Help from the command table: for people at a terminal, and the same as a piece of a man page. */
#pragma once

#include "cli/cli.h"

/* NAME: a command ("sessions create"), a group ("sessions"), or NULL for the overview. */
enum exit_code help_print(struct cli *c, const struct term *t, const char *name);
/* The man page's sections SYNOPSIS to COMMANDS, in mdoc. */
void help_print_mdoc(const struct term *t);
