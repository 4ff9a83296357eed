/* The answer of /v1/explain in sentences, a rule a line. */
#pragma once

#include "cli/cli.h"

void explain_print(struct cli *c, const json_t *answer);
