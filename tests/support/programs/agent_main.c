/* An agent by itself, for tests: runs what its standard input says, a line a command, and tells its state on
 * standard output.
 *
 *     agent_main EDGE TOKEN ID [CONNECT [CA-FILE]]
 *     set SESSION SERVICE=URL ...    drop SESSION    refusal SESSION    status    retry    end
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"
#include "tunnel/agent/agent.h"

#define SERVICES_MAX 64

static struct agent *agent;

/* J's reference is taken. */
static void say(json_t *j)
{
    CHECK(j);
    json_dumpf(j, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(j);
}

static void tell(void *ctx, const struct agent_status *s)
{
    (void)ctx;
    static const char *const states[] = {"idle", "connecting", "up", "waiting", "refused"};
    say(json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "state", states[s->state], "why",
                  s->why, "requests", (json_int_t)s->requests, "open", (json_int_t)s->open,
                  "attempts", (json_int_t)s->attempts, "next", (json_int_t)s->next_try_ms,
                  "tunnels", (json_int_t)s->tunnels, "bytes_in", (json_int_t)s->bytes_in,
                  "bytes_out", (json_int_t)s->bytes_out));
}

static void set(char *session, char **words)
{
    struct agent_service v[SERVICES_MAX];
    size_t n = 0;
    char *word, *why = NULL;
    while (n < SERVICES_MAX && (word = strtok_r(NULL, " ", words))) {
        char *url = strchr(word, '=');
        CHECK(url);
        *url++ = '\0';
        v[n++] = (struct agent_service){word, url};
    }
    if (agent_set_session(agent, session, v, n, &why) != ERR_OK) {
        say(json_pack("{s:s}", "error", why));
        mem_free(why);
    }
}

static void take_command(struct ev_loop *loop, char *line)
{
    char *words, *verb = strtok_r(line, " \n", &words);
    char *session = verb ? strtok_r(NULL, " \n", &words) : NULL;
    if (!verb)
        return;
    if (strcmp(verb, "set") == 0 && session)
        set(session, &words);
    else if (strcmp(verb, "drop") == 0 && session)
        agent_drop_session(agent, session);
    else if (strcmp(verb, "refusal") == 0 && session) {
        const char *why = agent_refusal(agent, session);
        say(json_pack("{s:s}", "refusal", why ? why : ""));
    } else if (strcmp(verb, "retry") == 0)
        agent_retry_now(agent);
    else if (strcmp(verb, "status") == 0) {
        struct agent_status s;
        agent_get_status(agent, &s);
        tell(NULL, &s);
    } else if (strcmp(verb, "end") == 0)
        ev_break(loop, EVBREAK_ALL);
}

static void on_input(struct ev_loop *loop, ev_io *io, int events)
{
    (void)events;
    static char held[16384];
    static size_t len;
    ssize_t n = read(io->fd, held + len, sizeof held - 1 - len);
    if (n <= 0) {
        ev_break(loop, EVBREAK_ALL);
        return;
    }
    len += (size_t)n;
    for (char *end; (end = memchr(held, '\n', len));) {
        *end = '\0';
        take_command(loop, held);
        len -= (size_t)(end + 1 - held);
        memmove(held, end + 1, len);
    }
}

int main(int argc, char **argv)
{
    struct agent_options o = {0};
    const struct agent_ops ops = {.changed = tell};
    char *ca = NULL;
    size_t ca_len = 0;
    CHECK(argc >= 4);
    o.edge = argv[1];
    o.token = argv[2];
    o.id = argv[3];
    if (argc > 4 && *argv[4])
        o.connect = argv[4];
    if (argc > 5)
        CHECK(file_read(argv[5], 1024 * 1024, &ca, &ca_len) == ERR_OK);
    o.ca_pem = span_of(ca, ca_len);
    struct ev_loop *loop = ev_default_loop(EVFLAG_AUTO);
    CHECK(agent_new(loop, &o, &ops, &agent) == ERR_OK);
    ev_io input;
    ev_io_init(&input, on_input, STDIN_FILENO, EV_READ);
    ev_io_start(loop, &input);
    ev_run(loop, 0);
    ev_io_stop(loop, &input);
    agent_free(agent);
    mem_free(ca);
    ev_loop_destroy(loop);
    return 0;
}
