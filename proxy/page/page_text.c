/* The answer for a terminal. */
#include "proxy/page/page_writer.h"

static void put_fact(struct page_writer *w, const char *label, struct span value)
{
    if (value.len == 0)
        return;
    page_put(w, label);
    page_put_value(w, value);
    page_put(w, "\n");
}

static void put_service(void *ctx, struct span name)
{
    struct page_writer *w = ctx;
    page_put(w, " ");
    page_put_value(w, name);
}

void page_write_text(struct page_writer *w)
{
    w->escape = ESCAPE_TEXT;
    page_put_number(w, (unsigned long)w->kind->status);
    page_put(w, " ");
    page_put_template(w, w->kind->title);
    page_put(w, "\n\n");
    page_put_detail(w);
    page_put(w, "\n");
    page_put_template(w, w->kind->advice);
    page_put(w, "\n\n");

    put_fact(w, "host:     ", w->facts->host);
    put_fact(w, "session:  ", page_session(w->facts));
    put_fact(w, "owner:    ", page_owner(w->facts));
    put_fact(w, "service:  ", page_service(w->facts));
    put_fact(w, "backend:  ", page_place(w->facts));
    const struct route_result *r = w->facts->route;
    if (r && r->outcome == ROUTE_UNKNOWN_SERVICE) {
        page_put(w, "services:");
        page_each_service(w, put_service, w);
        page_put(w, "\n");
    }
    put_fact(w, "request:  ", w->facts->request_id);
}
