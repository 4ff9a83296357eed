#include "proxy/h1/lines.h"
#include "proxy/head/chars.h"

/* What the back sends is never answered with this status as such: the client gets a 502. */
static enum err bad(struct h1_fault *fault, const char *text)
{
    return h1_refuse(fault, ERR_SYNTAX, 502, text);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* status-line = HTTP-version SP status-code SP [ reason-phrase ]; the second SP is often left out with
 * the phrase, and nothing depends on it. RFC 9112 4. */
static enum err read_status_line(struct h1_cursor *c, struct response_head *out,
                                 struct h1_fault *fault)
{
    struct span line = span_of(c->at, chars_text_len(span_of(c->at, (size_t)(c->end - c->at))));
    c->at += line.len;
    if (!h1_take_crlf(c))
        return bad(fault, "The status line holds a control character.");
    if (!span_starts(line, SPAN_LIT("HTTP/1.")) || line.len < 12 ||
        (line.p[7] != '0' && line.p[7] != '1') || line.p[8] != ' ')
        return bad(fault, "The answer is not HTTP/1.0 or HTTP/1.1.");
    out->http10 = line.p[7] == '0';

    if (!is_digit(line.p[9]) || !is_digit(line.p[10]) || !is_digit(line.p[11]) ||
        (line.len > 12 && line.p[12] != ' '))
        return bad(fault, "The status is not a number of three digits.");
    out->status = (line.p[9] - '0') * 100 + (line.p[10] - '0') * 10 + (line.p[11] - '0');
    if (out->status < 100 || out->status > 599) /* RFC 9110 15 */
        return bad(fault, "The status lies outside 100 to 599.");
    out->reason = span_from(line, 13);
    return ERR_OK;
}

/* RFC 9112 6.3, 1 and 2: no body whatever the fields say. */
static enum err resolve_bodyless(const struct h1_facts *facts, enum method method, uint64_t length,
                                 struct arena *arena, struct response_head *out,
                                 struct h1_fault *fault)
{
    bool describes = method == METHOD_HEAD || out->status == 304;
    if (!describes) {
        /* RFC 9110 8.6, RFC 9112 6.1: must not be there. A back that says it may also send the body,
         * which would be taken for the next answer: the connection ends here. */
        if (facts->coded || length > 0)
            out->keep_alive = false;
        return ERR_OK;
    }
    if (facts->lengths == 0)
        return ERR_OK;
    if (fields_add_id(&out->fields, arena, FIELD_CONTENT_LENGTH, facts->length) != ERR_OK)
        return h1_refuse(fault, ERR_FULL, 502, "There are too many field lines.");
    return ERR_OK;
}

/* RFC 9112 6.3 for responses. */
static enum err resolve_body(const struct h1_facts *facts, enum method method, struct arena *arena,
                             struct response_head *out, struct h1_fault *fault)
{
    uint64_t length = 0;
    if (facts->coded && facts->lengths > 0)
        return bad(fault, "Both content-length and transfer-encoding are given.");
    if (facts->coded && (out->http10 || facts->coding_broken || facts->coding_unknown))
        return bad(fault, "The transfer coding is not supported.");
    if (facts->lengths > 1)
        return bad(fault, "There is more than one content-length field.");
    if (facts->lengths == 1 && span_to_u64(facts->length, &length) != ERR_OK)
        return bad(fault, "content-length is not a number of bytes.");

    if (method == METHOD_HEAD || out->status < 200 || out->status == 204 || out->status == 304)
        return resolve_bodyless(facts, method, length, arena, out, fault);
    if (facts->coded) {
        out->body = BODY_CHUNKED;
    } else if (facts->lengths == 1) {
        out->body = BODY_LENGTH;
        out->content_length = length;
    } else {
        out->body = BODY_STREAM; /* until close */
        out->keep_alive = false;
    }
    return ERR_OK;
}

enum err h1_parse_response(struct span in, enum method request_method, struct arena *arena,
                           struct response_head *out, struct h1_fault *fault)
{
    memset(out, 0, sizeof *out);
    char *copy = arena_alloc(arena, in.len + 1);
    if (!copy)
        return h1_refuse(fault, ERR_FULL, 502, "The header section is too large.");
    if (in.len > 0)
        memcpy(copy, in.p, in.len);

    struct h1_cursor c = {copy, copy + in.len};
    struct h1_facts facts = {0};
    TRY(read_status_line(&c, out, fault));
    TRY(h1_read_lines(&c, arena, &out->fields, &facts, fault));
    out->keep_alive = !facts.close && (!out->http10 || facts.keep_alive);
    return resolve_body(&facts, request_method, arena, out, fault);
}
