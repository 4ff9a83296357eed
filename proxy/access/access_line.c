#include "proxy/access/access_line.h"

#include "proxy/exchange.h"
#include "proxy/head/public_url.h"

/* The most a value may take, escapes included: long ones are cut, so that the sum of all stays below
 * ACCESS_LINE_MAX whatever a client sends. */
#define SHORT_MAX 64
#define HOST_MAX 320
#define PATH_MAX_SHOWN 2048
#define ID_MAX 160

struct line {
    char *at, *end;
    bool json;
};

/* What stands before a value in either form. */
struct key {
    struct span json, text;
};

#define KEY(name) ((struct key){SPAN_LIT(",\"" name "\":"), SPAN_LIT(" " name "=")})

static inline void put(struct line *l, struct span s)
{
    CHECK(s.len <= (size_t)(l->end - l->at));
    if (s.len > 0)
        memcpy(l->at, s.p, s.len);
    l->at += s.len;
}

static void put_char(struct line *l, char c)
{
    put(l, span_of(&c, 1));
}

/* --- values -------------------------------------------------------------------------------------- */

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* As \u00xx, which JSON knows, or \xhh: lossless, and no bytes that a terminal might obey. */
static void put_escape(struct line *l, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    if (c == '"' || c == '\\')
        put_char(l, '\\');
    else
        put(l, l->json ? SPAN_LIT("\\u00") : SPAN_LIT("\\x"));
    if (c == '"' || c == '\\') {
        put_char(l, (char)c);
        return;
    }
    put_char(l, hex[c >> 4]);
    put_char(l, hex[c & 15]);
}

static void put_quoted(struct line *l, struct span s, size_t most)
{
    const char *limit = l->at + most - sizeof "\\u00xx";
    put_char(l, '"');
    for (size_t i = 0; i < s.len && l->at < limit;) {
        size_t run = i;
        while (run < s.len && is_plain((unsigned char)s.p[run]))
            run++;
        size_t room = (size_t)(limit - l->at);
        put(l, span_of(s.p + i, run - i < room ? run - i : room));
        i = run;
        if (i < s.len && l->at < limit)
            put_escape(l, (unsigned char)s.p[i++]);
    }
    put_char(l, '"');
}

/* As the log writes them: bare where nothing in them could be misread. */
static bool is_bare(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_plain((unsigned char)s.p[i]) || s.p[i] == ' ' || s.p[i] == '=')
            return false;
    return true;
}

static void put_value(struct line *l, struct span s, size_t most)
{
    if (l->json || s.len > most || !is_bare(s))
        put_quoted(l, s, most);
    else
        put(l, s);
}

static void put_digits(struct line *l, uint64_t v, unsigned least)
{
    char digits[20];
    unsigned n = 0;
    for (; v > 0 || n < least; v /= 10)
        digits[sizeof digits - ++n] = (char)('0' + v % 10);
    put(l, span_of(digits + sizeof digits - n, n));
}

/* --- fields -------------------------------------------------------------------------------------- */

static void put_key(struct line *l, struct key key)
{
    put(l, l->json ? key.json : key.text);
}

/* What is not there is not written. */
static void put_text(struct line *l, struct key key, struct span value, size_t most)
{
    if (value.len == 0)
        return;
    put_key(l, key);
    put_value(l, value, most);
}

static void put_number(struct line *l, struct key key, uint64_t value)
{
    put_key(l, key);
    put_digits(l, value, 1);
}

static void put_seconds(struct line *l, struct key key, uint64_t from_us, uint64_t to_us)
{
    uint64_t us = to_us > from_us ? to_us - from_us : 0;
    put_key(l, key);
    put_digits(l, us / 1000000, 1);
    put_char(l, '.');
    put_digits(l, us % 1000000, 6);
}

