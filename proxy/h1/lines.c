#include "proxy/h1/lines.h"

#include "proxy/head/chars.h"

enum err h1_refuse(struct h1_fault *fault, enum err e, int status, const char *text)
{
    *fault = (struct h1_fault){status, text};
    return e;
}

static enum err bad(struct h1_fault *fault, const char *text)
{
    return h1_refuse(fault, ERR_SYNTAX, 400, text);
}

bool h1_take_crlf(struct h1_cursor *c)
{
    if (c->end - c->at < 2 || c->at[0] != '\r' || c->at[1] != '\n')
        return false;
    c->at += 2;
    return true;
}

/* --- one line ------------------------------------------------------------------------------------ */

/* field-name ":" (RFC 9112 5): lower-cased in place. */
static enum err read_name(struct h1_cursor *c, struct span *name, struct h1_fault *fault)
{
    char *start = c->at, *at = start, *end = c->end;
    unsigned char lower;
#ifdef __SSE2__
    while (end - at >= 16) {
        unsigned n = chars_lower16(at);
        at += n;
        if (n < 16)
            break;
    }
#endif
    for (; at < end && (lower = chars_token[(unsigned char)*at]) != 0; at++)
        *at = (char)lower;
    *name = span_of(start, (size_t)(at - start));
    c->at = at;

    char stop = c->at < c->end ? *c->at : '\0';
    if (stop == ':' && name->len > 0) {
        c->at++;
        return ERR_OK;
    }
    /* RFC 9112 5.1, 5.2: what others have read in two ways is not read at all. */
    if (stop == ' ' || stop == '\t')
        return bad(fault, name->len ? "There is white space between a field name and its colon."
                                    : "A line begins with white space.");
    return bad(fault, name->len ? "A field name holds a character that names do not have."
                                : "A field line has no name.");
}

/* OWS field-value OWS CRLF; empty values are fine. */
static enum err read_value(struct h1_cursor *c, struct span *value, struct h1_fault *fault)
{
    size_t len = chars_text_len(span_of(c->at, (size_t)(c->end - c->at)));
    *value = span_trim(span_of(c->at, len));
    c->at += len;
    if (!h1_take_crlf(c))
        return bad(fault,
                   "A field value holds a control character, or its line does not end in CR LF.");
    return ERR_OK;
}

/* --- what some lines say ------------------------------------------------------------------------- */

/* RFC 9112 6.1, 7: chunked once, without parameters, and last. */
static void hear_coding(struct h1_facts *f, struct span coding)
{
    size_t len = 0;
    while (len < coding.len && chars_token[(unsigned char)coding.p[len]])
        len++;
    struct span token = span_sub(coding, 0, len), rest = span_trim(span_from(coding, len));
    bool chunked = span_eq_nocase(token, SPAN_LIT("chunked"));

    if (f->chunked_last || len == 0 || (chunked && rest.len > 0) ||
        (rest.len > 0 && rest.p[0] != ';'))
        f->coding_broken = true;
    if (!chunked)
        f->coding_unknown = true;
    f->chunked_last = chunked;
}

static void hear_codings(struct h1_facts *f, struct span list)
{
    f->coded = true;
    if (list.len == 0 || list.p[list.len - 1] == ',')
        f->coding_broken = true;
    struct span coding;
    while (span_split(&list, ',', &coding))
        hear_coding(f, span_trim(coding));
}

/* RFC 9110 7.6.1 */
static void hear_options(struct h1_facts *f, struct span list)
{
    struct span option;
    while (field_list_next(&list, &option)) {
        if (span_eq_nocase(option, SPAN_LIT("close")))
            f->close = true;
        else if (span_eq_nocase(option, SPAN_LIT("keep-alive")))
            f->keep_alive = true;
        else if (span_eq_nocase(option, SPAN_LIT("upgrade")))
            f->names_upgrade = true;
    }
}

/* RFC 9110 10.1.1 */
static void hear_expectations(struct h1_facts *f, struct span list)
{
    struct span expectation;
    while (field_list_next(&list, &expectation)) {
        if (span_eq_nocase(expectation, SPAN_LIT("100-continue")))
            f->expect_continue = true;
        else
            f->expect_other = true;
    }
}

/* RFC 9110 7.8 */
static void hear_upgrades(struct h1_facts *f, struct span list)
{
    struct span protocol;
    while (field_list_next(&list, &protocol))
        if (span_eq_nocase(protocol, SPAN_LIT("websocket")))
            f->asks_websocket = true;
}

/* Whether the line is to be kept among the fields. */
static bool hear(struct h1_facts *f, enum field_id id, struct span value)
{
    switch (id) {
    case FIELD_HOST:
        f->hosts++;
        f->host = value;
        return false;
    case FIELD_CONTENT_LENGTH:
        f->lengths++;
        f->length = value;
        return false;
    case FIELD_TRANSFER_ENCODING:
        hear_codings(f, value);
        return false;
    case FIELD_HTTP2_SETTINGS: /* RFC 9113 3.1: for an upgrade to h2c, which is not offered */
        return false;
    case FIELD_CONNECTION:
        hear_options(f, value);
        return true;
    case FIELD_EXPECT:
        hear_expectations(f, value);
        return true;
    case FIELD_UPGRADE:
        hear_upgrades(f, value);
        return true;
    default:
        return true;
    }
}

/* --- all lines ----------------------------------------------------------------------------------- */

static enum err too_many(struct h1_fault *fault)
{
    return h1_refuse(fault, ERR_FULL, 431, "There are too many field lines.");
}

/* The next line; false in *MORE at the empty line, which must end the input. */
static enum err read_line(struct h1_cursor *c, struct field *line, bool *more,
                          struct h1_fault *fault)
{
    *more = false;
    if (h1_take_crlf(c))
        return c->at == c->end ? ERR_OK : bad(fault, "Something follows the empty line of a head.");
    TRY(read_name(c, &line->name, fault));
    TRY(read_value(c, &line->value, fault));
    line->id = field_lookup(line->name);
    *more = true;
    return ERR_OK;
}

enum err h1_read_lines(struct h1_cursor *c, struct arena *arena, struct fields *out,
                       struct h1_facts *facts, struct h1_fault *fault)
{
    struct field line;
    bool more;
    for (;;) {
        TRY(read_line(c, &line, &more, fault));
        if (!more)
            return ERR_OK;
        if (++facts->lines > FIELDS_MAX)
            return too_many(fault);
        if (!hear(facts, line.id, line.value))
            continue;
        if (fields_add(out, arena, line.id, line.name, line.value) != ERR_OK)
            return too_many(fault);
    }
}

enum err h1_read_trailers(struct h1_cursor *c, struct arena *arena, struct fields *out,
                          struct h1_fault *fault)
{
    struct field line;
    bool more;
    for (unsigned lines = 1;; lines++) {
        TRY(read_line(c, &line, &more, fault));
        if (!more)
            return ERR_OK;
        if (lines > FIELDS_MAX)
            return too_many(fault);
        if (!field_fits_trailer(&line))
            continue;
        if (fields_add(out, arena, line.id, line.name, line.value) != ERR_OK)
            return too_many(fault);
    }
}
