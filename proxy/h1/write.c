#include "proxy/h1/write.h"

#include "proxy/chars.h"

/* What stands around a name and a value: ": " and CR LF. */
#define LINE_EXTRA 4
/* Framing, connection and the empty line, without the values a caller gives. */
#define REST_MAX 160

/* --- putting into reserved room ------------------------------------------------------------------ */

static char *put(char *at, struct span s)
{
    if (s.len > 0)
        memcpy(at, s.p, s.len);
    return at + s.len;
}

#define PUT_LIT(at, s) put((at), SPAN_LIT(s))

/* The check that no field can end its line, on the one way out. */
static char *put_checked(char *at, struct span s)
{
    CHECK(chars_are_text(s));
    return put(at, s);
}

static char *put_line(char *at, struct span name, struct span value)
{
    at = put_checked(at, name);
    at = PUT_LIT(at, ": ");
    at = put_checked(at, value);
    return PUT_LIT(at, "\r\n");
}

static char *put_number(char *at, uint64_t v)
{
    char digits[20];
    size_t n = 0;
    do
        digits[sizeof digits - ++n] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    return put(at, span_of(digits + sizeof digits - n, n));
}

static char *put_length(char *at, uint64_t length)
{
    at = PUT_LIT(at, "content-length: ");
    return PUT_LIT(put_number(at, length), "\r\n");
}

/* --- fields -------------------------------------------------------------------------------------- */

/* Lines that are said from the head's other members. */
static bool is_said_elsewhere(enum field_id id, enum body_kind body)
{
    switch (id) {
    case FIELD_HOST:
    case FIELD_CONNECTION:
    case FIELD_KEEP_ALIVE:
    case FIELD_PROXY_CONNECTION:
    case FIELD_TRANSFER_ENCODING:
    case FIELD_UPGRADE:
        return true;
    case FIELD_CONTENT_LENGTH:
        return body != BODY_NONE;
    default:
        return false;
    }
}

static size_t fields_size(const struct fields *f)
{
    size_t size = 0;
    for (size_t i = 0; i < f->n; i++)
        size += f->v[i].name.len + f->v[i].value.len + LINE_EXTRA;
    return size;
}

static char *put_fields(char *at, const struct fields *f, enum body_kind body)
{
    for (size_t i = 0; i < f->n; i++)
        if (!is_said_elsewhere(f->v[i].id, body))
            at = put_line(at, f->v[i].name, f->v[i].value);
    return at;
}

static char *put_connection(char *at, struct span options, bool te)
{
    if (options.len == 0 && !te)
        return at;
    at = PUT_LIT(at, "connection: ");
    at = put_checked(at, options);
    if (te)
        at = put(at, options.len > 0 ? SPAN_LIT(", te") : SPAN_LIT("te"));
    return PUT_LIT(at, "\r\n");
}

static enum err reserve(struct buf *out, size_t size, char **at)
{
    size_t room;
    *at = buf_reserve(out, size, &room);
    return *at ? ERR_OK : ERR_FULL;
}

static void commit(struct buf *out, const char *start, const char *end, size_t reserved)
{
    size_t len = (size_t)(end - start);
    CHECK(len <= reserved);
    buf_commit(out, len);
}

/* --- heads --------------------------------------------------------------------------------------- */

/* A request line has two spaces, and that is all who reads it goes by. */
static char *put_word(char *at, struct span s)
{
    CHECK(s.len > 0 && span_chr(s, ' ') < 0 && span_chr(s, '\t') < 0);
    return put_checked(at, s);
}

enum err h1_write_request(struct buf *out, const struct request_head *h, struct span target,
                          struct span host, struct span connection)
{
    size_t size = h->method_text.len + target.len + host.len + connection.len + h->upgrade.len +
                  fields_size(&h->fields) + REST_MAX;
    char *start;
    TRY(reserve(out, size, &start));

    char *at = put_word(start, h->method_text);
    at = put_word(PUT_LIT(at, " "), target);
    at = put_line(PUT_LIT(at, " HTTP/1.1\r\n"), SPAN_LIT("host"), host);
    at = put_fields(at, &h->fields, BODY_STREAM);
    if (h->body == BODY_LENGTH)
        at = put_length(at, h->content_length);
    if (h->body == BODY_CHUNKED || h->body == BODY_STREAM)
        at = PUT_LIT(at, "transfer-encoding: chunked\r\n");
    if (h->upgrade.len > 0 && span_eq_nocase(connection, SPAN_LIT("upgrade")))
        at = put_line(at, SPAN_LIT("upgrade"), h->upgrade);
    at = put_connection(at, connection, fields_find(&h->fields, FIELD_TE) != NULL);
    at = PUT_LIT(at, "\r\n");
    commit(out, start, at, size);
    return ERR_OK;
}

static char *put_status_line(char *at, const struct response_head *h)
{
    CHECK(h->status >= 100 && h->status <= 999);
    at = PUT_LIT(at, "HTTP/1.1 "); /* whatever the client's minor version: RFC 9110 6.2 */
    at = put_number(at, (uint64_t)h->status);
    at = PUT_LIT(at, " ");
    at = put_checked(at, h->reason.len > 0 ? h->reason : span_str(status_reason(h->status)));
    return PUT_LIT(at, "\r\n");
}

enum err h1_write_response(struct buf *out, const struct response_head *h, struct span connection)
{
    const struct field *upgrade = fields_find(&h->fields, FIELD_UPGRADE);
    size_t size = h->reason.len + connection.len + fields_size(&h->fields) + REST_MAX;
    char *start;
    TRY(reserve(out, size, &start));

    char *at = put_status_line(start, h);
    at = put_fields(at, &h->fields, h->body);
    if (h->body == BODY_LENGTH)
        at = put_length(at, h->content_length);
    if (h->body == BODY_CHUNKED)
        at = PUT_LIT(at, "transfer-encoding: chunked\r\n");
    if (upgrade && span_eq_nocase(connection, SPAN_LIT("upgrade")))
        at = put_line(at, SPAN_LIT("upgrade"), upgrade->value);
    at = put_connection(at, connection, false);
    at = PUT_LIT(at, "\r\n");
    commit(out, start, at, size);
    return ERR_OK;
}

/* --- chunks -------------------------------------------------------------------------------------- */

size_t h1_chunk_header(char out[18], size_t len)
{
    CHECK(len > 0); /* a chunk of no bytes would end the body */
    char digits[16];
    size_t n = 0;
    for (; len > 0; len >>= 4)
        digits[sizeof digits - ++n] = "0123456789abcdef"[len & 15];
    char *at = put(out, span_of(digits + sizeof digits - n, n));
    return (size_t)(PUT_LIT(at, "\r\n") - out);
}

enum err h1_write_last_chunk(struct buf *out, const struct fields *trailers)
{
    size_t size = fields_size(trailers) + REST_MAX;
    char *start;
    TRY(reserve(out, size, &start));
    char *at = PUT_LIT(start, "0\r\n");
    for (size_t i = 0; i < trailers->n; i++)
        if (field_fits_trailer(&trailers->v[i]))
            at = put_line(at, trailers->v[i].name, trailers->v[i].value);
    at = PUT_LIT(at, "\r\n");
    commit(out, start, at, size);
    return ERR_OK;
}
