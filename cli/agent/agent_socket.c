#include "cli/agent/agent_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/fd.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"

#define CLIENTS_MAX 64
#define REQUEST_S 10. /* who has connected says what it wants within so long */
#define ANSWER_MAX ((size_t)2 << 20)

struct client {
    struct client *next, **prev;
    struct agent_socket *socket;
    int fd;
    ev_io readable, writable;
    struct deadline deadline;
    struct buf in, out;
    bool watches, stale; /* stale: it is to be told of a change */
    bool over;           /* to be closed when all is written */
};

struct agent_socket {
    struct ev_loop *loop;
    struct agent_held *held;
    struct agent_socket_ops ops;
    int fd;
    ev_io acceptable;
    ev_timer news; /* runs once what has changed has settled */
    struct client *clients;
    size_t n_clients;
};

/* --- one client ----------------------------------------------------------------------------------- */

static void client_free(struct client *k)
{
    struct agent_socket *s = k->socket;
    ev_io_stop(s->loop, &k->readable);
    ev_io_stop(s->loop, &k->writable);
    deadline_off(s->loop, &k->deadline);
    fd_close(&k->fd);
    buf_deinit(&k->in);
    buf_deinit(&k->out);
    *k->prev = k->next;
    if (k->next)
        k->next->prev = k->prev;
    s->n_clients--;
    mem_free(k);
}

/* J's reference is taken. What does not fit ends the client: it does not read. */
static void say(struct client *k, json_t *j)
{
    char *text = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    CHECK(text);
    if (buf_append(&k->out, span_str(text)) != ERR_OK ||
        buf_append(&k->out, SPAN_LIT("\n")) != ERR_OK)
        k->over = true;
    free(text);
}

/* False: it is gone. */
static bool flush(struct client *k)
{
    while (buf_len(&k->out) > 0) {
        struct span s = buf_span(&k->out);
        ssize_t n = send(k->fd, s.p, s.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            buf_consume(&k->out, (size_t)n);
            continue;
        }
        if (errno == EAGAIN) {
            ev_io_start(k->socket->loop, &k->writable);
            return true;
        }
        client_free(k);
        return false;
    }
    ev_io_stop(k->socket->loop, &k->writable);
    if (!k->over)
        return true;
    client_free(k);
    return false;
}

/* Who does not take what there was is told once it has. */
static bool tell(struct client *k)
{
    if (buf_len(&k->out) > 0) {
        k->stale = true;
        return true;
    }
    k->stale = false;
    say(k, agent_held_status(k->socket->held));
    return flush(k);
}

/* --- requests ------------------------------------------------------------------------------------- */

static void say_done(struct client *k)
{
    say(k, json_pack("{s:b}", "ok", 1));
}

static void set(struct client *k, const struct agent_request *r)
{
    char *why = NULL;
    if (agent_held_set(k->socket->held, r, &why) == ERR_OK)
        say_done(k);
    else
        say(k, json_pack("{s:s}", "error", why ? why : "not taken"));
    mem_free(why);
}

static void act(struct client *k, const struct agent_request *r)
{
    struct agent_socket *s = k->socket;
    switch (r->verb) {
    case AGENT_SET:
        set(k, r);
        return;
    case AGENT_DROP:
        agent_held_drop(s->held, r);
        say_done(k);
        return;
    case AGENT_WATCH:
        k->watches = true;
        deadline_off(s->loop, &k->deadline);
        say(k, agent_held_status(s->held));
        return;
    case AGENT_STATUS:
        say(k, agent_held_status(s->held));
        return;
    case AGENT_REPLACE:
        say_done(k);
        return;
    }
}

static void take_line(struct client *k, struct span line)
{
    struct agent_socket *s = k->socket;
    struct agent_request r;
    char why[AGENT_WHY_TEXT];
    if (!k->watches)
        deadline_set(s->loop, &k->deadline, REQUEST_S);
    enum err e = agent_request_parse(line, &r, why);
    if (e == ERR_OK)
        act(k, &r);
    else
        say(k, json_pack("{s:s}", "error", why));
    bool replace = e == ERR_OK && r.verb == AGENT_REPLACE;
    agent_request_deinit(&r);
    (void)flush(k);
    if (replace)
        s->ops.replace(s->ops.ctx);
    s->ops.done(s->ops.ctx);
}

