#include "proxy/health/check.h"

#include "config/backend_url.h"
#include "core/mem.h"
#include "proxy/back/back.h"

/* --- the end ------------------------------------------------------------------------------------- */

static void end(struct check *c)
{
    struct exchange *x = c->x;
    c->x = NULL;
    deadline_off(c->proxy->conns.loop, &c->deadline);
    metrics_add(c->proxy->metrics, METRIC_EXCHANGES_OPEN, 1);
    exchange_done(x);
    back_forget(x); /* the next one sees whether it can be connected to */
}

static void conclude(struct check *c, enum health_outcome outcome, int status)
{
    c->finding.outcome = outcome;
    c->finding.status = status;
    end(c);
    c->done(c);
}

void check_cancel(struct check *c)
{
    if (c->x)
        end(c);
}

static void on_due(struct ev_loop *loop, struct deadline *d)
{
    (void)loop;
    conclude(CONTAINER_OF(d, struct check, deadline), HEALTH_SILENT, 0);
}

/* --- as a front ---------------------------------------------------------------------------------- */

static bool is_wanted(const struct config_health *how, int status)
{
    for (size_t i = 0; i < how->n_statuses; i++)
        if (status >= how->statuses[i].from && status <= how->statuses[i].to)
            return true;
    return how->n_statuses == 0 && status >= 200 && status <= 399;
}

static void on_head(struct exchange *x)
{
    struct check *c = x->front;
    int status = x->response.status;
    bool well = is_wanted(c->how, status);
    conclude(c, well ? HEALTH_WELL : HEALTH_STATUS, status);
}

static void on_interim(struct exchange *x, const struct response_head *h)
{
    (void)x;
    (void)h;
}

static void on_body(struct exchange *x)
{
    (void)x; /* over at the head */
}

static void on_failed(struct exchange *x, enum page_reason why)
{
    static const struct {
        enum page_reason why;
        enum health_outcome outcome;
    } outcomes[] = {
        {PAGE_BACK_REFUSED, HEALTH_REFUSED},     {PAGE_BACK_BROKE, HEALTH_BROKE},
        {PAGE_BACK_SILENT, HEALTH_SILENT},       {PAGE_BACK_NAME, HEALTH_NAME},
        {PAGE_BACK_UNTRUSTED, HEALTH_UNTRUSTED},
    };
    enum health_outcome outcome = HEALTH_OTHER;
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
        if (outcomes[i].why == why)
            outcome = outcomes[i].outcome;
    conclude(x->front, outcome, 0);
}

static struct span no_body(struct exchange *x, bool *ended)
{
    (void)x;
    *ended = true;
    return span_of(NULL, 0);
}

static void no_bytes(struct exchange *x, size_t n)
{
    (void)x;
    CHECK(n == 0);
}

/* For PROXY headers: a connection of our own, which is what they call LOCAL. */
static const struct addr *nowhere(struct exchange *x)
{
    static const struct addr none;
    (void)x;
    return &none;
}

static const struct front_ops check_ops = {
    .local = nowhere,
    .head = on_head,
    .interim = on_interim,
    .response_body = on_body,
    .abort = on_body,
    .failed = on_failed,
    .peek = no_body,
    .consume = no_bytes,
};

/* --- the start ----------------------------------------------------------------------------------- */

/* The backend as if it had this address only, with connections of its own. It is still called what it
 * is called. */
static void aim(struct check *c, const struct route_backend *b, const struct addr *at)
{
    size_t len;
    const uint8_t *ip = addr_ip_bytes(at, &len);
    uint64_t parts[2] = {b->hash, span_hash(span_of(ip, len))};
    c->backend.to = b->to;
    c->backend.to.host = addr_ip_text(at, c->host);
    c->backend.to.host_is_ip = true;
    c->backend.to.port = backend_connect(&b->to).port;
    c->backend.to.connect = (struct config_hostport){0};
    if (!b->to.tls_server_name)
        c->backend.to.tls_server_name = b->to.host;
    c->backend.hash = span_hash(span_of(parts, sizeof parts));
}

static void write_request(struct exchange *x, const struct image_service *s)
{
    struct request_head *h = &x->request;
    struct route_backend called = s->backend;
    struct route_result to = {.backend = &called};
    called.to.preserve_host = false; /* there is no client whose host it could be */
    h->method = METHOD_GET;
    h->method_text = SPAN_LIT("GET");
    h->scheme = s->backend.to.scheme == BACKEND_HTTPS ? SPAN_LIT("https") : SPAN_LIT("http");
    h->target = span_str(s->health->path);
    h->body = BODY_NONE;
    h->keep_alive = true;
    request_head_split_target(h);
    enum err e = fields_add_id(&h->fields, &x->arena, FIELD_USER_AGENT, SPAN_LIT("linkup-health"));
    CHECK(e == ERR_OK); /* the arena is new */
    e = fields_add_id(&h->fields, &x->arena, FIELD_ACCEPT, SPAN_LIT("*/*"));
    CHECK(e == ERR_OK);
    x->target = h->target;
    x->back_host = forward_host(h, &to, &x->arena);
    CHECK(x->back_host.p != NULL);
    h->authority = x->back_host;
}

void check_start(struct check *c, struct proxy *p, const struct image_service *s,
                 const struct addr *at, void (*done)(struct check *c))
{
    CHECK(!c->x);
    c->proxy = p;
    c->how = s->health;
    c->done = done;
    c->finding = (struct health_finding){.addr = *at};
    aim(c, &s->backend, at);
    c->x = exchange_new(p, &check_ops, c);
    c->x->uncounted = true;
    metrics_sub(p->metrics, METRIC_EXCHANGES_OPEN, 1); /* of clients' requests it is none */
    c->x->route.outcome = ROUTE_TO_BACKEND;
    c->x->route.backend = &c->backend;
    write_request(c->x, s);
    deadline_init(&c->deadline, on_due);
    deadline_set(p->conns.loop, &c->deadline, (double)c->how->timeout_ms / 1e3);
    back_start(c->x);
}