static void put_time(struct line *l, int64_t wall_ms, struct access_clock *clock)
{
    int64_t second = wall_ms / 1000;
    if (clock->second != second || clock->text[0] == '\0') {
        timefmt_rfc3339(second * 1000, clock->text);
        clock->text[sizeof "2026-05-01T10:00:00." - 1] = '\0';
        clock->second = second;
    }
    put(l, l->json ? SPAN_LIT("{\"time\":\"") : SPAN_LIT("time="));
    put(l, span_str(clock->text));
    put_digits(l, (uint64_t)(wall_ms % 1000), 3);
    put(l, l->json ? SPAN_LIT("Z\"") : SPAN_LIT("Z"));
}

/* --- what is told -------------------------------------------------------------------------------- */

static struct span place_name(const struct exchange *x)
{
    if (!x->routed)
        return span_of(NULL, 0);
    if (x->route.outcome == ROUTE_TO_EDGE)
        return SPAN_LIT("edge");
    if (x->route.outcome == ROUTE_TO_TUNNEL)
        return SPAN_LIT("tunnel");
    if (x->route.outcome != ROUTE_TO_BACKEND)
        return span_of(NULL, 0);
    return x->route.place == PLACE_SHARED ? SPAN_LIT("shared") : SPAN_LIT("session");
}

/* Whether the client got everything, went before it was answered, or got a part only. */
static struct span end_name(const struct exchange *x)
{
    if (x->answered == 0)
        return SPAN_LIT("unanswered");
    bool complete = x->response_ended || exchange_bodyless(x) || x->response.body == BODY_NONE ||
                    (x->response.body == BODY_LENGTH &&
                     x->response_bytes >= x->response.content_length);
    return complete ? SPAN_LIT("complete") : SPAN_LIT("cut");
}

static void put_request(struct line *l, const struct exchange *x)
{
    char ip[ADDR_TEXT_MAX];
    put_text(l, KEY("client"), client_ip_text(&x->client, ip), SHORT_MAX);
    put_text(l, KEY("method"), x->request.method_text, SHORT_MAX);
    put_text(l, KEY("host"), x->host.len ? x->host : x->request.authority, HOST_MAX);
    put_text(l, KEY("path"), x->request.path, PATH_MAX_SHOWN);
    put_text(l, KEY("front"), x->http2 ? SPAN_LIT("h2") : SPAN_LIT("h1"), SHORT_MAX);
    const struct field *id = fields_find(&x->request.fields, FIELD_X_REQUEST_ID);
    if (id)
        put_text(l, KEY("request_id"), id->value, ID_MAX);
}

static void put_route(struct line *l, const struct exchange *x)
{
    if (!x->routed)
        return;
    put_text(l, KEY("session"), x->route.session_name, SHORT_MAX);
    put_text(l, KEY("service"), x->route.service, HOST_MAX);
    put_text(l, KEY("backend"), place_name(x), SHORT_MAX);
}

static void put_answer(struct line *l, const struct exchange *x, uint64_t now_us)
{
    put_number(l, KEY("status"), (uint64_t)x->answered);
    put_number(l, KEY("request_bytes"), x->request_bytes);
    put_number(l, KEY("response_bytes"), x->response_bytes);
    put_seconds(l, KEY("duration_seconds"), x->started_us, now_us);
    if (x->head_us > 0)
        put_seconds(l, KEY("head_seconds"), x->started_us, x->head_us);
    put_text(l, KEY("end"), end_name(x), SHORT_MAX);
}

size_t access_line_write(char *out, bool json, int64_t wall_ms, uint64_t now_us,
                         struct access_clock *clock, const struct exchange *x)
{
    struct line l = {.at = out, .end = out + ACCESS_LINE_MAX, .json = json};
    put_time(&l, wall_ms, clock);
    put_request(&l, x);
    put_route(&l, x);
    put_answer(&l, x, now_us);
    put(&l, json ? SPAN_LIT("}\n") : SPAN_LIT("\n"));
    return (size_t)(l.at - out);
}
