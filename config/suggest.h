/* "did you mean": the nearest of some names. */
#pragma once

#include <stdbool.h>

#include "core/span.h"

struct suggest {
    struct span wanted;
    struct span best; /* len 0: none near enough */
    size_t distance;
};

void suggest_init(struct suggest *s, struct span wanted);
void suggest_offer(struct suggest *s, struct span candidate);
/* " (did you mean \"best\"?)" or "" in OUT, which it returns. */
#define SUGGEST_TEXT_MAX 96
const char *suggest_text(const struct suggest *s, char out[SUGGEST_TEXT_MAX]);
