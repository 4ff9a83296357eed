#include "cli/carry.h"

#include <stdio.h>
#include <string.h>

#include "cli/edge.h"
#include "core/loop.h"

#define SAY_AFTER_MS 1000

static json_t *set_request(struct cli *c, const json_t *entry)
{
    const struct settings *s = &c->settings;
    json_t *r = json_pack("{s:s, s:s, s:s, s:s, s:s, s:O}", "do", "set", "edge", s->edge, "token",
                          s->token, "session", json_text(entry, "session"), "project",
                          json_text(entry, "project"), "services", json_object_get(entry, "local"));
    CHECK(r);
    if (s->connect)
        json_object_set_new(r, "connect", json_string(s->connect));
    if (s->ca_pem.len > 0)
        json_object_set_new(r, "ca", json_stringn(s->ca_pem.p, s->ca_pem.len));
    return r;
}

enum exit_code carry_give(struct cli *c, struct agent_client *a, const json_t *entry, bool anew)
{
    json_t *r = set_request(c, entry);
    if (anew)
        json_object_set_new(r, "anew", json_true());
    return agent_client_call(c, a, r, NULL);
}

enum exit_code carry_take(struct cli *c, const char *edge, const char *session)
{
    struct agent_client a;
    enum exit_code code = agent_client_find(c, &a);
    if (code != EXIT_DONE || a.fd < 0)
        return code;
    code = agent_client_call(
        c, &a, json_pack("{s:s, s:s, s:s}", "do", "drop", "edge", edge, "session", session), NULL);
    agent_client_close(&a);
    return code;
}

/* --- waiting -------------------------------------------------------------------------------------- */

static enum exit_code refused(struct cli *c, const char *session, const char *why)
{
    cli_complain(c, "the edge does not let the session %s have a tunnel: %s", session, why);
    cli_advise(c, "is the token still good, and the session yours? linkup status; linkup login");
    return EXIT_REFUSED;
}

static enum exit_code too_late(struct cli *c, const char *why)
{
    cli_complain(c, "the tunnel is not up yet%s%s", *why ? ": " : "", why);
    cli_advise(c, "the agent goes on trying: linkup status --watch");
    return EXIT_UNREACHABLE;
}

/* Whether STATUS ends the waiting: then *CODE says how. */
static bool settled(struct cli *c, const json_t *status, const char *session, const char **why,
                    enum exit_code *code)
{
    const json_t *held = NULL;
    const json_t *t = agent_status_find(status, c->settings.edge, session, &held);
    const char *state = json_text(t, "state"), *refusal = json_text(held, "refusal");
    *why = json_text(t, "why");
    *code = EXIT_DONE;
    if (*refusal || strcmp(state, "refused") == 0) {
        *code = refused(c, session, *refusal ? refusal : *why);
        return true;
    }
    return strcmp(state, "up") == 0;
}

struct waiting {
    uint64_t since_us;
    bool said;
};

static uint64_t waited_ms(const struct waiting *w)
{
    return (clock_us() - w->since_us) / 1000;
}

/* Progress on what takes longer than a second. */
static void say_so(struct cli *c, struct waiting *w, const char *why)
{
    if (w->said || waited_ms(w) < SAY_AFTER_MS)
        return;
    w->said = true;
    if (c->err.tty)
        cli_say(c, "waiting for the tunnel ...%s%s%s", *why ? " (" : "", why, *why ? ")" : "");
}

static int step_ms(struct cli *c, const struct waiting *w)
{
    uint64_t most = (uint64_t)c->settings.timeout_s * 1000, so_far = waited_ms(w);
    if (so_far >= most)
        return 0;
    return w->said ? (int)(most - so_far) : SAY_AFTER_MS;
}

enum exit_code carry_wait(struct cli *c, struct agent_client *a, const char *session)
{
    struct waiting w = {.since_us = clock_us()};
    json_t *status;
    const char *why = "";
    enum exit_code code = agent_client_call(c, a, json_pack("{s:s}", "do", "watch"), &status), how;
    if (code != EXIT_DONE || settled(c, status, session, &why, &how))
        return code != EXIT_DONE ? code : how;
    for (int ms; (ms = step_ms(c, &w)) > 0;) {
        code = agent_client_next(c, a, ms, &status);
        if (code != EXIT_DONE)
            return code;
        if (cli_keep(c, status) && settled(c, status, session, &why, &how))
            return how;
        say_so(c, &w, why);
    }
    return too_late(c, why);
}

enum exit_code carry_up(struct cli *c, const json_t *entry, bool anew)
{
    struct agent_client a;
    enum exit_code code = agent_client_open(c, &a);
    if (code != EXIT_DONE)
        return code;
    code = carry_give(c, &a, entry, anew);
    if (code == EXIT_DONE)
        code = carry_wait(c, &a, json_text(entry, "session"));
    agent_client_close(&a);
    return code;
}
