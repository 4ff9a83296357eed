#include "config/suggest.h"

#include <stdio.h>

/* Names longer than this are nobody's slip of the finger. */
#define WORD_MAX 64

static size_t least(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Letters inserted, deleted, replaced or swapped with their neighbour, between A and B. */
static size_t edit_distance(struct span a, struct span b)
{
    size_t row[3][WORD_MAX + 1];
    size_t *before = row[0], *above = row[1], *now = row[2];
    for (size_t j = 0; j <= b.len; j++)
        above[j] = j;

    for (size_t i = 1; i <= a.len; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            char x = ascii_lower(a.p[i - 1]), y = ascii_lower(b.p[j - 1]);
            now[j] = least(above[j] + 1, now[j - 1] + 1, above[j - 1] + (x != y));
            bool swapped = i > 1 && j > 1 && x == ascii_lower(b.p[j - 2]) &&
                           y == ascii_lower(a.p[i - 2]);
            if (swapped && before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
        size_t *spare = before;
        before = above;
        above = now;
        now = spare;
    }
    return above[b.len];
}

void suggest_init(struct suggest *s, struct span wanted)
{
    *s = (struct suggest){.wanted = wanted, .best = {NULL, 0}};
}

/* "warning" for "warn", "addr" for "addresses". */
static bool is_longer_form(struct span a, struct span b)
{
    struct span shorter = a.len < b.len ? a : b;
    struct span longer = a.len < b.len ? b : a;
    return shorter.len >= 3 && span_starts(longer, shorter);
}

void suggest_offer(struct suggest *s, struct span candidate)
{
    if (s->wanted.len == 0 || s->wanted.len > WORD_MAX || candidate.len > WORD_MAX)
        return;
    size_t near_enough = 1 + candidate.len / 4;
    size_t d = edit_distance(s->wanted, candidate);
    if (d > near_enough && is_longer_form(s->wanted, candidate))
        d = near_enough;
    if (d > near_enough || d >= candidate.len || (s->best.len > 0 && d >= s->distance))
        return;
    s->best = candidate;
    s->distance = d;
}

const char *suggest_text(const struct suggest *s, char out[SUGGEST_TEXT_MAX])
{
    out[0] = '\0';
    if (s->best.len > 0)
        snprintf(out, SUGGEST_TEXT_MAX, " (did you mean \"" SPAN_FMT "\"?)", SPAN_ARG(s->best));
    return out;
}
