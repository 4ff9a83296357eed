#include "tunnel/agent/agent_parts.h"

/* For the whole answer. */
#define ANSWER_MS 15000

static struct agent_link *link_of(struct conn *c)
{
    return CONTAINER_OF(c, struct agent_link, conn);
}

static void unreached(struct agent_link *l, const char *why)
{
    agent_link_failed(l, LINK_UNREACHED, span_of(NULL, 0), why);
}

/* --- the answer ---------------------------------------------------------------------------------- */

static void open_tunnel(struct agent_link *l)
{
    static const struct addr nowhere = {.len = sizeof(struct sockaddr)};
    conn_consume(&l->conn, l->answer.head_len);
    conn_deadline_off(&l->conn);
    l->stage = LINK_UP;
    agent_link_up(l);
    front_adopt(l->agent->proxy, &l->conn, LISTEN_TUNNEL, &nowhere, &l->watch, &l->front);
}

static void on_input(struct conn *c)
{
    struct agent_link *l = link_of(c);
    struct agent_answer *a = &l->answer;
    agent_answer_read(a, buf_span(&c->in), c->eof);
    if (a->kind == ANSWER_TUNNEL)
        open_tunnel(l);
    else if (a->kind == ANSWER_NONE)
        agent_link_failed(l, a->failure, span_str(a->session), a->why);
}

static void on_nothing(struct conn *c)
{
    (void)c;
}

static void on_deadline(struct conn *c)
{
    unreached(link_of(c), "the edge does not answer");
}

static void on_broken(struct conn *c, enum err why)
{
    (void)why;
    unreached(link_of(c), "the connection to the edge broke");
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
