/* The operands of `sessions create`, `sessions set` and `preview`: [NAME] SERVICE=URL ... */
#pragma once

#include <jansson.h>

#include "cli/cli.h"

enum overrides_use {
    OVERRIDES_CREATE, /* the name may be left out */
    OVERRIDES_SET,    /* it may not; SERVICE=shared takes an override away (null) */
};

struct overrides {
    const char *name; /* NULL: none given */
    json_t *
        services; /* {"web": {"url": ...}, "api": {"tunnel": true}, "old": null}; kept by the run */
};

/* Takes the operands apart; says what is wrong. URLs are checked as the edge would. */
enum exit_code overrides_parse(struct cli *c, enum overrides_use use, bool preserve_host,
                               struct overrides *out) MUST_USE;
/* Whether NAME can be a session's; else says why not. */
enum exit_code overrides_check_name(struct cli *c, const char *name) MUST_USE;
