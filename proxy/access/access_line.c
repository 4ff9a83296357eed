#include "proxy/access/access_line.h"

#include "proxy/exchange.h"
#include "proxy/head/public_url.h"

/* The most a value may take, escapes included: long ones are cut, so that the sum of all stays below
 * ACCESS_LINE_MAX whatever a client sends. */
#define SHORT_MAX 64
#define HOST_MAX 320
#define PATH_MAX_SHOWN 1280
#define AGENT_MAX 256
#define REFERER_MAX 256
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

/* At most MOST bytes of it, with its quotes. */
static void put_escaped(struct line *l, struct span s, size_t most)
{
    const char *limit = l->at + most - sizeof "\"\\u00xx";
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
}

static void put_quoted(struct line *l, struct span s, size_t most)
{
    put_char(l, '"');
    put_escaped(l, s, most);
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

/* Nothing when one of the moments did not come. */
static void put_seconds(struct line *l, struct key key, uint64_t from_us, uint64_t to_us)
{
    if (from_us == 0 || to_us == 0)
        return;
    uint64_t us = to_us > from_us ? to_us - from_us : 0;
    put_key(l, key);
    put_digits(l, us / 1000000, 1);
    put_char(l, '.');
    put_digits(l, us % 1000000, 6);
}

static void put_flag(struct line *l, struct key key, bool set)
{
    if (!set)
        return;
    put_key(l, key);
    put(l, SPAN_LIT("true"));
}

/* "01/May/2026:10:00:00 +0000", from "Fri, 01 May 2026 10:00:00 GMT". */
static void combined_time(char text[TIMEFMT_MAX])
{
    text[2 + 5] = text[6 + 5] = '/';
    text[11 + 5] = ':';
    memmove(text, text + 5, 20);
    memcpy(text + 20, " +0000", 7);
}

static struct span second_text(struct access_clock *clock, int64_t second, enum access_format f)
{
    if (clock->second != second || clock->text[0] == '\0' || clock->format != f) {
        clock->second = second;
        clock->format = f;
        if (f == ACCESS_COMBINED) {
            timefmt_imf_fixdate(second * 1000, clock->text);
            combined_time(clock->text);
        } else {
            timefmt_rfc3339(second * 1000, clock->text);
            clock->text[sizeof "2026-05-01T10:00:00." - 1] = '\0';
        }
    }
    return span_str(clock->text);
}

static void put_time(struct line *l, int64_t wall_ms, struct access_clock *clock)
{
    put(l, l->json ? SPAN_LIT("{\"time\":\"") : SPAN_LIT("time="));
    put(l, second_text(clock, wall_ms / 1000, l->json ? ACCESS_JSON : ACCESS_TEXT));
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

/* Whether the client was given everything; else who broke it off. */
static struct span end_name(const struct exchange *x)
{
    static const struct span names[] = {
        [END_UNSAID] = SPAN_LIT("cut"),
        [END_CLIENT_GONE] = SPAN_LIT("client-gone"),
        [END_CLIENT_RESET] = SPAN_LIT("client-reset"),
        [END_CLIENT_SLOW] = SPAN_LIT("client-slow"),
        [END_CLIENT_BAD] = SPAN_LIT("client-bad"),
        [END_BACK_BROKE] = SPAN_LIT("back-broke"),
        [END_BACK_SILENT] = SPAN_LIT("back-silent"),
        [END_LIMIT] = SPAN_LIT("limit"),
        [END_DRAIN] = SPAN_LIT("drain"),
    };
    return exchange_is_complete(x) ? SPAN_LIT("complete") : names[x->story.end];
}

/* How far an exchange had come that did not come to its end. */
static struct span phase_name(const struct exchange *x)
{
    const uint64_t *at = x->story.at_us;
    if (at[MOMENT_HEAD])
        return SPAN_LIT("response");
    if (at[MOMENT_SENT])
        return SPAN_LIT("wait");
    if (at[MOMENT_CONNECTED])
        return x->story.secured ? SPAN_LIT("tls") : SPAN_LIT("send");
    if (at[MOMENT_ATTEMPT])
        return SPAN_LIT("connect");
    return at[MOMENT_ROUTED] ? SPAN_LIT("route") : SPAN_LIT("request");
}

static struct span field_value(const struct exchange *x, enum field_id id)
{
    const struct field *f = fields_find(&x->request.fields, id);
    return f ? f->value : span_of(NULL, 0);
}

/* The second part of traceparent (Trace Context 3.2.2), by which the services' own traces are found. */
static struct span trace_id(const struct exchange *x)
{
    struct span s = field_value(x, FIELD_TRACEPARENT);
    return s.len < sizeof "00-" - 1 + 32 ? span_of(NULL, 0) : span_sub(s, 3, 32);
}

static struct span protocol_name(enum story_protocol p)
{
    static const struct span names[] = {
        [PROTOCOL_NONE] = {NULL, 0},
        [PROTOCOL_H1] = SPAN_LIT("h1"),
        [PROTOCOL_H2] = SPAN_LIT("h2"),
        [PROTOCOL_RAW] = SPAN_LIT("raw"),
    };
    return names[p];
}

static enum story_protocol front_protocol(const struct exchange *x)
{
    return x->passed ? PROTOCOL_RAW : x->http2 ? PROTOCOL_H2 : PROTOCOL_H1;
}

static void put_request(struct line *l, const struct exchange *x)
{
    char ip[ADDR_TEXT_MAX];
    put_text(l, KEY("client"), client_ip_text(&x->client, ip), SHORT_MAX);
    put_text(l, KEY("method"), x->request.method_text, SHORT_MAX);
    put_text(l, KEY("host"), x->host.len ? x->host : x->request.authority, HOST_MAX);
    put_text(l, KEY("path"), x->request.path, PATH_MAX_SHOWN);
    put_text(l, KEY("front"), protocol_name(front_protocol(x)), SHORT_MAX);
    put_text(l, KEY("user_agent"), field_value(x, FIELD_USER_AGENT), AGENT_MAX);
}

static void put_names(struct line *l, const struct exchange *x)
{
    if (x->tls)
        put_text(l, KEY("tls"), span_str(x->tls), SHORT_MAX);
    put_flag(l, KEY("resumed"), x->tls_resumed);
    put_text(l, KEY("request_id"), field_value(x, FIELD_X_REQUEST_ID), ID_MAX);
    put_text(l, KEY("trace_id"), trace_id(x), SHORT_MAX);
}

static void put_route(struct line *l, const struct exchange *x)
{
    const struct story *s = &x->story;
    if (!x->routed)
        return;
    put_text(l, KEY("session"), x->route.session_name, SHORT_MAX);
    put_text(l, KEY("service"), x->route.service, HOST_MAX);
    put_text(l, KEY("backend"), place_name(x), SHORT_MAX);
    put_flag(l, KEY("fallback"), s->fallback);
    put_text(l, KEY("back"), protocol_name(s->protocol), SHORT_MAX);
    put_flag(l, KEY("back_tls"), s->secured);
    put_flag(l, KEY("pooled"), s->pooled);
    if (s->attempts > 1)
        put_number(l, KEY("attempts"), s->attempts);
}

/* From the one moment to the next that came. */
static void put_times(struct line *l, const struct story *s, uint64_t now_us)
{
    const uint64_t *at = s->at_us;
    uint64_t dialled = at[MOMENT_RESOLVED] ? at[MOMENT_RESOLVED] : at[MOMENT_ATTEMPT];
    put_seconds(l, KEY("duration_seconds"), s->started_us, now_us);
    put_seconds(l, KEY("route_seconds"), s->started_us, at[MOMENT_ROUTED]);
    put_seconds(l, KEY("name_seconds"), at[MOMENT_ATTEMPT], at[MOMENT_RESOLVED]);
    put_seconds(l, KEY("connect_seconds"), dialled, at[MOMENT_CONNECTED]);
    put_seconds(l, KEY("tls_seconds"), at[MOMENT_CONNECTED], at[MOMENT_SECURED]);
    put_seconds(l, KEY("wait_seconds"), at[MOMENT_SENT], at[MOMENT_HEAD]);
    put_seconds(l, KEY("head_seconds"), s->started_us, at[MOMENT_HEAD]);
}

static void put_end(struct line *l, const struct exchange *x)
{
    put_text(l, KEY("end"), end_name(x), SHORT_MAX);
    if (exchange_is_complete(x))
        return;
    put_text(l, KEY("phase"), phase_name(x), SHORT_MAX);
    if (x->story.end == END_CLIENT_RESET)
        put_number(l, KEY("reset"), x->story.reset);
}

static void put_rest(struct line *l, const struct exchange *x, uint64_t now_us)
{
    const struct story *s = &x->story;
    put_names(l, x);
    put_route(l, x);
    if (s->page > 0)
        put_text(l, KEY("page"), span_str(page_slug((enum page_reason)(s->page - 1))), SHORT_MAX);
    put_number(l, KEY("request_bytes"), x->request_bytes);
    put_number(l, KEY("response_bytes"), x->response_bytes);
    put_times(l, s, now_us);
    put_end(l, x);
}

/* --- the combined form --------------------------------------------------------------------------- */

static void put_bare(struct line *l, struct span value)
{
    put(l, value.len > 0 ? value : SPAN_LIT("-"));
}

static void put_in_quotes(struct line *l, struct span value, size_t most)
{
    put_char(l, ' ');
    put_quoted(l, value.len > 0 ? value : SPAN_LIT("-"), most);
}

static void put_request_line(struct line *l, const struct exchange *x)
{
    if (x->request.method_text.len == 0) { /* it could not be read */
        put(l, SPAN_LIT("\"-\""));
        return;
    }
    put_char(l, '"');
    put_escaped(l, x->request.method_text, SHORT_MAX);
    put_char(l, ' ');
    put_escaped(l, x->request.path, PATH_MAX_SHOWN);
    put(l, x->http2            ? SPAN_LIT(" HTTP/2.0\"")
           : x->request.http10 ? SPAN_LIT(" HTTP/1.0\"")
                               : SPAN_LIT(" HTTP/1.1\""));
}

static struct span without_query(struct span url)
{
    ptrdiff_t at = span_chr(url, '?');
    return at < 0 ? url : span_sub(url, 0, (size_t)at);
}

static void put_combined(struct line *l, const struct exchange *x, int64_t wall_ms,
                         struct access_clock *clock)
{
    char ip[ADDR_TEXT_MAX];
    put_bare(l, client_ip_text(&x->client, ip));
    put(l, SPAN_LIT(" - - ["));
    put(l, second_text(clock, wall_ms / 1000, ACCESS_COMBINED));
    put(l, SPAN_LIT("] "));
    put_request_line(l, x);
    put_char(l, ' ');
    put_digits(l, (uint64_t)x->answered, 3);
    put_char(l, ' ');
    put_digits(l, x->response_bytes, 1);
    put_in_quotes(l, without_query(field_value(x, FIELD_REFERER)), REFERER_MAX);
    put_in_quotes(l, field_value(x, FIELD_USER_AGENT), AGENT_MAX);
    put_text(l, KEY("host"), x->host.len ? x->host : x->request.authority, HOST_MAX);
}

/* --- the line ------------------------------------------------------------------------------------ */

size_t access_line_write(char *out, enum access_format format, int64_t wall_ms, uint64_t now_us,
                         struct access_clock *clock, const struct exchange *x)
{
    struct line l = {.at = out, .end = out + ACCESS_LINE_MAX, .json = format == ACCESS_JSON};
    if (format == ACCESS_COMBINED) {
        put_combined(&l, x, wall_ms, clock);
    } else {
        put_time(&l, wall_ms, clock);
        put_request(&l, x);
        if (!x->passed)
            put_number(&l, KEY("status"), (uint64_t)x->answered);
    }
    put_rest(&l, x, now_us);
    put(&l, l.json ? SPAN_LIT("}\n") : SPAN_LIT("\n"));
    return (size_t)(l.at - out);
}
