#include "proxy/h1/chunked.h"

#include "proxy/h1/lines.h"
#include "proxy/head/chars.h"

/* A size has 64 bits at most: nothing overflows. */
#define SIZE_DIGITS 16
/* Extensions are of no use to anyone here, and were used to make recipients work (CVE-2023-39326). */
#define EXTENSIONS_MAX (16 * 1024)

void chunked_init(struct chunked *c)
{
    *c = (struct chunked){.state = CHUNKED_SIZE};
}

void chunked_data_consumed(struct chunked *c, size_t n)
{
    CHECK(c->state == CHUNKED_DATA && n <= c->left);
    c->left -= n;
    if (c->left == 0)
        c->state = CHUNKED_DATA_CR;
}

static int hex_digit(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    ch = ascii_lower(ch);
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* chunk-size (RFC 9112 7.1): no sign, no "0x", no white space around it. */
static enum err step_size(struct chunked *c, char ch)
{
    int digit = hex_digit(ch);
    if (digit >= 0) {
        if (++c->digits > SIZE_DIGITS)
            return ERR_SYNTAX;
        c->left = c->left << 4 | (unsigned)digit;
        return ERR_OK;
    }
    if (c->digits == 0)
        return ERR_SYNTAX;
    if (ch == ';') {
        c->extension++;
        c->state = CHUNKED_EXTENSION;
        return ERR_OK;
    }
    if (ch != '\r')
        return ERR_SYNTAX;
    c->state = CHUNKED_SIZE_LF;
    return ERR_OK;
}

/* chunk-ext: passed over, but for what could end the line for others (RFC 9112 7.1.1). */
static enum err skip_extension(struct chunked *c, struct span in, size_t *at)
{
    size_t len = chars_text_len(span_from(in, *at));
    c->extension += len;
    *at += len;
    if (c->extension > EXTENSIONS_MAX)
        return ERR_FULL;
    if (*at == in.len)
        return ERR_AGAIN;
    if (in.p[(*at)++] != '\r')
        return ERR_SYNTAX;
    c->state = CHUNKED_SIZE_LF;
    return ERR_OK;
}

static enum err step_size_end(struct chunked *c, char ch)
{
    if (ch != '\n')
        return ERR_SYNTAX;
    c->digits = 0;
    c->state = c->left > 0 ? CHUNKED_DATA : CHUNKED_TRAILER;
    return ERR_OK;
}

static enum err parse_trailers(struct chunked *c, struct span section, struct arena *arena)
{
    char *copy = arena_alloc(arena, section.len);
    if (!copy)
        return ERR_FULL;
    memcpy(copy, section.p, section.len);
    struct h1_cursor cursor = {copy, copy + section.len};
    struct h1_fault fault;
    return h1_read_trailers(&cursor, arena, &c->trailers, &fault);
}

/* trailer-section CRLF (RFC 9112 7.1.2): taken in one piece, once all of it is there. */
static enum err take_trailers(struct chunked *c, struct span in, struct arena *arena, size_t *at)
{
    struct span rest = span_from(in, *at);
    size_t len = 2;
    if (!span_starts(rest, SPAN_LIT("\r\n"))) {
        struct h1_fault fault;
        TRY(h1_find_head(rest, &c->trailer_scanned, &len, &fault));
        TRY(parse_trailers(c, span_sub(rest, 0, len), arena));
    }
    *at += len;
    c->state = CHUNKED_DONE;
    return ERR_OK;
}

static enum err step(struct chunked *c, struct span in, struct arena *arena, size_t *at)
{
    switch (c->state) {
    case CHUNKED_SIZE:
        return step_size(c, in.p[(*at)++]);
    case CHUNKED_EXTENSION:
        return skip_extension(c, in, at);
    case CHUNKED_SIZE_LF:
        return step_size_end(c, in.p[(*at)++]);
    case CHUNKED_DATA_CR:
        c->state = CHUNKED_DATA_LF;
        return in.p[(*at)++] == '\r' ? ERR_OK : ERR_SYNTAX;
    case CHUNKED_DATA_LF:
        c->state = CHUNKED_SIZE;
        return in.p[(*at)++] == '\n' ? ERR_OK : ERR_SYNTAX;
    case CHUNKED_TRAILER:
        return take_trailers(c, in, arena, at);
    case CHUNKED_DATA:
    case CHUNKED_DONE:
    case CHUNKED_BROKEN:
        break;
    }
    return ERR_OK;
}

enum err chunked_next(struct chunked *c, struct span in, struct arena *arena, size_t *skip,
                      struct span *data)
{
    size_t at = 0;
    enum err e = ERR_OK;
    *data = span_of(NULL, 0);
    *skip = 0;
    if (c->state == CHUNKED_BROKEN)
        return c->why;
    while (e == ERR_OK && at < in.len && c->state != CHUNKED_DATA && c->state != CHUNKED_DONE)
        e = step(c, in, arena, &at);
    *skip = at;
    if (e != ERR_OK && e != ERR_AGAIN) {
        c->state = CHUNKED_BROKEN;
        c->why = e;
    }
    if (e != ERR_OK || c->state == CHUNKED_DONE)
        return e;
    if (c->state != CHUNKED_DATA || at == in.len)
        return ERR_AGAIN;
    *data = span_from(in, at);
    if (data->len > c->left)
        data->len = (size_t)c->left;
    return ERR_OK;
}
