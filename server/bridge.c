#include "server/bridge.h"

#include "core/mem.h"
#include "server/tunnels.h"

#define FIELDS_OF_ANSWER 16

/* One call on its way. The worker's half and control's half are each touched by their thread only; the
 * request's strings are written before control sees them. The worker frees it, when the end has come
 * from control and no cancellation is under way. */
struct bridge {
    /* the worker's */
    struct edge_worker *worker;
    struct local_call *call; /* NULL: the client has gone */
    bool ended, cancelling;

    /* control's */
    struct api_call api;
    bool answered;

    struct mail start, cancel;
    struct arena strings;
    struct buf body;
};

enum piece_kind { PIECE_HEAD, PIECE_DATA, PIECE_END, PIECE_HAND_OVER, PIECE_CANCELLED };

/* A part of the answer, from control to the worker. */
struct piece {
    struct mail mail;
    struct bridge *bridge;
    enum piece_kind kind;
    int status;
    uint64_t tunnel; /* PIECE_HAND_OVER */
    size_t n_fields;
    struct local_field fields[FIELDS_OF_ANSWER];
    struct arena strings;
    struct span data;
};

/* --- the worker's side --------------------------------------------------------------------------- */

static void maybe_free(struct bridge *b)
{
    if (!b->ended || b->cancelling)
        return;
    arena_deinit(&b->strings);
    buf_deinit(&b->body);
    mem_free(b);
}

static void pass_data(struct bridge *b, struct span data)
{
    struct local_call *call = b->call;
    if (local_call_data(call, data) == ERR_OK || b->call != call)
        return;
    /* The client does not read: the answer is broken off, and control told. */
    bridge_cancel(call);
    local_call_abort(call);
}

/* The connection that the call came by becomes a tunnel, if it is still there. */
static void hand_over(struct bridge *b, const struct piece *p)
{
    struct tunnel_arrival arrival = {.worker = b->worker, .id = p->tunnel};
    struct local_call *call = b->call;
    b->ended = true;
    b->call = NULL;
    if (call) {
        call->state = NULL;
        if (local_call_hand_over(call, p->fields, p->n_fields, tunnels_arrive, &arrival))
            return;
        local_call_abort(call);
    }
    tunnels_missed(b->worker, p->tunnel);
}

static void take_piece(struct mail *m, void *ctx)
{
    (void)ctx;
    struct piece *p = CONTAINER_OF(m, struct piece, mail);
    struct bridge *b = p->bridge;
    switch (p->kind) {
    case PIECE_HEAD:
        if (b->call)
            local_call_head(b->call, p->status, p->fields, p->n_fields);
        break;
    case PIECE_DATA:
        if (b->call)
            pass_data(b, p->data);
        break;
    case PIECE_END:
        b->ended = true;
        if (b->call) {
            struct local_call *call = b->call;
            b->call = NULL;
            call->state = NULL;
            local_call_end(call);
        }
        break;
    case PIECE_HAND_OVER:
        hand_over(b, p);
        break;
    case PIECE_CANCELLED:
        b->cancelling = false;
        b->ended = true;
        break;
    }
    arena_deinit(&p->strings);
    mem_free(p);
    maybe_free(b);
}

/* --- control's side ------------------------------------------------------------------------------ */

static struct piece *new_piece(struct bridge *b, enum piece_kind kind, size_t strings_max)
{
    struct piece *p = NEW(struct piece);
    p->bridge = b;
    p->kind = kind;
    p->mail.deliver = take_piece;
    arena_init(&p->strings, NULL, 0, strings_max + 4096);
    return p;
}

static void post_piece(struct piece *p)
{
    edge_worker_post(p->bridge->worker, &p->mail);
}

static struct span copy(struct arena *a, struct span s)
{
    struct span c = arena_copy(a, s);
    CHECK(c.p); /* the arena was made for it */
    return c;
}

static struct piece *new_head(struct bridge *b, enum piece_kind kind,
                              const struct api_field *fields, size_t n)
{
    CHECK(n <= FIELDS_OF_ANSWER);
    size_t size = 0;
    for (size_t i = 0; i < n; i++)
        size += strlen(fields[i].name) + strlen(fields[i].value);
    struct piece *p = new_piece(b, kind, size * 2);
    p->n_fields = n;
    for (size_t i = 0; i < n; i++) {
        p->fields[i].name = copy(&p->strings, span_str(fields[i].name));
        p->fields[i].value = copy(&p->strings, span_str(fields[i].value));
    }
    return p;
}

