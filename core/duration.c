#include "core/duration.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/mem.h"

/* Largest first: duration_text takes the first that divides. */
static const struct unit {
    struct span suffix;
    uint64_t ms;
} units[] = {
    {SPAN_LIT("d"), DURATION_DAY},
    {SPAN_LIT("h"), DURATION_HOUR},
    {SPAN_LIT("m"), DURATION_MINUTE},
    {SPAN_LIT("s"), DURATION_SECOND},
    {SPAN_LIT("ms"), 1},
};

static const struct unit *unit_find(struct span suffix)
{
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (span_eq(units[i].suffix, suffix))
            return &units[i];
    return NULL;
}

static size_t count_digits(struct span s)
{
    size_t n = 0;
    while (n < s.len && s.p[n] >= '0' && s.p[n] <= '9')
        n++;
    return n;
}

enum err duration_parse(struct span s, uint64_t *ms)
{
    size_t digits = count_digits(s);
    const struct unit *unit = unit_find(span_from(s, digits));
    if (!unit)
        return ERR_SYNTAX;

    uint64_t value;
    TRY(span_to_u64(span_sub(s, 0, digits), &value));
    if (value > (uint64_t)INT64_MAX / unit->ms)
        return ERR_RANGE;
    *ms = value * unit->ms;
    return ERR_OK;
}

const char *duration_text(uint64_t ms, char out[DURATION_TEXT_MAX])
{
    if (ms == 0)
        return memcpy(out, "0s", sizeof "0s");

    const struct unit *unit = units;
    while (ms % unit->ms != 0)
        unit++;
    snprintf(out, DURATION_TEXT_MAX, "%" PRIu64 SPAN_FMT, ms / unit->ms, SPAN_ARG(unit->suffix));
    return out;
}
