/* TLS that is not ours to read: a service marked `passthrough` is found by SNI alone, and the client's bytes
 * go to its backend as they came, the ClientHello first (RFC 6066 3, RFC 8446 4.1.2).
 *
 * BoringSSL reads the ClientHello, so that there is one reader of it, while the connection keeps what it
 * is made of; when the name is one to be passed through, TLS is taken off again before it has said
 * anything. A ClientHello is at most 16 KiB long, however it is cut into records and segments. The name
 * in an Encrypted Client Hello cannot be read: its outer name counts.
 *
 * There is no page to tell anything with: a session that does not live is unrecognized_name, a backend
 * that cannot be reached internal_error. */
#include "proxy/back/back_raw.h"
#include "proxy/front/front.h"
#include "proxy/steer.h"
#include "proxy/upgrade.h"

/* A fatal alert in clear, as TLS has it before there are keys (RFC 8446 5.1, 6): internal_error. */
static const char internal_error[] = {0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x50};

static void end(struct front *f, enum story_end why)
{
    struct exchange *x = f->raw.x;
    f->raw.x = NULL;
    if (x) {
        story_ends(&x->story, why);
        exchange_done(x);
    }
    front_close(f);
}

/* --- the exchange's side -------------------------------------------------------------------------- */

static void raw_response_body(struct exchange *x)
{
    struct front *f = x->front;
    for (;;) {
        bool ended = false;
        struct span s = exchange_peek(x, &ended);
        if (s.len == 0 && ended && !x->response_ended) {
            x->response_ended = true;
            conn_want_drained(&f->conn);
        }
        size_t room = s.len > 0 ? conn_room(&f->conn) : 0;
        if (room == 0)
            break;
        s = span_sub(s, 0, room);
        conn_write(&f->conn, s);
        exchange_consume(x, s.len);
    }
    if (x->response_ended && x->request_ended)
        conn_want_drained(&f->conn);
}

/* The backend is not there, or broke. */
static void raw_abort(struct exchange *x)
{
    struct front *f = x->front;
    if (x->response_bytes > 0 || f->conn.broken != ERR_OK) {
        end(f, END_UNSAID);
        return;
    }
    f->raw.x = NULL;
    exchange_done(x);
    conn_write(&f->conn, span_of(internal_error, sizeof internal_error));
    conn_want_drained(&f->conn);
    conn_deadline_ms(&f->conn, LINGER_MS);
}

static struct span raw_peek(struct exchange *x, bool *ended)
{
    struct front *f = x->front;
    *ended = f->conn.eof;
    return buf_span(&f->conn.in);
}

static void raw_consume(struct exchange *x, size_t n)
{
    struct front *f = x->front;
    conn_consume(&f->conn, n);
}

/* Nobody says anything in HTTP: there is no head, and no interim. */
static const struct front_ops raw_front_ops = {
    .response_body = raw_response_body,
    .abort = raw_abort,
    .peek = raw_peek,
    .consume = raw_consume,
    .local = front_exchange_local,
};

/* --- events -------------------------------------------------------------------------------------- */

static void on_input(struct conn *c)
{
    struct front *f = front_of(c);
    if (f->lingering) {
        if (front_lingers_out(f))
            front_close(f);
    } else if (f->raw.x) {
        exchange_request_body(f->raw.x);
    }
}

static void on_room(struct conn *c)
{
    struct front *f = front_of(c);
    if (f->raw.x)
        raw_response_body(f->raw.x);
}

static void on_drained(struct conn *c)
{
    struct front *f = front_of(c);
    struct exchange *x = f->raw.x;
    if (!x)
        front_linger(f); /* the alert has gone */
    else if (x->request_ended)
        end(f, END_UNSAID);
    else
        conn_shutdown_write(c);
}

static void on_deadline(struct conn *c)
{
    end(front_of(c), END_UNSAID);
}

static void on_broken(struct conn *c, enum err why)
{
    (void)why;
    end(front_of(c), END_CLIENT_GONE);
}

static const struct conn_ops raw_conn_ops = {
    .on_input = on_input,
    .on_room = on_room,
    .on_drained = on_drained,
    .on_deadline = on_deadline,
    .on_broken = on_broken,
};

/* It ends when it ends: there is nothing to say to either side. */
static void raw_drain(struct front_link *l)
{
    (void)l;
}

static void raw_kill(struct front_link *l)
{
    end(CONTAINER_OF(l, struct front, link), END_DRAIN);
}

/* --- start --------------------------------------------------------------------------------------- */

enum cert_claim front_raw_claims(struct cert_waiter *w, struct span host)
{
    struct front *f = CONTAINER_OF(w, struct front, waiter);
    struct exchange *x;
    struct route_result r;
    switch (route_passthrough(f->proxy->table, host, &r)) {
    case PASSTHROUGH_NOT:
        conn_forget_hello(&f->conn);
        return CERT_CLAIM_NONE;
    case PASSTHROUGH_UNKNOWN:
        return CERT_CLAIM_UNKNOWN;
    case PASSTHROUGH:
        break;
    }
    f->raw.x = x = front_new_exchange(f, &raw_front_ops);
    memcpy(x->host_storage, host.p, host.len); /* at most 253 bytes, as a name is */
    x->host = span_of(x->host_storage, host.len);
    /* The names of the result point into the host. */
    enum route_passthrough again = route_passthrough(f->proxy->table, x->host, &x->route);
    CHECK(again == PASSTHROUGH);
    return CERT_CLAIM_TAKEN;
}

/* The handshake was suspended; if it is for a claim, it is over. */
void front_raw_open(struct front *f)
{
    struct exchange *x = f->raw.x;
    if (!x)
        return;
    front_handshake_ends(f);
    f->conn.ops = &raw_conn_ops;
    f->link.drain = raw_drain;
    f->link.kill = raw_kill;
    conn_deadline_off(&f->conn);
    conn_shed_tls(&f->conn);
    x->passed = x->routed = x->head_sent = true;
    x->tls = NULL; /* it is the backend's, which knows */
    x->tls_resumed = false;
    story_mark(&x->story, MOMENT_ROUTED);
    if (x->route.session) {
        session_entry_pin(x->route.session);
        x->session = x->route.session;
        steer_session_used(x);
    }
    upgrade_begin(x);
    back_raw_start(x);
}
