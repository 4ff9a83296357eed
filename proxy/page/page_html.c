/* The answer for people: one file, no script, nothing loaded from anywhere, readable without its style. */
#include "proxy/page/page_writer.h"

static const char style[] =
    ":root{color-scheme:light dark;--ground:#f6f7f9;--card:#fff;--ink:#1c2330;--soft:#5d6778;"
    "--line:#e3e7ee;--accent:#b4430f}"
    "@media(prefers-color-scheme:dark){:root{--ground:#11151c;--card:#191f29;--ink:#e6eaf1;"
    "--soft:#98a3b5;--line:#2a3240;--accent:#ff9c66}}"
    "*{box-sizing:border-box}"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;"
    "background:var(--ground);color:var(--ink);font:1rem/1.55 system-ui,sans-serif}"
    "main{width:100%;max-width:40rem;background:var(--card);border:1px solid var(--line);"
    "border-top:4px solid var(--accent);border-radius:.6rem;padding:2rem}"
    ".status{margin:0;color:var(--accent);font-weight:600;letter-spacing:.04em}"
    "h1{margin:.2rem 0 1rem;font-size:1.5rem;line-height:1.25;overflow-wrap:anywhere}"
    "p{margin:.6rem 0}"
    "code,dd{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}"
    "code{background:var(--ground);border:1px solid var(--line);border-radius:.3rem;padding:.1em "
    ".35em}"
    "dl{display:grid;grid-template-columns:max-content 1fr;align-items:baseline;gap:.3rem "
    "1.2rem;margin:1.5rem 0 0;"
    "padding-top:1.2rem;border-top:1px solid var(--line);font-size:.95rem}"
    "dt{color:var(--soft)}dd{margin:0}";

static void put_fact(struct page_writer *w, const char *label, struct span value)
{
    if (value.len == 0)
        return;
    page_put(w, "<dt>");
    page_put(w, label);
    page_put(w, "<dd>");
    page_put_value(w, value);
    page_put(w, "\n");
}

static void put_service(void *ctx, struct span name)
{
    struct page_writer *w = ctx;
    page_put(w, "<code>");
    page_put_value(w, name);
    page_put(w, "</code> ");
}

static void put_services(struct page_writer *w)
{
    const struct route_result *r = w->facts->route;
    if (!r || r->outcome != ROUTE_UNKNOWN_SERVICE)
        return;
    page_put(w, "<dt>Services<dd>");
    page_each_service(w, put_service, w);
    page_put(w, "\n");
}

/* To trust what this edge serves; a fact of the home page alone. */
static void put_authority(struct page_writer *w)
{
    if (w->kind->status != 200)
        return;
    page_put(w,
             "<dt>Its authority<dd><a href=\"/v1/ca.pem\">ca.pem</a>, where it has one of its own: "
             "<code>linkup ca trust</code> installs it\n");
}

static void put_head(struct page_writer *w)
{
    page_put(w, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width\">\n"
                "<meta name=\"robots\" content=\"noindex\">\n<title>");
    page_put_number(w, (unsigned long)w->kind->status);
    page_put(w, " ");
    page_put_template(w, w->kind->title);
    page_put(w, "</title>\n<style>");
    page_put(w, style);
    page_put(w, "</style>\n");
}

void page_write_html(struct page_writer *w)
{
    w->escape = ESCAPE_HTML;
    put_head(w);
    page_put(w, "<main>\n<p class=\"status\">");
    page_put_number(w, (unsigned long)w->kind->status);
    page_put(w, " ");
    page_put(w, status_reason(w->kind->status));
    page_put(w, "\n<h1>");
    page_put_template(w, w->kind->title);
    page_put(w, "</h1>\n<p>");
    page_put_detail(w);
    page_put(w, "\n<p>");
    page_put_template(w, w->kind->advice);

    page_put(w, "\n<dl>\n");
    put_fact(w, "Host", w->facts->host);
    put_fact(w, "Session", page_session(w->facts));
    put_fact(w, "Owner", page_owner(w->facts));
    put_fact(w, "Service", page_service(w->facts));
    put_fact(w, "Backend", page_place(w->facts));
    put_services(w);
    put_authority(w);
    put_fact(w, "Request", w->facts->request_id);
    page_put(w, "</dl>\n</main>\n");
}
