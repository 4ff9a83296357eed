#include "cli/start_local.h"

#include <stdlib.h>
#include <string.h>

#include "cli/ca_stores.h"
#include "cli/carry.h"
#include "cli/cmd_ca.h"
#include "cli/edge.h"
#include "cli/local_beyond.h"
#include "cli/local_dns.h"
#include "cli/local_edge.h"
#include "cli/local_process.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/random.h"
#include "sessions/session_words.h"

const char *start_local_name(struct cli *c)
{
    return cli_text(c, "%s-%s",
                    session_adjectives[random_u32_below((uint32_t)session_adjectives_count)],
                    session_animals[random_u32_below((uint32_t)session_animals_count)]);
}

/* --- in force ------------------------------------------------------------------------------------ */

static enum exit_code read_port(struct cli *c, uint16_t *port)
{
    const char *text = args_get(&c->args, "port");
    uint64_t n = 0;
    *port = 0;
    if (!text)
        return EXIT_DONE;
    if (span_to_u64(span_str(text), &n) != ERR_OK || n < 1 || n > 65535) {
        cli_complain(c, "--port is a port from 1 to 65535, not \"%s\"", text);
        return EXIT_INPUT;
    }
    *port = (uint16_t)n;
    return EXIT_DONE;
}

/* Of `start`; other commands leave it as it is. */
struct wanted {
    uint16_t port;
    const char *linkupd;
};

static enum exit_code read_wanted(struct cli *c, struct wanted *w)
{
    w->linkupd = args_get(&c->args, "linkupd");
    return read_port(c, &w->port);
}

/* Those that are neither local nor the zone's edge's: where they are. */
static json_t *elsewhere_of(const json_t *entry, const json_t *session)
{
    json_t *urls = json_object(), *o;
    const char *name;
    json_object_foreach(json_object_get(session, "services"), name,
                        o) if (!entry_local(entry, name))
        json_object_set_new(urls, name, json_string(json_text(o, "url")));
    return urls;
}

static enum exit_code put(struct cli *c, const struct place *p, const struct wanted *wanted)
{
    json_t *session = NULL;
    size_t n = c->project->n_services;
    const char **local = (const char **)arena_must_alloc(&c->arena, n * sizeof *local);
    struct local_wish w = {.session = json_text(p->entry, "session"),
                           .project = c->project,
                           .local = local,
                           .https = wanted->port,
                           .linkupd = wanted->linkupd};
    for (size_t i = 0; i < n; i++)
        local[i] = entry_local(p->entry, c->project->services[i].name);
    enum exit_code code = local_edge_put(c, &w, &session);
    if (code != EXIT_DONE)
        return code;
    entry_take_urls(p->entry, session);
    json_object_set_new(p->entry, "elsewhere", elsewhere_of(p->entry, session));
    return EXIT_DONE;
}

/* What cannot be ended there now is said, and expires. */
static void leave_edge(struct cli *c, const struct place *p)
{
    const char *session = json_text(p->entry, "session");
    if (start_end(c, session) != EXIT_DONE)
        cli_advise(c, "at the edge it stays until it expires");
    (void)!carry_take(c, json_text(p->entry, "edge"), session);
}

enum exit_code start_local(struct cli *c, struct place *p, enum start_name how)
{
    struct wanted w;
    enum exit_code code = read_wanted(c, &w);
    if (code == EXIT_DONE && entry_is_on(p->entry) && !entry_is_alone(p->entry))
        leave_edge(c, p);
    if (code == EXIT_DONE)
        code = put(c, p, &w);
    if (code == EXIT_DONE) {
        json_object_set_new(p->entry, "alone", json_true());
        json_object_set_new(p->entry, "on", json_true());
        return start_keep(c, p);
    }
    if (how != START_KNOWN)
        (void)!start_forget(c, p);
    return code;
}

enum exit_code start_local_again(struct cli *c, const struct place *p)
{
    const struct wanted w = {.linkupd = getenv("LINKUP_LINKUPD")};
    enum exit_code code = put(c, p, &w);
    return code == EXIT_DONE ? start_keep(c, p) : code;
}

/* --- what is still missing ----------------------------------------------------------------------- */

static void tell_dns(struct cli *c, const struct local_place *p, const char *session)
{
    struct local_dns d;
    local_dns_of(c, p, session, NULL, &d);
    enum local_dns_found found = local_dns_look(c, &d);
    if (found == LOCAL_DNS_NONE)
        cli_say(c, "so that its names lead here: linkup local-dns install %s", session);
    else if (found == LOCAL_DNS_OTHER)
        cli_say(c, "its names have changed; so that they lead here: linkup local-dns install %s",
                session);
}

static void tell_trust(struct cli *c, const struct local_place *p)
{
    char *pem;
    size_t len;
    if (file_read(p->own_ca, LOCAL_CA_MAX, &pem, &len) != ERR_OK)
        return;
    const struct ca_stores stores = {.id = ca_local_id(c, p->zone), .pem = pem, .root = ""};
    if (!ca_system_has(c, &stores))
        cli_say(c, "so that its certificates are trusted: linkup ca trust --local");
    mem_free(pem);
}

void start_local_tell(struct cli *c, const struct place *p)
{
    struct local_place place;
    if (local_place_find(c, c->settings.zone, &place) != EXIT_DONE)
        return;
    const char *why = place.https == 443 || args_get(&c->args, "port")
                          ? ""
                          : " (443 is taken, or not for this user)";
    cli_say(c, "HTTPS at 127.0.0.1:%u%s, DNS at 127.0.0.1:%u", (unsigned)place.https, why,
            (unsigned)place.dns);
    tell_dns(c, &place, json_text(p->entry, "session"));
    tell_trust(c, &place);
}

bool start_local_attend(struct cli *c, const struct place *p)
{
    struct local_place place;
    (void)p;
    if (local_place_find(c, c->settings.zone, &place) != EXIT_DONE)
        return true;
    cli_say(c, "until Ctrl-C; its log: %s", place.log);
    if (local_process_attend(&place))
        return true;
    cli_complain(c, "the local edge has ended; its log: %s", place.log);
    return false;
}

/* --- the end ------------------------------------------------------------------------------------- */

enum exit_code stop_local(struct cli *c, const char *session)
{
    struct local_place p;
    struct local_dns d;
    enum exit_code code = local_beyond_need_zone(c);
    if (code == EXIT_DONE)
        code = local_place_find(c, c->settings.zone, &p);
    if (code != EXIT_DONE)
        return code;
    local_dns_of(c, &p, session, NULL, &d); /* as long as its domains are known */
    code = local_edge_drop(c, p.zone, session);
    if (code == EXIT_DONE && local_dns_look(c, &d) != LOCAL_DNS_NONE) {
        cli_say(c, "the names of %s.%s still lead here, where nothing answers any more", session,
                p.zone);
        cli_advise(c, "to give them back: linkup local-dns uninstall %s", session);
    }
    return code;
}
