#include "proxy/h1/lines.h"
#include "proxy/head/chars.h"

/* RFC 9112 3: a method longer than any we know is answered 501. */
#define METHOD_MAX 32

static enum err bad(struct h1_fault *fault, const char *text)
{
    return h1_refuse(fault, ERR_SYNTAX, 400, text);
}

/* --- the request line ---------------------------------------------------------------------------- */

static enum err read_method(struct h1_cursor *c, struct request_head *out, struct h1_fault *fault)
{
    char *start = c->at;
    while (c->at < c->end && chars_token[(unsigned char)*c->at])
        c->at++;
    out->method_text = span_of(start, (size_t)(c->at - start));
    if (out->method_text.len == 0 || c->at == c->end || *c->at != ' ')
        return bad(fault, "The request line does not begin with a method and a space.");
    c->at++;
    if (out->method_text.len > METHOD_MAX)
        return h1_refuse(fault, ERR_SYNTAX, 501, "The method is not known.");
    out->method = method_lookup(out->method_text);
    return ERR_OK;
}

/* Visible ASCII but '#': more than RFC 3986 allows, because browsers send '|' and '^' as they are;
 * nothing that could end a line, a word, or the target. */
static bool is_target_char(unsigned char c)
{
    return c > 0x20 && c < 0x7f && c != '#';
}

