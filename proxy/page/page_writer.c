#include "proxy/page/page_writer.h"

#include <stdio.h>

#include "core/loop.h"
#include "core/mem.h"
#include "core/timefmt.h"

/* --- facts --------------------------------------------------------------------------------------- */

struct span page_session(const struct page_facts *f)
{
    return f->route ? f->route->session_name : span_of(NULL, 0);
}

struct span page_service(const struct page_facts *f)
{
    return f->route ? f->route->service : span_of(NULL, 0);
}

struct span page_owner(const struct page_facts *f)
{
    const struct session_entry *s = f->route ? f->route->session : NULL;
    bool own = f->route && f->route->outcome == ROUTE_TO_BACKEND &&
               f->route->place == PLACE_SESSION;
    bool tunnel = f->route && f->route->outcome == ROUTE_TO_TUNNEL;
    return s && (own || tunnel) ? span_str(s->image->session->owner) : span_of(NULL, 0);
}

static bool has_place(const struct page_facts *f)
{
    return f->route &&
           (f->route->outcome == ROUTE_TO_BACKEND || f->route->outcome == ROUTE_TO_TUNNEL);
}

struct span page_place(const struct page_facts *f)
{
    static const struct span words[] = {
        [PLACE_SHARED] = SPAN_LIT("shared"),
        [PLACE_SESSION] = SPAN_LIT("session"),
        [PLACE_TUNNEL] = SPAN_LIT("tunnel"),
    };
    return has_place(f) ? words[f->route->place] : span_of(NULL, 0);
}

/* As part of a sentence. */
static struct span place_words(const struct page_facts *f)
{
    static const struct span words[] = {
        [PLACE_SHARED] = SPAN_LIT("the shared copy"),
        [PLACE_SESSION] = SPAN_LIT("the session's own backend"),
        [PLACE_TUNNEL] = SPAN_LIT("the session's tunnel"),
    };
    return has_place(f) ? words[f->route->place] : SPAN_LIT("the backend");
}

static struct span zone(const struct page_facts *f)
{
    return f->table && f->table->edge ? span_str(f->table->edge->config->zone) : span_of(NULL, 0);
}

void page_each_service(const struct page_writer *w, void (*fn)(void *ctx, struct span name),
                       void *ctx)
{
    const struct route_result *r = w->facts->route;
    if (!w->facts->table || !r || r->outcome != ROUTE_UNKNOWN_SERVICE)
        return;
    const struct edge_image *edge = w->facts->table->edge;
    const struct session_image *own = r->session ? r->session->image : NULL;
    size_t i = 0, k = 0, n_own = own ? own->n_overrides : 0;
    while (i < edge->n_services || k < n_own) {
        struct span shared = i < edge->n_services ? span_str(edge->services[i].name)
                                                  : span_of(NULL, 0);
        struct span ours = k < n_own ? span_str(own->overrides[k].service) : span_of(NULL, 0);
        int order = !shared.p ? 1 : !ours.p ? -1 : span_cmp(shared, ours);
        i += order <= 0;
        k += order >= 0;
        fn(ctx, order <= 0 ? shared : ours);
    }
}

/* --- putting ------------------------------------------------------------------------------------- */

static void put(struct page_writer *w, struct span s)
{
    if (w->err == ERR_OK)
        w->err = buf_append(w->out, s);
}

void page_put(struct page_writer *w, const char *markup)
{
    put(w, span_str(markup));
}

void page_put_number(struct page_writer *w, unsigned long n)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lu", n);
    page_put(w, digits);
}

/* What stands for C; NULL when it may stand for itself. */
static const char *escape_of(enum page_escape escape, char c)
{
    if (c < ' ' || c > '~')
        return escape == ESCAPE_TEXT && c == '\n' ? NULL : "?";
    if (escape == ESCAPE_JSON)
        return c == '"' ? "\\\"" : c == '\\' ? "\\\\" : NULL;
    if (escape == ESCAPE_TEXT)
        return NULL;
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void page_put_value(struct page_writer *w, struct span value)
{
    size_t run = 0;
    for (size_t i = 0; i < value.len; i++) {
        const char *escaped = escape_of(w->escape, value.p[i]);
        if (!escaped)
            continue;
        put(w, span_sub(value, run, i - run));
        page_put(w, escaped);
        run = i + 1;
    }
    put(w, span_from(value, run));
}

/* A fact by its name in a template; where it is not known, what a person would put there. */
static struct span fact(const struct page_facts *f, struct span name)
{
    struct span value = {NULL, 0}, unknown = SPAN_LIT("");
    if (span_eq(name, SPAN_LIT("host"))) {
        value = f->host;
        unknown = SPAN_LIT("HOST");
    } else if (span_eq(name, SPAN_LIT("session"))) {
        value = page_session(f);
        unknown = SPAN_LIT("SESSION");
    } else if (span_eq(name, SPAN_LIT("service"))) {
        value = page_service(f);
        unknown = SPAN_LIT("SERVICE");
    } else if (span_eq(name, SPAN_LIT("zone"))) {
        value = zone(f);
        unknown = SPAN_LIT("ZONE");
    } else {
        CHECK(span_eq(name, SPAN_LIT("place")));
        value = place_words(f);
    }
    return value.len > 0 ? value : unknown;
}

/* `code` in backquotes becomes an element in HTML. */
static void put_words(struct page_writer *w, struct span s, bool *in_code)
{
    if (w->escape != ESCAPE_HTML) {
        page_put_value(w, s);
        return;
    }
    ptrdiff_t tick;
    while ((tick = span_chr(s, '`')) >= 0) {
        page_put_value(w, span_sub(s, 0, (size_t)tick));
        page_put(w, *in_code ? "</code>" : "<code>");
        *in_code = !*in_code;
        s = span_from(s, (size_t)tick + 1);
    }
    page_put_value(w, s);
}

void page_put_template(struct page_writer *w, const char *template)
{
    struct span s = span_str(template);
    bool in_code = false;
    ptrdiff_t open;
    while ((open = span_chr(s, '{')) >= 0) {
        put_words(w, span_sub(s, 0, (size_t)open), &in_code);
        ptrdiff_t close = span_chr(s, '}');
        CHECK(close > open);
        page_put_value(w,
                       fact(w->facts, span_sub(s, (size_t)open + 1, (size_t)(close - open) - 1)));
        s = span_from(s, (size_t)close + 1);
    }
    put_words(w, s, &in_code);
}

/* How long it has been so, in one unit. */
static void put_elapsed(struct page_writer *w, int64_t since_ms)
{
    int64_t s = (clock_wall_ms() - since_ms) / 1000;
    const char *unit = s < 120 ? " s" : s < 7200 ? " min" : " h";
    int64_t n = s < 120 ? s : s < 7200 ? s / 60 : s / 3600;
    page_put_number(w, n > 0 ? (unsigned long)n : 0);
    page_put(w, unit);
}

void page_put_detail(struct page_writer *w)
{
    char since[TIMEFMT_MAX];
    if (w->facts->detail)
        page_put_value(w, span_str(w->facts->detail));
    else
        page_put_template(w, w->kind->detail);
    if (w->facts->down_since_ms == 0)
        return;
    page_put(w, " It has been so for ");
    put_elapsed(w, w->facts->down_since_ms);
    page_put(w, ", since ");
    page_put(w, timefmt_rfc3339(w->facts->down_since_ms, since));
    if (w->facts->down_why) {
        page_put(w, " (");
        page_put_value(w, span_str(w->facts->down_why));
        page_put(w, ")");
    }
    page_put(w, ".");
}
