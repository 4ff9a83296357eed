#include "cli/agent/agent_process.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/agent/agent_held.h"
#include "cli/agent/agent_log.h"
#include "cli/agent/agent_socket.h"
#include "cli/file_lock.h"
#include "cli/folders.h"
#include "core/fd.h"
#include "core/log.h"
#include "core/mem.h"

/* The one before is ending, or is being replaced. */
#define LOCK_WAIT_S 10
/* Who has started it says at once what for. */
#define IDLE_S 20.
#define LOG_LOOK_S 60.

struct process {
    struct ev_loop *loop;
    struct agent_files files;
    struct agent_held *held;
    struct agent_socket *socket;
    int lock;
    ev_signal term, intr;
    ev_timer idle, log_look;
    bool had_session;
};

enum exit_code agent_files_find(struct cli *c, bool make, struct agent_files *f)
{
    enum exit_code code = folder_runtime(c, "agent.sock", make, &f->socket);
    if (code == EXIT_DONE)
        code = folder_state(c, "agent.lock", make, &f->lock);
    if (code == EXIT_DONE)
        code = folder_state(c, "agent.json", make, &f->state);
    return code == EXIT_DONE ? folder_state(c, "agent.log", make, &f->log) : code;
}

static void end(struct process *p, const char *why)
{
    LOG(LOG_INFO, "agent_ending", LOG_S("why", why));
    ev_break(p->loop, EVBREAK_ALL);
}

static void on_signal(struct ev_loop *loop, ev_signal *s, int events)
{
    (void)loop, (void)events;
    end(s->data, "signal");
}

static void on_idle(struct ev_loop *loop, ev_timer *t, int events)
{
    (void)loop, (void)events;
    struct process *p = t->data;
    if (agent_held_is_empty(p->held))
        end(p, "no session");
}

static void on_log_look(struct ev_loop *loop, ev_timer *t, int events)
{
    (void)loop, (void)events;
    struct process *p = t->data;
    agent_log_bound(p->files.log);
}

static void on_changed(void *ctx)
{
    struct process *p = ctx;
    if (p->socket)
        agent_socket_tell(p->socket);
}

static void on_replace(void *ctx)
{
    end(ctx, "replaced");
}

static void on_done(void *ctx)
{
    struct process *p = ctx;
    bool empty = agent_held_is_empty(p->held);
    if (empty && p->had_session)
        end(p, "no session left");
    p->had_session = p->had_session || !empty;
}

/* --- life ----------------------------------------------------------------------------------------- */

static void watch(struct process *p)
{
    ev_signal_init(&p->term, on_signal, SIGTERM);
    ev_signal_init(&p->intr, on_signal, SIGINT);
    ev_timer_init(&p->idle, on_idle, IDLE_S, IDLE_S);
    ev_timer_init(&p->log_look, on_log_look, LOG_LOOK_S, LOG_LOOK_S);
    p->term.data = p->intr.data = p->idle.data = p->log_look.data = p;
    ev_signal_start(p->loop, &p->term);
    ev_signal_start(p->loop, &p->intr);
    ev_timer_start(p->loop, &p->idle);
    ev_timer_start(p->loop, &p->log_look);
}

static void unwatch(struct process *p)
{
    ev_signal_stop(p->loop, &p->term);
    ev_signal_stop(p->loop, &p->intr);
    ev_timer_stop(p->loop, &p->idle);
    ev_timer_stop(p->loop, &p->log_look);
}

static void tell_ready(const struct cli *c)
{
    int fd = AGENT_READY_FD;
    if (!args_has(&c->args, "ready"))
        return;
    (void)!write(fd, "1", 1); /* who waits sees the end of the pipe in any case */
    fd_close(&fd);
}

static enum exit_code listen_at(struct process *p, int *fd)
{
    enum err e = fd_listen_unix(p->files.socket, 0600, 64, fd);
    if (e == ERR_OK)
        return EXIT_DONE;
    LOG(LOG_ERROR, "cannot_listen", LOG_S("socket", p->files.socket),
        LOG_S("error", e == ERR_IO ? strerror(errno) : err_text(e)));
    return EXIT_INPUT;
}

static void run(struct cli *c, struct process *p, int fd)
{
    const struct agent_held_ops held_ops = {.ctx = p, .changed = on_changed};
    const struct agent_socket_ops socket_ops = {.ctx = p, .replace = on_replace, .done = on_done};
    p->held = agent_held_new(p->loop, p->files.state, &held_ops);
    p->had_session = !agent_held_is_empty(p->held);
    p->socket = agent_socket_new(p->loop, fd, p->held, &socket_ops);
    watch(p);
    LOG(LOG_INFO, "agent_ready", LOG_S("version", LINKUP_VERSION),
        LOG_S("socket", p->files.socket));
    tell_ready(c);
    ev_run(p->loop, 0);
    /* First the name: who comes now starts the next one, which waits for the lock. */
    (void)unlink(p->files.socket);
    unwatch(p);
    agent_socket_free(p->socket);
    agent_held_free(p->held);
}

static enum exit_code take_lock(struct process *p)
{
    enum err e = file_lock(p->files.lock, LOCK_WAIT_S, &p->lock);
    if (e == ERR_OK)
        e = file_lock_sign(p->lock);
    if (e == ERR_OK)
        return EXIT_DONE;
    LOG(LOG_ERROR, "no_lock", LOG_S("file", p->files.lock),
        LOG_S("error", e == ERR_TIMEOUT ? "another agent runs" : strerror(errno)));
    return EXIT_INPUT;
}

enum exit_code cmd_agent(struct cli *c)
{
    struct process p = {.lock = -1};
    int fd = -1;
    enum exit_code code = agent_files_find(c, true, &p.files);
    if (code != EXIT_DONE)
        return code;
    log_setup(LOG_INFO, false);
    log_never_wait();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    code = take_lock(&p);
    if (code == EXIT_DONE)
        code = listen_at(&p, &fd);
    if (code == EXIT_DONE) {
        p.loop = ev_default_loop(EVFLAG_AUTO);
        CHECK(p.loop);
        run(c, &p, fd);
        ev_loop_destroy(p.loop);
    }
    fd_close(&p.lock);
    return code;
}