static void on_head(struct api_call *c, int status, const struct api_field *fields, size_t n)
{
    struct piece *p = new_head(CONTAINER_OF(c, struct bridge, api), PIECE_HEAD, fields, n);
    p->status = status;
    post_piece(p);
}

static void on_hand_over(struct api_call *c, const struct api_field *fields, size_t n, uint64_t id)
{
    struct bridge *b = CONTAINER_OF(c, struct bridge, api);
    struct piece *p = new_head(b, PIECE_HAND_OVER, fields, n);
    p->tunnel = id;
    b->answered = true;
    post_piece(p);
}

struct edge_worker *bridge_worker(struct api_call *call)
{
    return CONTAINER_OF(call, struct bridge, api)->worker;
}

static void on_data(struct api_call *c, struct span bytes)
{
    struct bridge *b = CONTAINER_OF(c, struct bridge, api);
    struct piece *p = new_piece(b, PIECE_DATA, bytes.len * 2);
    p->data = copy(&p->strings, bytes);
    post_piece(p);
}

static void on_end(struct api_call *c)
{
    struct bridge *b = CONTAINER_OF(c, struct bridge, api);
    b->answered = true;
    post_piece(new_piece(b, PIECE_END, 0));
}

static void start(struct mail *m, void *ctx)
{
    struct control *c = ctx;
    api_handle(c->api, &CONTAINER_OF(m, struct bridge, start)->api);
}

static void cancel(struct mail *m, void *ctx)
{
    (void)ctx;
    struct bridge *b = CONTAINER_OF(m, struct bridge, cancel);
    if (!b->answered)
        api_cancel(&b->api);
    b->answered = true;
    post_piece(new_piece(b, PIECE_CANCELLED, 0));
}

/* --- from the worker's proxy --------------------------------------------------------------------- */

static struct span field_of(struct bridge *b, const struct request_head *h, enum field_id id)
{
    const struct field *f = fields_find(&h->fields, id);
    return f ? copy(&b->strings, f->value) : span_of(NULL, 0);
}

/* Of one that has no number of its own; the first line counts. */
static struct span field_named(struct bridge *b, const struct request_head *h, struct span name)
{
    for (size_t i = 0; i < h->fields.n; i++)
        if (span_eq(h->fields.v[i].name, name))
            return copy(&b->strings, h->fields.v[i].value);
    return span_of(NULL, 0);
}

static void fill_request(struct bridge *b, const struct request_head *h)
{
    b->api.method = copy(&b->strings, h->method_text);
    b->api.target = copy(&b->strings, h->target);
    b->api.authorization = field_of(b, h, FIELD_AUTHORIZATION);
    b->api.if_match = field_of(b, h, FIELD_IF_MATCH);
    b->api.content_type = field_of(b, h, FIELD_CONTENT_TYPE);
    b->api.accept = field_of(b, h, FIELD_ACCEPT);
    b->api.last_event_id = field_of(b, h, FIELD_LAST_EVENT_ID);
    b->api.upgrade = field_of(b, h, FIELD_UPGRADE);
    if (b->api.upgrade.len > 0) {
        b->api.tunnel_agent = field_named(b, h, SPAN_LIT("linkup-agent"));
        b->api.tunnel_sessions = field_named(b, h, SPAN_LIT("linkup-sessions"));
    }
}

void bridge_call(struct edge_worker *w, bool admin_peer, struct local_call *call)
{
    struct bridge *b = NEW(struct bridge);
    b->worker = w;
    b->call = call;
    call->state = b;
    arena_init(&b->strings, NULL, 0, (HEAD_MAX + TARGET_MAX) * 2);
    /* The body moves over: it is not the call's any more. */
    b->body = call->body;
    buf_init(&call->body, LOCAL_BODY_MAX);
    fill_request(b, call->request);
    b->api.body = buf_span(&b->body);
    b->api.admin_peer = admin_peer;
    b->api.head = on_head;
    b->api.data = on_data;
    b->api.end = on_end;
    b->api.hand_over = on_hand_over;
    b->start.deliver = start;
    mailbox_post(&w->control->mailbox, &b->start);
}

void bridge_cancel(struct local_call *call)
{
    struct bridge *b = call->state;
    if (!b)
        return;
    call->state = NULL;
    b->call = NULL;
    if (b->ended)
        return;
    b->cancelling = true;
    b->cancel.deliver = cancel;
    mailbox_post(&b->worker->control->mailbox, &b->cancel);
}
