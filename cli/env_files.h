/* The env files of a project's services: what stands in .env.X.linkup of a service's directory is put into
 * .env.X beside it while a session runs (env_text.h), so that the service finds the others by their URLs.
 *
 * All files are tried; what is wrong with one is said, and none is left half written. */
#pragma once

#include "cli/cli.h"
#include "config/project.h"

/* Puts the lines in, or brings them up to date. *N: how many files have them now. */
enum exit_code env_files_write(struct cli *c, const struct project *p, size_t *n) MUST_USE;
/* Takes them out again. *N: how many files had them. */
enum exit_code env_files_clear(struct cli *c, const struct project *p, size_t *n) MUST_USE;
