#include "cli/agent_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli/agent/agent_log.h"
#include "cli/agent_spawn.h"
#include "cli/edge.h"
#include "cli/file_lock.h"
#include "core/fd.h"
#include "core/loop.h"
#include "core/mem.h"

#define STATUS_MAX ((size_t)4 << 20)
#define ANSWER_MS 5000
/* Ours, the one that was just ending, and one more that ended under our hands. */
#define TRIES 4
#define START_WAIT_S 40
#define ENDING_S 5 /* one that is ending has ended within so long */

void agent_tell_log(struct cli *c)
{
    struct agent_files f;
    char tail[4096];
    struct span rest, line;
    if (agent_files_find(c, false, &f) != EXIT_DONE || !f.log)
        return;
    agent_log_tail(f.log, 8, tail, sizeof tail);
    cli_advise(c, "its log, %s%s", f.log, *tail ? ", ends with" : ", is empty");
    rest = span_str(tail);
    while (span_split(&rest, '\n', &line))
        if (line.len > 0)
            cli_advise(c, "  " SPAN_FMT, SPAN_ARG(line));
}

/* --- lines ---------------------------------------------------------------------------------------- */

static enum exit_code died(struct cli *c)
{
    cli_complain(c, "the agent has died");
    agent_tell_log(c);
    cli_advise(c, "start it again: linkup start");
    return EXIT_INPUT;
}

static json_t *take_line(struct agent_client *a)
{
    struct span held = buf_span(&a->in);
    ptrdiff_t end = span_chr(held, '\n');
    if (end < 0)
        return NULL;
    json_t *j = json_loadb(held.p, (size_t)end, 0, NULL);
    buf_consume(&a->in, (size_t)end + 1);
    return j ? j : json_object();
}

enum read_outcome { READ_SOME, READ_LATE, READ_END };

static enum read_outcome read_some(struct agent_client *a, int ms)
{
    struct pollfd p = {.fd = a->fd, .events = POLLIN};
    size_t room;
    int r = poll(&p, 1, ms);
    if (r == 0 || (r < 0 && errno == EINTR))
        return READ_LATE;
    char *to = buf_reserve(&a->in, 1, &room);
    ssize_t n = r > 0 && to ? recv(a->fd, to, room, 0) : 0;
    if (n <= 0)
        return READ_END;
    buf_commit(&a->in, (size_t)n);
    return READ_SOME;
}

static enum read_outcome next_line(struct agent_client *a, int ms, json_t **line)
{
    uint64_t until = clock_us() + (uint64_t)(ms > 0 ? ms : 0) * 1000;
    while (!(*line = take_line(a))) {
        uint64_t now = clock_us();
        int left = ms < 0 ? -1 : now < until ? (int)((until - now) / 1000) + 1 : 0;
        enum read_outcome o = read_some(a, left);
        if (o != READ_SOME)
            return o;
    }
    return READ_SOME;
}

