#include "proxy/page/page_accept.h"

#include <stdint.h>

/* How well one form is wanted. */
struct wish {
    unsigned quality;   /* 0 to 1000 */
    unsigned exactness; /* of the range that says so: 0 nothing, 1 any, 2 type, 3 both */
    size_t position;    /* of that range */
};

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ) in thousandths; RFC 9110 12.4.2. */
static bool read_quality(struct span s, unsigned *out)
{
    unsigned value = 0, place = 1000;
    for (size_t i = 0; i < s.len; i++) {
        if (i == 1) {
            if (s.p[i] != '.')
                return false;
            continue;
        }
        unsigned digit = (unsigned)(unsigned char)s.p[i] - '0';
        if (digit > 9)
            return false;
        value += digit * place;
        place /= 10;
    }
    *out = value;
    return s.len >= 1 && s.len <= 5 && value <= 1000;
}

/* 1000 without a q parameter; a malformed one makes the range worth nothing. */
static unsigned quality_of(struct span parameters)
{
    struct span p;
    unsigned quality = 1000;
    while (span_split(&parameters, ';', &p)) {
        p = span_trim(p);
        if (!span_eq_nocase(span_sub(p, 0, 2), SPAN_LIT("q=")))
            continue;
        return read_quality(span_from(p, 2), &quality) ? quality : 0;
    }
    return quality;
}

static bool is_json_type(struct span range)
{
    return span_eq_nocase(range, SPAN_LIT("application/json")) ||
           (range.len > 5 && span_eq_nocase(span_from(range, range.len - 5), SPAN_LIT("+json")));
}

static unsigned exactness_for(struct span range, enum page_form form)
{
    if (span_eq(range, SPAN_LIT("*/*")))
        return 1;
    if (form == PAGE_JSON)
        return is_json_type(range) ? 3 : span_eq_nocase(range, SPAN_LIT("application/*")) ? 2 : 0;
    if (span_eq_nocase(range, SPAN_LIT("text/*")))
        return 2;
    return span_eq_nocase(range, form == PAGE_HTML ? SPAN_LIT("text/html") : SPAN_LIT("text/plain"))
               ? 3
               : 0;
}

/* The most exact range that fits decides, the first of those that are equally exact. */
static void hear(struct wish *w, unsigned exactness, unsigned quality, size_t position)
{
    if (exactness > w->exactness)
        *w = (struct wish){quality, exactness, position};
}

static bool is_better(const struct wish *a, const struct wish *b)
{
    if (a->quality != b->quality || a->quality == 0)
        return a->quality > b->quality;
    if (a->exactness != b->exactness)
        return a->exactness > b->exactness;
    return a->position < b->position;
}

enum page_form page_form_of(struct span accept)
{
    struct wish wishes[3] = {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}};
    struct span range;
    for (size_t position = 0; span_split(&accept, ',', &range); position++) {
        struct span type;
        if (!span_split(&range, ';', &type))
            continue;
        type = span_trim(type);
        unsigned quality = quality_of(range);
        for (enum page_form form = PAGE_TEXT; form <= PAGE_JSON; form++)
            hear(&wishes[form], exactness_for(type, form), quality, position);
    }
    /* The first of equals stays, and text is asked first. */
    enum page_form best = PAGE_TEXT;
    for (enum page_form form = PAGE_HTML; form <= PAGE_JSON; form++)
        if (is_better(&wishes[form], &wishes[best]))
            best = form;
    return best;
}
