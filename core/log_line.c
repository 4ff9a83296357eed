#include "core/log_line.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/timefmt.h"

/* Kept free for what must still come once a value has been cut: its closing quote, the mark, the
 * closing brace, the newline. */
#define LINE_RESERVE 32

/* For what was left room for. */
static void put_reserved(struct log_line *l, struct span s)
{
    CHECK(s.len <= sizeof l->text - l->len);
    memcpy(l->text + l->len, s.p, s.len);
    l->len += s.len;
}

static void put(struct log_line *l, struct span s)
{
    if (l->cut || s.len > sizeof l->text - LINE_RESERVE - l->len) {
        l->cut = true;
        return;
    }
    put_reserved(l, s);
}

static bool is_plain(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=';
}

static bool all_plain(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_plain((unsigned char)s.p[i]))
            return false;
    return true;
}

/* The escape of C that text and JSON have in common, or NULL. */
static const char *short_escape(unsigned char c)
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return NULL;
    }
}

static void put_code(struct log_line *l, const char *fmt, unsigned code)
{
    char escape[16];
    snprintf(escape, sizeof escape, fmt, code);
    put(l, span_str(escape));
}

/* Everything that is not printable ASCII is escaped: a terminal may take bytes above 0x7f for the
 * start of a control sequence, too. */
static void put_text_escaped(struct log_line *l, struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        const char *escape = short_escape(c);
        if (escape)
            put(l, span_str(escape));
        else if (c >= ' ' && c < 0x7f)
            put(l, span_sub(s, i, 1));
        else
            put_code(l, "\\x%02x", c);
    }
}

static void put_text_value(struct log_line *l, struct span s)
{
    if (s.len > 0 && all_plain(s)) {
        /* As much of it as fits. */
        for (size_t i = 0; i < s.len; i++)
            put(l, span_sub(s, i, 1));
        return;
    }
    put(l, SPAN_LIT("\""));
    put_text_escaped(l, s);
    put_reserved(l, SPAN_LIT("\""));
}

static bool is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* How many bytes the well-formed UTF-8 character at the start of S has; 0 where there is none
 * (RFC 3629 section 4: no overlong forms, no surrogates, nothing above U+10FFFF). */
static size_t utf8_len(struct span s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    unsigned char second_min = 0x80, second_max = 0xbf;
    size_t len;
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        len = 2;
    else if (p[0] >= 0xe0 && p[0] <= 0xef)
        len = 3;
    else if (p[0] >= 0xf0 && p[0] <= 0xf4)
        len = 4;
    else
        return 0;

    if (p[0] == 0xe0)
        second_min = 0xa0;
    if (p[0] == 0xed)
        second_max = 0x9f;
    if (p[0] == 0xf0)
        second_min = 0x90;
    if (p[0] == 0xf4)
        second_max = 0x8f;
    if (s.len < len || p[1] < second_min || p[1] > second_max)
        return 0;
    for (size_t i = 2; i < len; i++)
        if (!is_continuation(p[i]))
            return 0;
    return len;
}

static void put_json_escaped(struct log_line *l, struct span s)
{
    for (size_t i = 0; i < s.len;) {
        unsigned char c = (unsigned char)s.p[i];
        const char *escape = short_escape(c);
        size_t len = utf8_len(span_from(s, i));
        if (escape)
            put(l, span_str(escape));
        else if (len == 0)
            put_code(l, "\\u%04x", 0xfffd);
        else if (c < ' ' || c == 0x7f)
            put_code(l, "\\u%04x", c);
        else
            put(l, span_sub(s, i, len));
        i += len ? len : 1;
    }
}

static void put_json_value(struct log_line *l, struct span s)
{
    put(l, SPAN_LIT("\""));
    put_json_escaped(l, s);
    put_reserved(l, SPAN_LIT("\""));
}

static void put_string(struct log_line *l, struct span s)
{
    if (l->json)
        put_json_value(l, s);
    else
        put_text_value(l, s);
}

static void put_key(struct log_line *l, const char *key)
{
    put(l, l->json ? SPAN_LIT(",\"") : SPAN_LIT(" "));
    put(l, span_str(key));
    put(l, l->json ? SPAN_LIT("\":") : SPAN_LIT("="));
}

static void put_number(struct log_line *l, const struct log_field *f)
{
    char digits[24];
    if (f->kind == LOG_FIELD_INT)
        snprintf(digits, sizeof digits, "%" PRId64, f->i);
    else
        snprintf(digits, sizeof digits, "%" PRIu64, f->u);
    put(l, span_str(digits));
}

void log_line_field(struct log_line *l, const struct log_field *f)
{
    /* A key without a value says nothing, and half a number something wrong: neither stays. */
    size_t before = l->len;
    put_key(l, f->key);
    bool has_room = !l->cut && l->len < sizeof l->text - LINE_RESERVE;
    if (has_room && f->kind == LOG_FIELD_STR) {
        put_string(l, f->str);
        return;
    }
    if (has_room)
        put_number(l, f);
    l->cut = l->cut || !has_room;
    if (l->cut)
        l->len = before;
}

void log_line_begin(struct log_line *l, bool json, int64_t wall_ms, enum log_level level,
                    const char *event)
{
    static const char level_names[][8] = {
        [LOG_DEBUG] = "DEBUG", [LOG_INFO] = "INFO", [LOG_WARN] = "WARN", [LOG_ERROR] = "ERROR"};
    char time[TIMEFMT_MAX];
    timefmt_rfc3339(wall_ms, time);

    l->json = json;
    l->cut = false;
    l->len = 0;
    put(l, json ? SPAN_LIT("{\"time\":\"") : SPAN_LIT(""));
    put(l, span_str(time));
    put(l, json ? SPAN_LIT("\",\"level\":\"") : SPAN_LIT(" "));
    put(l, span_str(level_names[level]));
    put(l, json ? SPAN_LIT("\",\"event\":\"") : SPAN_LIT(" "));
    put(l, span_str(event));
    put(l, json ? SPAN_LIT("\"") : SPAN_LIT(""));
}

void log_line_end(struct log_line *l)
{
    if (l->cut)
        put_reserved(l, l->json ? SPAN_LIT(",\"truncated\":true") : SPAN_LIT(" truncated=true"));
    put_reserved(l, l->json ? SPAN_LIT("}\n") : SPAN_LIT("\n"));
}
