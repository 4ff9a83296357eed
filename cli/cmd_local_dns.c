/* local-dns install, uninstall */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/edge.h"
#include "cli/local_beyond.h"
#include "cli/local_dns.h"
#include "cli/local_edge.h"
#include "cli/local_process.h"
#include "cli/overrides.h"
#include "config/names.h"

/* sudo has another home, and with it other sessions and ports. */
static enum exit_code need_no_sudo(struct cli *c)
{
    const char *user = getenv("SUDO_USER");
    if (geteuid() != 0 || !user || strcmp(user, "root") == 0)
        return EXIT_DONE;
    cli_complain(c, "run this as %s, without sudo: it asks for root where it needs it", user);
    return EXIT_USAGE;
}

/* The sessions meant, an array of names: those given, else those that are local. */
static json_t *sessions_meant(struct cli *c, const struct local_place *p)
{
    if (c->args.n_operands == 0)
        return local_place_sessions(c, p);
    json_t *names = cli_keep(c, json_array());
    for (size_t i = 0; i < c->args.n_operands; i++)
        json_array_append_new(names, json_string(c->args.operands[i]));
    return names;
}

static json_t *report_of(const struct local_dns *d, const char *state)
{
    json_t *domains = json_array();
    for (size_t i = 0; i < d->n_domains; i++)
        json_array_append_new(domains, json_string(d->domains[i]));
    return json_pack("{s:s, s:s, s:i, s:o}", "session", d->session, "state", state, "port",
                     (int)d->port, "domains", domains);
}

static enum exit_code worse(enum exit_code a, enum exit_code b)
{
    return a == EXIT_DONE ? b : a;
}

/* DO_ONE for each session meant; the exit code is that of the first that failed. */
static enum exit_code each(struct cli *c, const struct local_place *p, const json_t *names,
                           enum exit_code (*do_one)(struct cli *c, const struct local_dns *d,
                                                    const char **state))
{
    enum exit_code code = EXIT_DONE;
    json_t *report = cli_keep(c, json_array()), *name;
    size_t i;
    json_array_foreach(names, i, name)
    {
        struct local_dns d;
        const char *state;
        enum exit_code one = overrides_check_name(c, json_string_value(name));
        if (one == EXIT_DONE) {
            local_dns_of(c, p, json_string_value(name), args_get(&c->args, "root"), &d);
            one = do_one(c, &d, &state);
            cli_say(c, "%s.%s: %s", d.session, d.zone, state);
            json_array_append_new(report, report_of(&d, state));
        }
        code = worse(code, one);
    }
    if (args_has(&c->args, "json"))
        cli_print_json(c, cli_keep(c, json_pack("{s:O}", "sessions", report)));
    return code;
}

static enum exit_code find_place(struct cli *c, struct local_place *p)
{
    enum exit_code code = need_no_sudo(c);
    if (code == EXIT_DONE)
        code = local_beyond_need_zone(c);
    return code == EXIT_DONE ? local_place_find(c, c->settings.zone, p) : code;
}

enum exit_code cmd_local_dns_install(struct cli *c)
{
    struct local_place p;
    enum exit_code code = find_place(c, &p);
    if (code == EXIT_DONE)
        code = local_place_prepare(c, &p, 0, !local_process_find(&p));
    if (code != EXIT_DONE)
        return code;
    const json_t *names = sessions_meant(c, &p);
    if (json_array_size(names) > 0)
        return each(c, &p, names, local_dns_install);
    cli_complain(c, "no session of %s is local here", p.zone);
    cli_advise(c, "start one (linkup start --local), or name it: linkup local-dns install NAME");
    return EXIT_USAGE;
}

/* Of this zone. */
static json_t *sessions_installed(struct cli *c, const struct local_place *p)
{
    const char *root = args_get(&c->args, "root");
    json_t *names = cli_keep(c, json_array()), *owner;
    size_t i;
    json_array_foreach(local_dns_list(c, root ? root : ""), i, owner)
    {
        struct span name;
        if (name_below(span_str(json_string_value(owner)), span_str(p->zone), &name) &&
            name_is_session(name))
            json_array_append_new(names, json_stringn(name.p, name.len));
    }
    return names;
}

enum exit_code cmd_local_dns_uninstall(struct cli *c)
{
    struct local_place p;
    enum exit_code code = find_place(c, &p);
    if (code != EXIT_DONE)
        return code;
    bool all = c->args.n_operands == 0;
    const json_t *names = all ? sessions_installed(c, &p) : sessions_meant(c, &p);
    if (json_array_size(names) == 0)
        cli_say(c, "nothing of %s is installed", p.zone);
    return each(c, &p, names, local_dns_uninstall);
}
