/* The answer for programs: RFC 9457. */
#include "proxy/page/page_writer.h"

static void put_member(struct page_writer *w, const char *name, struct span value)
{
    if (value.len == 0)
        return;
    page_put(w, ",\"");
    page_put(w, name);
    page_put(w, "\":\"");
    page_put_value(w, value);
    page_put(w, "\"");
}

struct list {
    struct page_writer *w;
    const char *separator;
};

static void put_service(void *ctx, struct span name)
{
    struct list *l = ctx;
    page_put(l->w, l->separator);
    page_put(l->w, "\"");
    page_put_value(l->w, name);
    page_put(l->w, "\"");
    l->separator = ",";
}

static void put_services(struct page_writer *w)
{
    const struct route_result *r = w->facts->route;
    if (!r || r->outcome != ROUTE_UNKNOWN_SERVICE)
        return;
    struct list l = {w, ""};
    page_put(w, ",\"services\":[");
    page_each_service(w, put_service, &l);
    page_put(w, "]");
}

void page_write_json(struct page_writer *w)
{
    w->escape = ESCAPE_JSON;
    page_put(w, "{\"type\":\"urn:linkup:problem:");
    page_put(w, w->kind->slug);
    page_put(w, "\",\"title\":\"");
    page_put_template(w, w->kind->title);
    page_put(w, "\",\"status\":");
    page_put_number(w, (unsigned long)w->kind->status);
    page_put(w, ",\"detail\":\"");
    page_put_detail(w);
    page_put(w, "\",\"advice\":\"");
    page_put_template(w, w->kind->advice);
    page_put(w, "\"");

    put_member(w, "host", w->facts->host);
    put_member(w, "session", page_session(w->facts));
    put_member(w, "owner", page_owner(w->facts));
    put_member(w, "service", page_service(w->facts));
    put_member(w, "backend", page_place(w->facts));
    put_services(w);
    put_member(w, "request_id", w->facts->request_id);
    page_put(w, "}\n");
}