static bool send_line(struct agent_client *a, json_t *request)
{
    char *text = json_dumps(request, JSON_COMPACT);
    CHECK(text);
    size_t len = strlen(text), sent = 0;
    text[len] = '\n'; /* in the terminator's place */
    while (sent <= len) {
        ssize_t n = send(a->fd, text + sent, len + 1 - sent, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    mem_wipe(text, len);
    free(text);
    return sent == len + 1;
}

/* --- connecting ----------------------------------------------------------------------------------- */

/* A socket that another user has put there is not spoken to. */
static bool is_ours(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

static int connect_to(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = ANSWER_MS / 1000};
    if (span_copy_z(span_str(path), at.sun_path, sizeof at.sun_path) != ERR_OK)
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0 || !is_ours(fd))
        fd_close(&fd);
    return fd;
}

enum meeting { MET, MET_NOBODY, MET_ENDING, MET_SILENT };

static enum meeting meet(struct cli *c, const char *socket, struct agent_client *a)
{
    json_t *hello;
    *a = (struct agent_client){.fd = connect_to(socket)};
    buf_init(&a->in, STATUS_MAX);
    if (a->fd < 0)
        return MET_NOBODY;
    enum read_outcome o = next_line(a, ANSWER_MS, &hello);
    if (o != READ_SOME) {
        agent_client_close(a);
        return o == READ_END ? MET_ENDING : MET_SILENT;
    }
    cli_keep(c, hello);
    a->version = json_text(hello, "agent");
    a->pid = (pid_t)json_integer_value(json_object_get(hello, "pid"));
    return MET;
}

void agent_client_close(struct agent_client *a)
{
    fd_close(&a->fd);
    buf_deinit(&a->in);
}

enum exit_code agent_client_find(struct cli *c, struct agent_client *a)
{
    struct agent_files f;
    *a = (struct agent_client){.fd = -1};
    enum exit_code code = agent_files_find(c, false, &f);
    if (code != EXIT_DONE || !f.socket || meet(c, f.socket, a) != MET_SILENT)
        return code;
    cli_complain(c, "the agent does not answer");
    agent_tell_log(c);
    cli_advise(c, "replace it: linkup start");
    return EXIT_INPUT;
}

/* It writes what it holds before it answers, and its place is free once its lock is. */
static void ask_to_go(struct cli *c, struct agent_client *a)
{
    json_t *request = json_pack("{s:s}", "do", "replace"), *reply = NULL;
    cli_say(c, "the agent is of version %s; it is replaced by %s", a->version, LINKUP_VERSION);
    if (send_line(a, request) && next_line(a, ANSWER_MS, &reply) == READ_SOME)
        json_decref(reply);
    json_decref(request);
    agent_client_close(a);
}

static enum exit_code open_locked(struct cli *c, const struct agent_files *f,
                                  struct agent_client *a)
{
    for (int i = 0; i < TRIES; i++) {
        enum meeting m = meet(c, f->socket, a);
        if (m == MET && strcmp(a->version, LINKUP_VERSION) == 0)
            return EXIT_DONE;
        if (m == MET)
            ask_to_go(c, a);
        agent_make_room(c, f, m == MET_SILENT ? 0 : ENDING_S);
        enum exit_code code = agent_spawn(c, f);
        if (code != EXIT_DONE)
            return code;
    }
    cli_complain(c, "the agent cannot be spoken to at %s", f->socket);
    agent_tell_log(c);
    return EXIT_INPUT;
}

enum exit_code agent_client_open(struct cli *c, struct agent_client *a)
{
    struct agent_files f;
    const char *lock;
    int fd;
    *a = (struct agent_client){.fd = -1};
    enum exit_code code = agent_files_find(c, true, &f);
    if (code != EXIT_DONE)
        return code;
    /* Two that start at the same time: the second finds the first one's agent. */
    lock = cli_text(c, "%s.start", f.lock);
    enum err e = file_lock(lock, START_WAIT_S, &fd);
    if (e != ERR_OK) {
        cli_complain(c, "%s: %s", lock,
                     e == ERR_TIMEOUT ? "another start goes on" : strerror(errno));
        return EXIT_INPUT;
    }
    code = open_locked(c, &f, a);
    fd_close(&fd);
    return code;
}

/* --- asking --------------------------------------------------------------------------------------- */

enum exit_code agent_client_next(struct cli *c, struct agent_client *a, int ms, json_t **line)
{
    return next_line(a, ms, line) == READ_END ? died(c) : EXIT_DONE;
}

enum exit_code agent_client_call(struct cli *c, struct agent_client *a, json_t *request,
                                 json_t **reply)
{
    json_t *line = NULL;
    CHECK(request);
    bool sent = send_line(a, request);
    json_decref(request);
    enum exit_code code = sent ? agent_client_next(c, a, ANSWER_MS, &line) : died(c);
    if (code != EXIT_DONE)
        return code;
    if (!line) {
        cli_complain(c, "the agent does not answer");
        agent_tell_log(c);
        return EXIT_INPUT;
    }
    cli_keep(c, line);
    if (reply)
        *reply = line;
    if (!*json_text(line, "error"))
        return EXIT_DONE;
    cli_complain(c, "%s", json_text(line, "error"));
    return EXIT_INPUT;
}

const json_t *agent_status_find(const json_t *status, const char *edge, const char *session,
                                const json_t **held)
{
    size_t i, k;
    json_t *t, *s;
    json_array_foreach(json_object_get(status, "tunnels"), i, t)
    {
        if (strcmp(json_text(t, "edge"), edge) != 0)
            continue;
        json_array_foreach(json_object_get(t, "sessions"), k, s)
        {
            if (strcmp(json_text(s, "session"), session) != 0)
                continue;
            if (held)
                *held = s;
            return t;
        }
    }
    return NULL;
}
