#include "proxy/page/own_answer.h"

#include "proxy/head/date_field.h"

static struct span own_peek(struct exchange *x, bool *end)
{
    *end = true;
    return buf_span(&x->own.body);
}

static void own_consume(struct exchange *x, size_t n)
{
    buf_consume(&x->own.body, n);
    if (buf_len(&x->own.body) == 0)
        exchange_back_finished(x);
}

static void own_request_body(struct exchange *x)
{
    (void)x; /* what is still sent is not asked for */
}

static void own_release(struct exchange *x)
{
    (void)x;
}

static const struct back_ops own_ops = {
    .request_body = own_request_body,
    .peek = own_peek,
    .consume = own_consume,
    .release = own_release,
};

/* Sends the head with what lies in own.body. */
static void send_own(struct exchange *x)
{
    struct response_head *h = &x->response;
    if (!fields_find(&h->fields, FIELD_DATE) && date_field_add(&h->fields, &x->arena) != ERR_OK)
        CHECK(x->arena.held > 0); /* full of what the client sent */
    h->body = BODY_LENGTH;
    h->content_length = buf_len(&x->own.body);
    if (h->status == 204)
        h->body = BODY_NONE;
    if (exchange_bodyless(x))
        buf_clear(&x->own.body);
    x->back_ops = &own_ops;
    exchange_head(x);
    if (!x->done)
        exchange_response_body(x);
}

/* A field of our own: the arena may be full of what the client sent, and then does without. */
static void add_field(struct exchange *x, enum field_id id, struct span value)
{
    if (fields_add_id(&x->response.fields, &x->arena, id, value) != ERR_OK)
        CHECK(x->arena.held > 0);
}

static void forward_own(struct exchange *x)
{
    if (!x->routed)
        return;
    struct forward_facts facts = exchange_facts(x, SPAN_LIT("linkup"));
    enum err e = forward_own_response(&x->response, &x->request, &facts, x->proxy->table,
                                      x->explain, &x->arena);
    if (e != ERR_OK)
        x->response.fields.n = 0;
}

static void start_response(struct exchange *x, int status)
{
    exchange_drop_back(x);
    memset(&x->response, 0, sizeof x->response);
    x->response.status = status;
    x->response.keep_alive = true;
    buf_clear(&x->own.body);
}

/* Whoever it came from makes the page for the client, who is his. */
static void tell_inner(struct exchange *x, enum page_reason why)
{
    start_response(x, page_status(why));
    x->story.page = (uint16_t)(why + 1);
    add_field(x, FIELD_LINKUP_TUNNEL_ERROR, span_str(page_slug(why)));
    send_own(x);
}

void own_answer_page(struct exchange *x, enum page_reason why, const char *detail)
{
    if (listen_is_inner(x->kind)) {
        tell_inner(x, why);
        return;
    }
    start_response(x, page_status(why));
    x->close_front = x->response.status == 400;
    x->story.page = (uint16_t)(why + 1);
    const struct field *accept = fields_find(&x->request.fields, FIELD_ACCEPT);
    const struct field *id = fields_find(&x->request.fields, FIELD_X_REQUEST_ID);
    struct page_facts facts = {
        .host = x->host.len ? x->host : x->request.authority,
        .route = x->routed ? &x->route : NULL,
        .table = x->proxy->table,
        .detail = detail,
        .request_id = id ? id->value : span_of(NULL, 0),
        .down_since_ms = x->down.since_ms,
        .down_why = x->down.why,
    };
    const char *type = "text/plain";
    if (page_write(why, &facts, accept ? accept->value : span_of(NULL, 0), &x->own.body, &type) !=
        ERR_OK)
        buf_clear(&x->own.body);
    add_field(x, FIELD_CONTENT_TYPE, span_str(type));
    add_field(x, FIELD_CACHE_CONTROL, SPAN_LIT("no-store"));
    if (x->response.status == 503)
        add_field(x, FIELD_RETRY_AFTER, SPAN_LIT("5"));
    forward_own(x);
    send_own(x);
}

void own_answer_redirect(struct exchange *x)
{
    char storage[256];
    struct span host;
    if (host_normalise(x->request.authority, storage, &host) != ERR_OK) {
        own_answer_page(x, PAGE_BAD_REQUEST, "The Host field is missing or is no host.");
        return;
    }
    uint16_t port = x->edge->image->config->public_https_port;
    bool v6 = span_chr(host, ':') >= 0 && host.p[0] != '[';
    struct span to;
    if (port == 443)
        to = arena_printf(&x->arena, "https://%s" SPAN_FMT "%s" SPAN_FMT, v6 ? "[" : "",
                          SPAN_ARG(host), v6 ? "]" : "", SPAN_ARG(x->request.target));
    else
        to = arena_printf(&x->arena, "https://%s" SPAN_FMT "%s:%u" SPAN_FMT, v6 ? "[" : "",
                          SPAN_ARG(host), v6 ? "]" : "", port, SPAN_ARG(x->request.target));
    if (!to.p) {
        own_answer_page(x, PAGE_TARGET_TOO_LONG, NULL);
        return;
    }
    start_response(x, 308);
    add_field(x, FIELD_LOCATION, to);
    add_field(x, FIELD_CONTENT_TYPE, SPAN_LIT("text/plain; charset=utf-8"));
    if (buf_printf(&x->own.body, "This is served over https: " SPAN_FMT "\n", SPAN_ARG(to)) !=
        ERR_OK)
        buf_clear(&x->own.body);
    send_own(x);
}

void own_answer_options(struct exchange *x)
{
    start_response(x, 204);
    add_field(x, FIELD_ALLOW, SPAN_LIT("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    forward_own(x);
    send_own(x);
}

void own_answer_preflight(struct exchange *x)
{
    start_response(x, 204);
    forward_own(x);
    send_own(x);
}
