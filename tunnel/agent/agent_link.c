#include "tunnel/agent/agent_parts.h"

/* --- dialling ------------------------------------------------------------------------------------ */

static const char *words_of(enum page_reason why)
{
    switch (why) {
    case PAGE_BACK_NAME:
        return "the edge's name has no address";
    case PAGE_BACK_UNTRUSTED:
        return "the edge's certificate is not trusted here (linkup ca trust)";
    case PAGE_BACK_SILENT:
        return "the edge does not answer";
    default:
        return "the edge cannot be connected to";
    }
}

static void on_opened(struct dial *d, enum back_protocol spoken)
{
    (void)spoken; /* only HTTP/1.1 was offered */
    agent_ask(CONTAINER_OF(d, struct agent_link, dial));
}

static void on_failed(struct dial *d, enum page_reason why)
{
    agent_link_failed(CONTAINER_OF(d, struct agent_link, dial), LINK_UNREACHED, span_of(NULL, 0),
                      words_of(why));
}

static const struct dial_ops dial_ops = {.opened = on_opened, .failed = on_failed};

/* --- once it is a tunnel ------------------------------------------------------------------------- */

static void on_leaving(struct front_watch *w)
{
    agent_link_leaving(CONTAINER_OF(w, struct agent_link, watch));
}

static void on_closed(struct front_watch *w)
{
    struct agent_link *l = CONTAINER_OF(w, struct agent_link, watch);
    l->front = NULL;
    agent_link_closed(l);
}

/* --- life ---------------------------------------------------------------------------------------- */

struct agent_link *agent_link_start(struct agent *a, const char *set)
{
    struct agent_link *l = NEW(struct agent_link);
    l->agent = a;
    l->watch = (struct front_watch){.leaving = on_leaving, .closed = on_closed};
    snprintf(l->set, sizeof l->set, "%s", set);
    l->next = a->links;
    l->prev = &a->links;
    if (l->next)
        l->next->prev = &l->next;
    a->links = l;
    l->dial.h1_only = true;
    dial_start(&l->dial, a->proxy, &dial_ops, &a->edge, &a->endpoints, NULL);
    return l;
}

static void free_link(struct turn_item *i)
{
    mem_free(CONTAINER_OF(i, struct agent_link, reap));
}

void agent_link_end(struct agent_link *l)
{
    enum link_stage was = l->stage;
    if (was == LINK_OVER)
        return;
    l->stage = LINK_OVER;
    if (was == LINK_DIALLING)
        dial_end(&l->dial);
    if (was == LINK_ASKING)
        conn_close(&l->conn);
    if (l->front) {
        l->front->watch = NULL;
        l->front->link.kill(&l->front->link);
        l->front = NULL;
    }
    *l->prev = l->next;
    if (l->next)
        l->next->prev = l->prev;
    l->reap.run = free_link;
    turn_reap(&l->agent->proxy->conns.turn, &l->reap);
}
