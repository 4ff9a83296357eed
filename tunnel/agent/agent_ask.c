#include "tunnel/agent/agent_parts.h"

#include <jansson.h>

#include "proxy/h1/parse.h"

/* For the whole answer. */
#define ANSWER_MS 15000
/* An answer that is no tunnel is a problem document; what is longer is none. */
#define ANSWER_MAX (64 * 1024)

static struct agent_link *link_of(struct conn *c)
{
    return CONTAINER_OF(c, struct agent_link, conn);
}

static void fail(struct agent_link *l, enum link_failure what, const char *why)
{
    agent_link_failed(l, what, span_of(NULL, 0), why);
}

/* --- what was refused ---------------------------------------------------------------------------- */

/* RFC 9457: what the edge says of it. */
static void read_detail(struct span body, char out[AGENT_WHY_MAX], int status)
{
    json_t *problem = json_loadb(body.p, body.len, JSON_REJECT_DUPLICATES, NULL);
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    if (detail)
        snprintf(out, AGENT_WHY_MAX, "%s", detail);
    else
        snprintf(out, AGENT_WHY_MAX, "the edge answers %d", status);
    for (char *p = out; *p; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
    json_decref(problem);
}

static enum link_failure judge(int status)
{
    bool final = status >= 400 && status < 500 && status != 408 && status != 421 && status != 429;
    return final ? LINK_REFUSED : LINK_LATER;
}

static void refused(struct agent_link *l, const struct response_head *h, struct span body)
{
    char why[AGENT_WHY_MAX];
    read_detail(body, why, h->status);
    const struct field *f = fields_find(&h->fields, FIELD_LINKUP_SESSION);
    agent_link_failed(l, judge(h->status), f ? f->value : span_of(NULL, 0), why);
}

/* --- the answer ---------------------------------------------------------------------------------- */

static bool is_tunnel(const struct response_head *h)
{
    const struct field *f = fields_find(&h->fields, FIELD_UPGRADE);
    return h->status == 101 && f && span_eq_nocase(f->value, SPAN_LIT(AGENT_PROTOCOL));
}

/* Whether all of the refusal's body has come. */
static bool is_whole(const struct agent_link *l, const struct response_head *h, size_t came)
{
    if (h->body == BODY_LENGTH)
        return came >= h->content_length;
    return h->body == BODY_NONE || l->conn.eof;
}

static void open_tunnel(struct agent_link *l, size_t head_len)
{
    static const struct addr nowhere = {.len = sizeof(struct sockaddr)};
    conn_consume(&l->conn, head_len);
    conn_deadline_off(&l->conn);
    l->stage = LINK_UP;
    agent_link_up(l);
    front_adopt(l->agent->proxy, &l->conn, LISTEN_TUNNEL, &nowhere, &l->watch, &l->front);
}

static void take_head(struct agent_link *l, size_t len, struct arena *arena)
{
    struct response_head h;
    struct h1_fault fault = {0};
    struct span in = buf_span(&l->conn.in);
    if (h1_parse_response(span_sub(in, 0, len), METHOD_GET, arena, &h, &fault) != ERR_OK) {
        fail(l, LINK_LATER, "what answers is no edge: it does not speak HTTP");
        return;
    }
    if (is_tunnel(&h)) {
        open_tunnel(l, len);
        return;
    }
    if (h.status < 200) {
        fail(l, LINK_LATER, "what answers is no edge: it switches to another protocol");
        return;
    }
    if (is_whole(l, &h, in.len - len) || in.len > ANSWER_MAX)
        refused(l, &h, span_from(in, len));
    else if (l->conn.eof)
        fail(l, LINK_UNREACHED, "the edge broke off its answer");
    /* else the rest is awaited, and the head read again with it: it is short */
}

static void on_input(struct conn *c)
{
    struct agent_link *l = link_of(c);
    struct h1_fault fault = {0};
    struct arena arena;
    size_t len = 0, scanned = 0;
    enum err e = h1_find_head(buf_span(&c->in), &scanned, &len, &fault);
    if (e == ERR_AGAIN) {
        if (c->eof)
            fail(l, LINK_UNREACHED, "the edge closed the connection");
        return;
    }
    if (e != ERR_OK) {
        fail(l, LINK_LATER, "what answers is no edge: it does not speak HTTP");
        return;
    }
    arena_init(&arena, NULL, 0, 2 * HEAD_MAX);
    take_head(l, len, &arena);
    arena_deinit(&arena);
}

static void on_nothing(struct conn *c)
{
    (void)c;
}

static void on_deadline(struct conn *c)
{
    fail(link_of(c), LINK_UNREACHED, "the edge does not answer");
}

static void on_broken(struct conn *c, enum err why)
{
    (void)why;
    fail(link_of(c), LINK_UNREACHED, "the connection to the edge broke");
}

static const struct conn_ops asking_ops = {
    .on_input = on_input,
    .on_room = on_nothing,
    .on_deadline = on_deadline,
    .on_broken = on_broken,
};

/* --- the request --------------------------------------------------------------------------------- */

void agent_ask(struct agent_link *l)
{
    struct agent *a = l->agent;
    struct buf out;
    conn_move(&l->conn, &l->dial.conn, &asking_ops);
    dial_end(&l->dial);
    l->stage = LINK_ASKING;
    buf_init(&out, HEAD_MAX);
    enum err e = buf_printf(&out,
                            "GET /v1/tunnel HTTP/1.1\r\nhost: " SPAN_FMT "\r\n"
                            "authorization: Bearer %s\r\n"
                            "connection: upgrade\r\nupgrade: " AGENT_PROTOCOL "\r\n"
                            "linkup-agent: %s\r\nlinkup-sessions: %s\r\n\r\n",
                            SPAN_ARG(a->host), a->token, a->id, l->set);
    CHECK(e == ERR_OK); /* each part has its limit */
    conn_write(&l->conn, buf_span(&out));
    mem_wipe((char *)buf_span(&out).p, buf_len(&out)); /* the token */
    buf_deinit(&out);
    conn_deadline_ms(&l->conn, ANSWER_MS);
}
