#include "cli/local_beyond.h"

#include <string.h>

#include "cli/edge.h"
#include "cli/project_find.h"
#include "config/names.h"

/* Who is offline waits no longer for what is only nice to know. */
#define BEYOND_TIMEOUT_S 5L

/* GET PATH of the zone's edge, in silence: the status, 0 when it cannot be reached. */
static int ask_beyond(struct cli *c, const char *path, json_t **json)
{
    struct http_target target = edge_target(c);
    struct http_reply reply;
    char why[HTTP_WHY_MAX];
    target.token = c->settings.token;
    target.talk = NULL;
    if (target.timeout_s > BEYOND_TIMEOUT_S)
        target.timeout_s = BEYOND_TIMEOUT_S;
    struct http_request request = {.method = "GET", .path = path};
    *json = NULL;
    if (http_exchange(&target, &request, &c->arena, &reply, why) != HTTP_DONE)
        return 0;
    if (reply.status == 200)
        *json = cli_keep(c, json_loadb(reply.body.p, reply.body.len, 0, NULL));
    return reply.status;
}

enum exit_code local_beyond_need_zone(struct cli *c)
{
    const char *file = c->settings.edge || c->project ? NULL : project_file(c);
    enum exit_code code = file ? project_use(c, file) : EXIT_DONE;
    if (code == EXIT_DONE)
        code = settings_resolve(c);
    if (code != EXIT_DONE)
        return code;
    if (c->settings.zone && name_is_host(span_str(c->settings.zone)))
        return EXIT_DONE;
    cli_complain(c, "%s does not tell its zone: local mode needs https://edge.<zone>",
                 c->settings.edge);
    return EXIT_INPUT;
}

enum exit_code local_beyond_find(struct cli *c, const struct local_place *p,
                                 struct local_beyond *out)
{
    const struct settings *s = &c->settings;
    const char *colon = strrchr(s->origin, ':');
    uint64_t port = 443;
    if (colon && span_to_u64(span_str(colon + 1), &port) != ERR_OK)
        port = 443; /* the colon of "https:" */
    *out = (struct local_beyond){
        .port = (uint16_t)port, .connect = s->connect, .own_ca = s->ca_pem.len > 0};
    if (!out->own_ca)
        return EXIT_DONE;
    return local_write(c, p->ca, arena_strz(&c->arena, s->ca_pem));
}

static json_t *names_of(struct cli *c, const json_t *services)
{
    json_t *names = cli_keep(c, json_array()), *s;
    size_t i;
    json_array_foreach(services, i, s) if (name_is_service(span_str(json_text(s, "name"))))
        json_array_append(names, json_object_get(s, "name"));
    return names;
}

json_t *local_beyond_services(struct cli *c, const struct local_place *p)
{
    json_t *answer;
    ask_beyond(c, "/v1/services", &answer);
    const json_t *services = json_object_get(answer, "services");
    if (!json_is_array(services))
        return local_read_json(c, p->services);
    json_t *names = names_of(c, services);
    enum exit_code code = local_write_json(c, p->services, names);
    (void)code; /* it will be asked for again */
    return names;
}

enum exit_code local_beyond_need_free(struct cli *c, const char *session)
{
    json_t *other;
    int status = ask_beyond(c, edge_path(c, "/v1/sessions/", session), &other);
    if (status == 0)
        cli_say(c, "%s cannot be reached: shared services will not answer", c->settings.edge);
    if (status != 200)
        return EXIT_DONE;
    cli_complain(c, "%s has a session \"%s\" already, of %s", c->settings.edge, session,
                 *json_text(other, "owner") ? json_text(other, "owner") : "somebody");
    cli_advise(
        c, "one name is one session: end that one (linkup sessions rm %s), or take another name",
        session);
    return EXIT_MISSING;
}
