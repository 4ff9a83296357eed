#include "proxy/h1/write.h"

#include "proxy/head/chars.h"

/* What stands around a name and a value: ": " and CR LF. */
#define LINE_EXTRA 4
/* Framing, connection and the empty line, without the values a caller gives. */
#define REST_MAX 160

/* Room reserved in a buffer, filled line by line. */
struct lines {
    struct buf *out;
    char *start, *at;
    size_t reserved;
    size_t n;
};

static enum err lines_begin(struct lines *l, struct buf *out, size_t reserve)
{
    size_t room;
    *l = (struct lines){.out = out, .reserved = reserve};
    l->start = l->at = buf_reserve(out, reserve, &room);
    return l->start ? ERR_OK : ERR_FULL;
}

/* The check, on the one way out, that no name and no value has ended its line or begun another: what was
 * written are as many lines of text as were meant. */
static void lines_commit(struct lines *l)
{
    size_t len = (size_t)(l->at - l->start);
    CHECK(len <= l->reserved);
    for (const char *at = l->start; at < l->at; at += 2, l->n--) {
        at += chars_text_len(span_of(at, (size_t)(l->at - at)));
        CHECK(l->n > 0 && l->at - at >= 2 && at[0] == '\r' && at[1] == '\n');
    }
    CHECK(l->n == 0);
    buf_commit(l->out, len);
}

static inline void put(struct lines *l, struct span s)
{
    if (s.len > 0)
        memcpy(l->at, s.p, s.len);
    l->at += s.len;
}

#define PUT_LIT(l, s) put((l), SPAN_LIT(s))

static void end_line(struct lines *l)
{
    PUT_LIT(l, "\r\n");
    l->n++;
}

static void put_line(struct lines *l, struct span name, struct span value)
{
    put(l, name);
    PUT_LIT(l, ": ");
    put(l, value);
    end_line(l);
}

static void put_number(struct lines *l, uint64_t v)
{
    char digits[20];
    size_t n = 0;
    do
        digits[sizeof digits - ++n] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    put(l, span_of(digits + sizeof digits - n, n));
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

static void put_fields(struct lines *l, const struct fields *f, enum body_kind body)
{
    for (size_t i = 0; i < f->n; i++)
        if (!is_said_elsewhere(f->v[i].id, body))
            put_line(l, f->v[i].name, f->v[i].value);
}

static void put_length(struct lines *l, uint64_t length)
{
    PUT_LIT(l, "content-length: ");
    put_number(l, length);
    end_line(l);
}

static void put_chunked(struct lines *l)
{
    PUT_LIT(l, "transfer-encoding: chunked");
    end_line(l);
}

static void put_connection(struct lines *l, struct span options, bool te)
{
    if (options.len == 0 && !te)
        return;
    PUT_LIT(l, "connection: ");
    put(l, options);
    if (te)
        put(l, options.len > 0 ? SPAN_LIT(", te") : SPAN_LIT("te"));
    end_line(l);
}

static bool is_upgrade(struct span connection)
{
    return span_eq_nocase(connection, SPAN_LIT("upgrade"));
}

/* --- heads --------------------------------------------------------------------------------------- */

/* A request line has two spaces, and they are all who reads it goes by. */
static void put_word(struct lines *l, struct span s)
{
    CHECK(s.len > 0 && span_chr(s, ' ') < 0 && span_chr(s, '\t') < 0);
    put(l, s);
}

enum err h1_write_request(struct buf *out, const struct request_head *h, struct span target,
                          struct span host, struct span connection)
{
    struct lines l;
    TRY(lines_begin(&l, out,
                    h->method_text.len + target.len + host.len + connection.len + h->upgrade.len +
                        fields_size(&h->fields) + REST_MAX));
    put_word(&l, h->method_text);
    PUT_LIT(&l, " ");
    put_word(&l, target);
    PUT_LIT(&l, " HTTP/1.1");
    end_line(&l);

    put_line(&l, SPAN_LIT("host"), host);
    put_fields(&l, &h->fields, BODY_STREAM);
    if (h->body == BODY_LENGTH)
        put_length(&l, h->content_length);
    if (h->body == BODY_CHUNKED || h->body == BODY_STREAM)
        put_chunked(&l);
    if (h->upgrade.len > 0 && is_upgrade(connection))
        put_line(&l, SPAN_LIT("upgrade"), h->upgrade);
    put_connection(&l, connection, fields_find(&h->fields, FIELD_TE) != NULL);
    end_line(&l);
    lines_commit(&l);
    return ERR_OK;
}

static void put_status_line(struct lines *l, const struct response_head *h)
{
    CHECK(h->status >= 100 && h->status <= 999);
    PUT_LIT(l, "HTTP/1.1 "); /* whatever the client's minor version: RFC 9110 6.2 */
    put_number(l, (uint64_t)h->status);
    PUT_LIT(l, " ");
    put(l, h->reason.len > 0 ? h->reason : span_str(status_reason(h->status)));
    end_line(l);
}

enum err h1_write_response(struct buf *out, const struct response_head *h, struct span connection)
{
    struct lines l;
    const struct field *upgrade = fields_find(&h->fields, FIELD_UPGRADE);
    TRY(lines_begin(&l, out, h->reason.len + connection.len + fields_size(&h->fields) + REST_MAX));
    put_status_line(&l, h);
    put_fields(&l, &h->fields, h->body);
    if (h->body == BODY_LENGTH)
        put_length(&l, h->content_length);
    if (h->body == BODY_CHUNKED)
        put_chunked(&l);
    if (upgrade && is_upgrade(connection))
        put_line(&l, SPAN_LIT("upgrade"), upgrade->value);
    put_connection(&l, connection, false);
    end_line(&l);
    lines_commit(&l);
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
    memcpy(out, digits + sizeof digits - n, n);
    memcpy(out + n, "\r\n", 2);
    return n + 2;
}

enum err h1_write_last_chunk(struct buf *out, const struct fields *trailers)
{
    struct lines l;
    TRY(lines_begin(&l, out, fields_size(trailers) + REST_MAX));
    PUT_LIT(&l, "0");
    end_line(&l);
    for (size_t i = 0; i < trailers->n; i++)
        if (field_fits_trailer(&trailers->v[i]))
            put_line(&l, trailers->v[i].name, trailers->v[i].value);
    end_line(&l);
    lines_commit(&l);
    return ERR_OK;
}
