#include "proxy/back/back_local.h"

#include "core/mem.h"
#include "proxy/head/date_field.h"
#include "proxy/page/own_answer.h"

/* Beyond this an answer that streams (events) has a client that does not read. */
#define STREAM_BACKLOG_MAX LOCAL_ANSWER_MAX

struct local_back {
    struct local_call call;
    struct exchange *x; /* NULL: the client has gone */
    struct turn_item reap;
    struct buf answer;
    bool asked, ended;
};

static void free_back(struct turn_item *i)
{
    struct local_back *b = CONTAINER_OF(i, struct local_back, reap);
    buf_deinit(&b->answer);
    buf_deinit(&b->call.body);
    mem_free(b);
}

static void reap_back(struct local_back *b)
{
    b->x->collects = false;
    b->reap.run = free_back;
    turn_reap(&b->x->proxy->conns.turn, &b->reap);
}

static void refuse(struct exchange *x, struct local_back *b)
{
    x->back_ops = NULL;
    reap_back(b);
    own_answer_page(x, PAGE_CONTENT_TOO_LARGE, NULL);
}

/* Some clients wait for it (RFC 9110 10.1.1), and there is nobody behind us to say it. */
static void say_continue(struct exchange *x)
{
    struct response_head h = {.status = 100};
    if (!x->request.expect_continue)
        return;
    x->request.expect_continue = false;
    exchange_interim(x, &h);
}

static void collect(struct exchange *x)
{
    struct local_back *b = x->back;
    bool end = false;
    while (!b->asked) {
        struct span s = exchange_request_peek(x, &end);
        if (s.len > 0) {
            if (buf_append(&b->call.body, s) != ERR_OK) {
                refuse(x, b);
                return;
            }
            exchange_request_consume(x, s.len);
            continue;
        }
        if (!end) {
            say_continue(x);
            return;
        }
        b->asked = true;
        x->collects = false;
        x->request_ended = true;
        x->proxy->hooks->local(x->proxy->hooks->ctx, x->kind, &b->call);
    }
}

static struct span local_peek(struct exchange *x, bool *end)
{
    struct local_back *b = x->back;
    *end = b->ended;
    return buf_span(&b->answer);
}

static void finish(struct exchange *x, struct local_back *b)
{
    exchange_back_finished(x);
    reap_back(b);
}

static void local_consume(struct exchange *x, size_t n)
{
    struct local_back *b = x->back;
    buf_consume(&b->answer, n);
    if (b->ended && buf_len(&b->answer) == 0)
        finish(x, b);
}

static void local_release(struct exchange *x)
{
    struct local_back *b = x->back;
    if (b->asked && !b->ended)
        x->proxy->hooks->local_cancel(x->proxy->hooks->ctx, &b->call);
    reap_back(b);
}

static const struct back_ops local_ops = {
    .request_body = collect,
    .peek = local_peek,
    .consume = local_consume,
    .release = local_release,
};

void back_local_start(struct exchange *x)
{
    struct local_back *b = NEW(struct local_back);
    b->x = x;
    b->call.request = &x->request;
    b->call.client = x->client;
    buf_init(&b->call.body, LOCAL_BODY_MAX);
    buf_init(&b->answer, STREAM_BACKLOG_MAX);
    x->back = b;
    x->back_ops = &local_ops;
    x->collects = true;
    x->upgrade = UPGRADE_NONE; /* none is offered here: RFC 9110 7.8 */
    if (x->request.body == BODY_LENGTH && x->request.content_length > LOCAL_BODY_MAX)
        refuse(x, b);
    else
        collect(x);
}

/* --- the server's side --------------------------------------------------------------------------- */

static void set_framing(struct response_head *h)
{
    const struct field *f = fields_find(&h->fields, FIELD_CONTENT_LENGTH);
    h->body = BODY_STREAM;
    if (f && span_to_u64(f->value, &h->content_length) == ERR_OK)
        h->body = BODY_LENGTH;
    if (h->status == 204)
        h->body = BODY_NONE;
    fields_remove(&h->fields, FIELD_CONTENT_LENGTH);
}

static void start_head(struct exchange *x, int status, const struct local_field *fields, size_t n)
{
    struct response_head *h = &x->response;
    memset(h, 0, sizeof *h);
    h->status = status;
    h->keep_alive = true;
    for (size_t i = 0; i < n; i++) {
        struct span name = arena_copy(&x->arena, fields[i].name);
        struct span value = arena_copy(&x->arena, fields[i].value);
        CHECK(name.p && value.p); /* our own fields: few and short */
        enum err e = fields_add(&h->fields, &x->arena, field_lookup(name), name, value);
        CHECK(e == ERR_OK);
    }
}

void local_call_head(struct local_call *c, int status, const struct local_field *fields, size_t n)
{
    struct exchange *x = CONTAINER_OF(c, struct local_back, call)->x;
    start_head(x, status, fields, n);
    enum err e = date_field_add(&x->response.fields, &x->arena);
    CHECK(e == ERR_OK);
    set_framing(&x->response);
    exchange_head(x);
}

bool local_call_hand_over(struct local_call *c, const struct local_field *fields, size_t n,
                          conn_taker *take, void *ctx)
{
    struct local_back *b = CONTAINER_OF(c, struct local_back, call);
    struct exchange *x = b->x;
    if (!x->front_ops->hand_over)
        return false;
    start_head(x, 101, fields, n);
    b->ended = true; /* should the front let go of X, nobody is to be told */
    if (x->front_ops->hand_over(x, take, ctx))
        return true;
    b->ended = false;
    return false;
}

enum err local_call_data(struct local_call *c, struct span bytes)
{
    struct local_back *b = CONTAINER_OF(c, struct local_back, call);
    TRY(buf_append(&b->answer, bytes));
    exchange_response_body(b->x);
    return ERR_OK;
}

void local_call_end(struct local_call *c)
{
    struct local_back *b = CONTAINER_OF(c, struct local_back, call);
    struct exchange *x = b->x;
    b->ended = true;
    if (exchange_bodyless(x))
        buf_clear(&b->answer);
    exchange_response_body(x);
    /* An empty rest was never consumed, so it is finished here. */
    if (!x->done && x->back == b && buf_len(&b->answer) == 0)
        finish(x, b);
}

void local_call_abort(struct local_call *c)
{
    struct local_back *b = CONTAINER_OF(c, struct local_back, call);
    struct exchange *x = b->x;
    reap_back(b);
    exchange_back_failed(x, PAGE_OVERLOADED);
}
