/* Whether what an agent sends gets through: an upgrade over HTTP/1.1, straight to the edge. It names no
 * agent and no session, so that no tunnel is opened, nor one taken over that is there. The edge says 400
 * to that where the upgrade has reached it, and 426 where it has not. */
#include "cli/doctor.h"
#include "cli/edge.h"

#define CHECK_NAME "tunnel"

static void find(struct doctor *d, enum verdict v, const char *text, const char *advice)
{
    doctor_find(d, CHECK_NAME, v, text, advice);
}

static const char mend_way[] = "something between here and there does not let upgrades pass: a "
                               "proxy or load balancer in front of "
                               "the edge should pass TCP through as it is, TLS included";

void doctor_check_tunnel(struct doctor *d)
{
    static const char *const upgrade[] = {"Connection: Upgrade", "Upgrade: linkup-tunnel/1", NULL};
    struct cli *c = d->cli;
    struct http_reply reply;
    char why[HTTP_WHY_MAX];
    if (c->settings.unix_path || !d->edge_works) {
        find(d, UNCHECKED,
             d->edge_works ? "the admin socket is no way for them" : "the edge does not work",
             NULL);
        return;
    }
    struct http_target target = edge_target(c);
    target.token = c->settings.token;
    enum http_failure f = http_exchange(
        &target,
        &(struct http_request){
            .method = "GET", .path = "/v1/tunnel", .fields = upgrade, .as_agent = true},
        &c->arena, &reply, why);
    if (f != HTTP_DONE)
        find(d, ILL, cli_text(c, "an upgrade gets no answer: %s", why), mend_way);
    else if (reply.status == 400)
        find(d, WELL, "upgrades reach the edge", NULL);
    else if (reply.status == 426)
        find(d, ILL, "the request arrives, its upgrade does not", mend_way);
    else if (reply.status == 403)
        find(d, UNCHECKED, "this token may not open any (scope \"read\")", NULL);
    else if (reply.status == 404)
        find(d, UNCHECKED, "this edge knows of none", NULL);
    else
        find(d, ILL, cli_text(c, "an upgrade is answered %d", reply.status), mend_way);
}
