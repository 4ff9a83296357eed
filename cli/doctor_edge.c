/* Reaching the edge, and being at one with it. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/doctor.h"
#include "cli/edge.h"

/* Certificates made a moment ago, and tokens, bear less than this. */
#define CLOCK_DOUBTFUL_S 30
#define CLOCK_ILL_S 300

static const char *mend_reach(enum http_failure f, bool socket)
{
    switch (f) {
    case HTTP_UNRESOLVED:
        return "its name leads nowhere: see the checks of DNS below, or connect to an address "
               "with --connect ADDRESS:PORT";
    case HTTP_UNCONNECTED:
        return socket ? "is linkupd running, and may you use its admin socket?"
                      : "is linkupd running there, and its port open to here?";
    case HTTP_UNTRUSTED:
        return "trust the edge's own CA: linkup login (for these commands), linkup ca trust (for "
               "this machine and its browsers)";
    case HTTP_TIMEOUT:
        return "something between here and there swallows packets: a firewall, a VPN?";
    default:
        return "is this a Linkup edge? Its own host is edge.<zone>";
    }
}

static void check_clock(struct doctor *d, const char *date)
{
    struct cli *c = d->cli;
    time_t theirs = date ? curl_getdate(date, NULL) : -1;
    if (theirs < 0) {
        doctor_find(d, "clock", UNCHECKED, "the edge does not tell its time", NULL);
        return;
    }
    long apart = labs((long)(time(NULL) - theirs));
    if (apart <= CLOCK_DOUBTFUL_S)
        doctor_find(d, "clock", WELL, "agrees with the edge's", NULL);
    else
        doctor_find(d, "clock", apart > CLOCK_ILL_S ? ILL : DOUBTFUL,
                    cli_text(c, "%ld s off the edge's", apart),
                    "certificates and tokens are judged by the clock: set it (timedatectl set-ntp "
                    "true)");
}

/* "1.2.3": the first number must be the same, for an API changes with it. */
static void check_version(struct doctor *d, const char *theirs)
{
    struct cli *c = d->cli;
    const char *ours = LINKUP_VERSION;
    if (strcmp(ours, theirs) == 0)
        doctor_find(d, "version", WELL, cli_text(c, "%s, as the edge's", ours), NULL);
    else if (strtoul(ours, NULL, 10) == strtoul(theirs, NULL, 10))
        doctor_find(d, "version", DOUBTFUL, cli_text(c, "%s here, the edge has %s", ours, theirs),
                    "the newer one may know what the other does not: bring them together");
    else
        doctor_find(d, "version", ILL, cli_text(c, "%s here, the edge has %s", ours, theirs),
                    "they are of different generations: update the older one");
}

static void unchecked(struct doctor *d, const char *what, const char *why)
{
    doctor_find(d, what, UNCHECKED, why, NULL);
}

static enum http_failure ask(struct cli *c, const char *path, const char *token,
                             struct http_reply *reply, char why[HTTP_WHY_MAX])
{
    struct http_target target = edge_target(c);
    target.token = token;
    return http_exchange(&target, &(struct http_request){.method = "GET", .path = path}, &c->arena,
                         reply, why);
}

static void check_token(struct doctor *d)
{
    struct cli *c = d->cli;
    struct http_reply reply;
    char why[HTTP_WHY_MAX];
    if (!c->settings.token && !c->settings.unix_path) {
        doctor_find(d, "token", ILL, "there is none", "linkup login, or LINKUP_TOKEN");
        unchecked(d, "version", "only known with a token");
        return;
    }
    enum http_failure f = ask(c, "/v1/status", c->settings.token, &reply, why);
    if (f != HTTP_DONE || reply.status != 200) {
        doctor_find(d, "token", ILL,
                    f != HTTP_DONE ? cli_text(c, "%s", why)
                                   : cli_text(c, "the edge answers %d", reply.status),
                    "it may have been revoked: ask for another one, then linkup login");
        unchecked(d, "version", "only known with a token");
        return;
    }
    doctor_find(d, "token", WELL,
                c->settings.unix_path ? "not needed over the admin socket" : "the edge takes it",
                NULL);
    const json_t *status = cli_keep(c, json_loadb(reply.body.p, reply.body.len, 0, NULL));
    check_version(d, json_text(status, "version"));
    d->edge_works = true;
}

void doctor_check_edge(struct doctor *d)
{
    struct cli *c = d->cli;
    struct http_reply reply;
    char why[HTTP_WHY_MAX];
    /* An open call: what is wrong with the token is another check. */
    enum http_failure f = ask(c, "/linkup/check", NULL, &reply, why);
    bool is_edge = f == HTTP_DONE && reply.status == 200 && span_eq(reply.body, SPAN_LIT("OK"));
    if (f == HTTP_DONE && !is_edge) {
        f = HTTP_BAD_ANSWER;
        snprintf(why, sizeof why, "it answers %d to a call that every edge has", reply.status);
    }
    if (f != HTTP_DONE) {
        doctor_find(d, "edge", ILL, cli_text(c, "%s: %s", c->settings.edge, why),
                    mend_reach(f, c->settings.unix_path));
        unchecked(d, "clock", "the edge was not reached");
        unchecked(d, "token", "the edge was not reached");
        unchecked(d, "version", "the edge was not reached");
        return;
    }
    doctor_find(d, "edge", WELL,
                cli_text(c,
                         c->settings.unix_path ? "%s answers"
                                               : "%s answers, its certificate is trusted here",
                         c->settings.edge),
                NULL);
    check_clock(d, reply.date);
    check_token(d);
}
