#include "core/mem.h"
#include "proxy/head/field.h"

/* RFC 9110 6.5.1: no fields for framing, routing, request modifiers, authentication, control data of a
 * response, or processing of the content. Sorted as there. Of the names without a number. */
static const struct span forbidden[] = {
    SPAN_LIT("max-forwards"),
    SPAN_LIT("pragma"),
    SPAN_LIT("range"),
    SPAN_LIT("if-none-match"),
    SPAN_LIT("if-modified-since"),
    SPAN_LIT("if-unmodified-since"),
    SPAN_LIT("if-range"),
    SPAN_LIT("age"),
    SPAN_LIT("expires"),
    SPAN_LIT("warning"),
    SPAN_LIT("content-encoding"),
    SPAN_LIT("content-range"),
    SPAN_LIT("x-real-ip"),
};

static bool is_forbidden_name(struct span name)
{
    if (span_starts(name, SPAN_LIT("linkup-")) || span_starts(name, SPAN_LIT("x-forwarded-")))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
        if (span_eq(name, forbidden[i]))
            return true;
    return false;
}

bool field_fits_trailer(const struct field *f)
{
    switch (f->id) {
    case FIELD_OTHER:
        return !is_forbidden_name(f->name);
    case FIELD_X_REQUEST_ID:
    case FIELD_LAST_EVENT_ID:
    case FIELD_SERVER:
        return true; /* odd there, but harmless */
    default:
        /* Everything else that field.def knows is there because it decides something. */
        return false;
    }
}
