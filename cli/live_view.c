#include "cli/live_view.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/carry.h"
#include "cli/edge.h"
#include "cli/here_status.h"
#include "cli/stop.h"
#include "core/fd.h"

#define VIEW_MEMORY ((size_t)64 << 20)

struct view {
    struct cli *c;
    const char *edge, *session; /* NULL: any */
    int signals;
    sigset_t mask;
    char last[256]; /* what was said last, in a pipe */
};

enum view_event { VIEW_NEWS, VIEW_RESIZED, VIEW_END, VIEW_AGENT_DIED };

/* --- drawing -------------------------------------------------------------------------------------- */

/* In a pipe a line when the state of a session is another. */
static void say_states(struct view *v, struct cli *c, const json_t *here)
{
    char text[sizeof v->last] = "";
    size_t i, len = 0;
    json_t *s;
    json_array_foreach(json_object_get(here, "sessions"), i, s)
    {
        const json_t *t = json_object_get(s, "tunnel");
        int n = snprintf(text + len, sizeof text - len, "%s\t%s\t%s\n", json_text(s, "session"),
                         json_text(t, "state"), json_text(t, "why"));
        if (n < 0 || (size_t)n >= sizeof text - len)
            break;
        len += (size_t)n;
    }
    if (strcmp(text, v->last) == 0)
        return;
    memcpy(v->last, text, sizeof text);
    fputs(text, c->out.file);
}

/* Everything that is made for it goes again: this may run for weeks. */
static void draw(struct view *v, const json_t *agent)
{
    struct cli part = *v->c;
    arena_init(&part.arena, NULL, 0, VIEW_MEMORY);
    part.kept = NULL;
    term_init(&part.out, v->c->out.file);
    json_t *here = here_status(&part, agent, v->edge, v->session);
    if (args_has(&part.args, "json")) {
        cli_print_json(&part, here);
    } else if (!part.out.tty) {
        say_states(v, &part, here);
    } else {
        fputs("\033[H\033[2J", part.out.file);
        here_print(&part, here);
        fprintf(part.out.file, "\n%sCtrl-C ends this%s\n", term_dim(&part.out),
                term_plain(&part.out));
    }
    fflush(part.out.file);
    cli_forget(&part);
}

/* --- waiting -------------------------------------------------------------------------------------- */

static bool watch_signals(struct view *v)
{
    sigset_t mine;
    sigemptyset(&mine);
    sigaddset(&mine, SIGINT);
    sigaddset(&mine, SIGTERM);
    sigaddset(&mine, SIGHUP);
    sigaddset(&mine, SIGWINCH);
    sigprocmask(SIG_BLOCK, &mine, &v->mask);
    v->signals = signalfd(-1, &mine, SFD_CLOEXEC | SFD_NONBLOCK);
    return v->signals >= 0;
}

static void unwatch_signals(struct view *v)
{
    fd_close(&v->signals);
    sigprocmask(SIG_SETMASK, &v->mask, NULL);
}

static enum view_event read_signal(struct view *v)
{
    struct signalfd_siginfo s;
    if (read(v->signals, &s, sizeof s) != (ssize_t)sizeof s)
        return VIEW_NEWS;
    return s.ssi_signo == SIGWINCH ? VIEW_RESIZED : VIEW_END;
}

/* The newest of the lines that have come, a new reference in *STATUS, which may stay NULL. */
static enum view_event next_event(struct view *v, struct agent_client *a, json_t **status)
{
    struct pollfd p[2] = {{.fd = a->fd, .events = POLLIN}, {.fd = v->signals, .events = POLLIN}};
    *status = NULL;
    if (poll(p, 2, -1) < 0)
        return VIEW_NEWS;
    if (p[1].revents)
        return read_signal(v);
    for (;;) {
        json_t *line = NULL;
        enum exit_code code = agent_client_next(v->c, a, 0, &line);
        if (code != EXIT_DONE) {
            json_decref(*status);
            *status = NULL;
            return VIEW_AGENT_DIED;
        }
        if (!line)
            return VIEW_NEWS;
        json_decref(*status);
        *status = line;
    }
}

/* Until it is ended, or the agent dies. */
static enum view_event follow(struct view *v, struct agent_client *a, const json_t *first)
{
    json_t *shown = json_deep_copy(first);
    enum view_event e = VIEW_NEWS;
    draw(v, shown);
    while (e != VIEW_END && e != VIEW_AGENT_DIED) {
        json_t *status;
        e = next_event(v, a, &status);
        if (status) {
            json_decref(shown);
            shown = status;
        }
        if (status || e == VIEW_RESIZED)
            draw(v, shown);
    }
    json_decref(shown);
    return e;
}

static enum exit_code watch(struct view *v, struct agent_client *a, enum view_event *end)
{
    json_t *first;
    enum exit_code code = agent_client_call(v->c, a, json_pack("{s:s}", "do", "watch"), &first);
    *end = VIEW_AGENT_DIED;
    if (code == EXIT_DONE)
        *end = follow(v, a, first);
    return code;
}

/* --- from outside --------------------------------------------------------------------------------- */

enum exit_code live_view_watch(struct cli *c, const char *session)
{
    struct view v = {.c = c, .session = session, .signals = -1};
    struct agent_client a;
    enum view_event end;
    enum exit_code code = agent_client_find(c, &a);
    if (code != EXIT_DONE)
        return code;
    if (a.fd < 0) {
        agent_client_close(&a);
        cli_complain(c, "no agent runs on this machine");
        cli_advise(c, "start a session: linkup start");
        return EXIT_MISSING;
    }
    if (!watch_signals(&v)) {
        cli_complain(c, "signals: %s", strerror(errno));
        agent_client_close(&a);
        return EXIT_INPUT;
    }
    code = watch(&v, &a, &end);
    unwatch_signals(&v);
    agent_client_close(&a);
    return code == EXIT_DONE && end == VIEW_AGENT_DIED ? EXIT_MISSING : code;
}

/* Whether the session was stopped meanwhile, from another terminal. */
static bool is_stopped(struct cli *c, const struct place *p)
{
    struct book b;
    if (book_read(c, &b) != EXIT_DONE)
        return false;
    const json_t *e = book_find(&b, json_text(p->entry, "edge"), json_text(p->entry, "session"));
    return !entry_is_on(e);
}

static enum exit_code hold_on(struct view *v, const struct place *p)
{
    for (;;) {
        struct agent_client a;
        enum view_event end = VIEW_AGENT_DIED;
        enum exit_code code = agent_client_open(v->c, &a);
        if (code == EXIT_DONE)
            code = watch(v, &a, &end);
        agent_client_close(&a);
        if (end == VIEW_END || is_stopped(v->c, p))
            return EXIT_DONE;
        if (code != EXIT_DONE)
            return code;
        cli_say(v->c, "the agent is started again");
        v->last[0] = '\0';
    }
}

enum exit_code live_view_until_end(struct cli *c, const struct place *p)
{
    struct view v = {
        .c = c,
        .edge = json_text(p->entry, "edge"),
        .session = json_text(p->entry, "session"),
        .signals = -1,
    };
    if (!watch_signals(&v)) {
        cli_complain(c, "signals: %s", strerror(errno));
        return EXIT_INPUT;
    }
    enum exit_code code = hold_on(&v, p);
    unwatch_signals(&v);
    if (is_stopped(c, p))
        return code;
    enum exit_code stopped = stop_session(c, p, false);
    return code == EXIT_DONE ? stopped : code;
}