/* One line a call: a client that answering has freed is not looked at again. */
static bool take_one(struct client *k)
{
    struct span held = buf_span(&k->in);
    ptrdiff_t end = span_chr(held, '\n');
    if (end < 0)
        return false;
    char *line = mem_strndup(held.p, (size_t)end);
    buf_consume(&k->in, (size_t)end + 1);
    take_line(k, span_of(line, (size_t)end));
    mem_wipe(line, (size_t)end);
    mem_free(line);
    return true;
}

static bool lives(const struct agent_socket *s, const struct client *k)
{
    const struct client *at = s->clients;
    while (at && at != k)
        at = at->next;
    return at != NULL;
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
    (void)loop, (void)events;
    struct client *k = io->data;
    struct agent_socket *s = k->socket;
    size_t room;
    char *p = buf_reserve(&k->in, 1, &room);
    ssize_t n = p ? recv(k->fd, p, room, MSG_DONTWAIT) : 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        client_free(k);
        return;
    }
    buf_commit(&k->in, (size_t)n);
    while (lives(s, k) && take_one(k))
        ;
}

static void on_writable(struct ev_loop *loop, ev_io *io, int events)
{
    (void)loop, (void)events;
    struct client *k = io->data;
    if (flush(k) && k->stale)
        (void)tell(k);
}

static void on_deadline(struct ev_loop *loop, struct deadline *d)
{
    (void)loop;
    client_free(CONTAINER_OF(d, struct client, deadline));
}

/* --- clients come --------------------------------------------------------------------------------- */

static bool is_ours(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

static void greet(struct client *k)
{
    say(k, json_pack("{s:s, s:i}", "agent", LINKUP_VERSION, "pid", (int)getpid()));
    (void)flush(k);
}

static void client_new(struct agent_socket *s, int fd)
{
    struct client *k = NEW(struct client);
    k->socket = s;
    k->fd = fd;
    buf_init(&k->in, AGENT_LINE_MAX);
    buf_init(&k->out, ANSWER_MAX);
    ev_io_init(&k->readable, on_readable, fd, EV_READ);
    ev_io_init(&k->writable, on_writable, fd, EV_WRITE);
    k->readable.data = k->writable.data = k;
    ev_io_start(s->loop, &k->readable);
    deadline_init(&k->deadline, on_deadline);
    deadline_set(s->loop, &k->deadline, REQUEST_S);
    k->next = s->clients;
    k->prev = &s->clients;
    if (k->next)
        k->next->prev = &k->next;
    s->clients = k;
    s->n_clients++;
    greet(k);
}

static void on_acceptable(struct ev_loop *loop, ev_io *io, int events)
{
    (void)loop, (void)events;
    struct agent_socket *s = io->data;
    int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    if (is_ours(fd) && s->n_clients < CLIENTS_MAX) {
        client_new(s, fd);
        return;
    }
    LOG(LOG_WARN, "peer_refused", LOG_U("clients", s->n_clients));
    fd_close(&fd);
}

/* --- changes -------------------------------------------------------------------------------------- */

static void on_news(struct ev_loop *loop, ev_timer *t, int events)
{
    (void)loop, (void)events;
    struct agent_socket *s = t->data;
    struct client *next;
    for (struct client *k = s->clients; k; k = next) {
        next = k->next;
        if (k->watches)
            (void)tell(k);
    }
}

void agent_socket_tell(struct agent_socket *s)
{
    ev_timer_start(s->loop, &s->news);
}

struct agent_socket *agent_socket_new(struct ev_loop *loop, int fd, struct agent_held *held,
                                      const struct agent_socket_ops *ops)
{
    struct agent_socket *s = NEW(struct agent_socket);
    s->loop = loop;
    s->fd = fd;
    s->held = held;
    s->ops = *ops;
    ev_io_init(&s->acceptable, on_acceptable, fd, EV_READ);
    s->acceptable.data = s;
    ev_io_start(loop, &s->acceptable);
    ev_timer_init(&s->news, on_news, 0., 0.);
    s->news.data = s;
    return s;
}

void agent_socket_free(struct agent_socket *s)
{
    ev_timer_stop(s->loop, &s->news);
    ev_io_stop(s->loop, &s->acceptable);
    while (s->clients)
        client_free(s->clients);
    fd_close(&s->fd);
    mem_free(s);
}