static enum err read_target(struct h1_cursor *c, struct request_head *out, struct h1_fault *fault)
{
    char *start = c->at;
    while (c->at < c->end && is_target_char((unsigned char)*c->at))
        c->at++;
    out->target = span_of(start, (size_t)(c->at - start));
    if (out->target.len > TARGET_MAX)
        return h1_refuse(fault, ERR_FULL, 414, "The request target is too long.");
    if (c->at < c->end && *c->at == '\r')
        return bad(fault, "The request line has no HTTP version.");
    if (out->target.len == 0 || c->at == c->end || *c->at != ' ')
        return bad(fault, "The request target holds a character that must be percent-encoded.");
    c->at++;
    return ERR_OK;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* RFC 9112 2.3: "HTTP/" DIGIT "." DIGIT, case-sensitive. */
static enum err read_version(struct h1_cursor *c, struct request_head *out, struct h1_fault *fault)
{
    struct span v = span_of(c->at, chars_text_len(span_of(c->at, (size_t)(c->end - c->at))));
    c->at += v.len;
    if (!h1_take_crlf(c))
        return bad(fault, "The request line does not end in CR LF.");
    bool is_version = v.len == 8 && span_starts(v, SPAN_LIT("HTTP/")) && is_digit(v.p[5]) &&
                      v.p[6] == '.' && is_digit(v.p[7]);
    if (!is_version || v.p[5] == '0')
        return bad(fault, "The request line does not end in an HTTP version.");
    out->http10 = v.p[7] == '0';
    if (v.p[5] != '1' || (v.p[7] != '0' && v.p[7] != '1'))
        return h1_refuse(fault, ERR_SYNTAX, 505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.");
    return ERR_OK;
}

/* --- the target ---------------------------------------------------------------------------------- */

/* RFC 9112 3.2.2: authority and path of an absolute-form target without its "scheme://". */
static enum err split_absolute(struct span rest, struct arena *arena, struct request_head *out,
                               struct h1_fault *fault)
{
    size_t len = 0;
    while (len < rest.len && rest.p[len] != '/' && rest.p[len] != '?')
        len++;
    out->authority = span_sub(rest, 0, len);
    out->target = span_from(rest, len);
    if (out->authority.len == 0)
        return bad(fault, "The request target names no host.");
    if (out->target.len == 0) /* RFC 9112 3.2.4 for OPTIONS */
        out->target = out->method == METHOD_OPTIONS ? SPAN_LIT("*") : SPAN_LIT("/");
    if (out->target.p[0] == '?') {
        struct span parts[2] = {SPAN_LIT("/"), out->target};
        out->target = arena_join(arena, parts, 2);
    }
    return out->target.p ? ERR_OK
                         : h1_refuse(fault, ERR_FULL, 431, "The header section is too large.");
}

/* RFC 9112 3.2 */
static enum err resolve_target(struct arena *arena, struct request_head *out,
                               struct h1_fault *fault)
{
    struct span t = out->target;
    if (out->method == METHOD_CONNECT) /* authority-form: this is no proxy to elsewhere */
        return h1_refuse(fault, ERR_SYNTAX, 501, "CONNECT is not supported.");
    if (t.p[0] == '/')
        return ERR_OK;
    if (span_eq(t, SPAN_LIT("*")))
        return out->method == METHOD_OPTIONS ? ERR_OK
                                             : bad(fault, "Only OPTIONS may ask for \"*\".");
    if (span_eq_nocase(span_sub(t, 0, 7), SPAN_LIT("http://"))) {
        out->scheme = SPAN_LIT("http");
        return split_absolute(span_from(t, 7), arena, out, fault);
    }
    if (span_eq_nocase(span_sub(t, 0, 8), SPAN_LIT("https://"))) {
        out->scheme = SPAN_LIT("https");
        return split_absolute(span_from(t, 8), arena, out, fault);
    }
    return bad(fault, "The request target is neither a path nor an http URL.");
}

/* Whether a host could be meant; whether it is one, host_normalise decides. Commas are left out, though
 * RFC 3986 has them: they are what two folded Host fields look like. */
static bool is_authority_char(char c)
{
    static const char others[] = "_~[]%!$&'()*+;=";
    c = ascii_lower(c);
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '.' || c == '-' || c == ':' ||
           memchr(others, c, sizeof others - 1) != NULL;
}

static bool is_authority(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_authority_char(s.p[i]))
            return false;
    return true;
}

/* RFC 9112 3.2, 3.2.2 */
static enum err resolve_host(const struct h1_facts *facts, struct request_head *out,
                             struct h1_fault *fault)
{
    if (facts->hosts > 1)
        return bad(fault, "There is more than one Host field.");
    if (facts->hosts == 0 && !out->http10)
        return bad(fault, "There is no Host field.");
    if (!is_authority(facts->host))
        return bad(fault, "The Host field is no host.");
    if (out->authority.len > 0) /* absolute-form */
        return is_authority(out->authority) ? ERR_OK
                                            : bad(fault, "The request target names no valid host.");
    out->authority = facts->host;
    return ERR_OK;
}

/* --- what the fields say ------------------------------------------------------------------------- */

/* RFC 9112 6.1: a body in chunks. */
static enum err resolve_coding(const struct h1_facts *facts, struct request_head *out,
                               struct h1_fault *fault)
{
    if (facts->lengths > 0)
        return bad(fault, "Both Content-Length and Transfer-Encoding are given.");
    if (out->http10)
        return bad(fault, "HTTP/1.0 has no Transfer-Encoding.");
    if (facts->coding_broken)
        return bad(fault, "Transfer-Encoding is malformed: chunked stands once, and last.");
    if (facts->coding_unknown)
        return h1_refuse(fault, ERR_SYNTAX, 501, "The transfer coding is not supported.");
    out->body = BODY_CHUNKED;
    return ERR_OK;
}

/* RFC 9112 6.3 for requests. */
static enum err resolve_body(const struct h1_facts *facts, struct request_head *out,
                             struct h1_fault *fault)
{
    if (facts->coded)
        TRY(resolve_coding(facts, out, fault));
    if (facts->lengths > 1)
        return bad(fault, "There is more than one Content-Length field.");
    if (facts->lengths == 1) {
        if (span_to_u64(facts->length, &out->content_length) != ERR_OK)
            return bad(fault, "Content-Length is not a number of bytes.");
        out->body = BODY_LENGTH;
    }
    if (out->method == METHOD_TRACE && out->body != BODY_NONE) /* RFC 9110 9.3.8 */
        return bad(fault, "TRACE has no content.");
    return ERR_OK;
}

static enum err resolve_expect(const struct h1_facts *facts, struct request_head *out,
                               struct h1_fault *fault)
{
    /* RFC 9110 10.1.1: ignored in HTTP/1.0, meaningless without content. */
    bool ignored = out->http10 || out->body == BODY_NONE;
    if (facts->expect_other && !out->http10)
        return h1_refuse(fault, ERR_SYNTAX, 417, "Only 100-continue can be expected.");
    out->expect_continue = facts->expect_continue && !ignored;
    if (ignored)
        fields_remove(&out->fields, FIELD_EXPECT);
    return ERR_OK;
}

/* RFC 9112 9.3; RFC 9110 7.8: an upgrade in HTTP/1.0, or one that connection does not name, is ignored. */
static void resolve_connection(const struct h1_facts *facts, struct request_head *out)
{
    out->keep_alive = !facts->close && (!out->http10 || facts->keep_alive);
    if (!out->http10 && facts->names_upgrade && facts->asks_websocket &&
        out->method == METHOD_GET && out->body == BODY_NONE) /* RFC 6455 4.1 */
        out->upgrade = SPAN_LIT("websocket");
}

enum err h1_parse_request(struct span in, struct arena *arena, struct request_head *out,
                          struct h1_fault *fault)
{
    memset(out, 0, sizeof *out);
    char *copy = arena_alloc(arena, in.len + 1);
    if (!copy)
        return h1_refuse(fault, ERR_FULL, 431, "The header section is too large.");
    if (in.len > 0)
        memcpy(copy, in.p, in.len);

    struct h1_cursor c = {copy, copy + in.len};
    struct h1_facts facts = {0};
    TRY(read_method(&c, out, fault));
    TRY(read_target(&c, out, fault));
    TRY(read_version(&c, out, fault));
    TRY(h1_read_lines(&c, arena, &out->fields, &facts, fault));
    TRY(resolve_target(arena, out, fault));
    request_head_split_target(out);
    TRY(resolve_host(&facts, out, fault));
    TRY(resolve_body(&facts, out, fault));
    TRY(resolve_expect(&facts, out, fault));
    resolve_connection(&facts, out);
    return ERR_OK;
}
