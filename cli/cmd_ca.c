/* ca show, trust, untrust */

#include "cli/cmd_ca.h"

#include <string.h>

#include "cli/ca_stores.h"
#include "cli/edge.h"
#include "cli/local_beyond.h"
#include "core/file.h"
#include "core/mem.h"

static const char *names_text(struct cli *c, const struct ca_cert *ca)
{
    const char *text = "";
    for (size_t i = 0; i < ca->n_names; i++)
        text = cli_text(c, "%s%s%s", text, i ? ", " : "", ca->names[i]);
    return text;
}

void ca_describe(struct cli *c, const struct ca_cert *ca)
{
    cli_say(c, "CA           %s", ca->subject);
    cli_say(c, "SHA-256      %s", ca->sha256);
    cli_say(c, "valid        %s to %s", ca->not_before, ca->not_after);
    if (ca->n_names)
        cli_say(c, "only for     %s", names_text(c, ca));
    if (ca->unlimited)
        cli_complain(c, "warning: %s", ca->unlimited);
}

json_t *ca_to_json(const struct ca_cert *ca)
{
    json_t *names = json_array();
    for (size_t i = 0; i < ca->n_names; i++)
        json_array_append_new(names, json_string(ca->names[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:b, s:s}", "sha256", ca->sha256, "subject",
                     ca->subject, "not_before", ca->not_before, "not_after", ca->not_after, "names",
                     names, "limited", ca->unlimited == NULL, "pem", ca->pem);
}

/* Of the edge on this machine: its file, whether it runs or not. */
static enum exit_code read_local(struct cli *c, struct ca_cert *ca)
{
    struct local_place p;
    char *data;
    size_t len;
    const char *why;
    enum exit_code code = local_beyond_need_zone(c);
    if (code == EXIT_DONE)
        code = local_place_find(c, c->settings.zone, &p);
    if (code != EXIT_DONE)
        return code;
    if (file_read(p.own_ca, LOCAL_CA_MAX, &data, &len) != ERR_OK) {
        cli_complain(c, "there is no local edge of %s yet, and no CA", p.zone);
        cli_advise(c, "it comes with the first: linkup start --local");
        return EXIT_MISSING;
    }
    bool fine = ca_cert_parse(&c->arena, span_of(data, len), ca, &why);
    mem_free(data);
    if (fine)
        return EXIT_DONE;
    cli_complain(c, "%s: %s", p.own_ca, why);
    return EXIT_INPUT;
}

static enum exit_code fetch(struct cli *c, struct ca_cert *ca)
{
    struct edge_reply reply;
    if (args_has(&c->args, "local"))
        return read_local(c, ca);
    enum exit_code code = edge_call(
        c, &(struct edge_request){.method = "GET", .path = "/v1/ca.pem", .plain = true}, &reply);
    if (code != EXIT_DONE)
        return code;
    const char *why;
    if (ca_cert_parse(&c->arena, reply.http.body, ca, &why))
        return EXIT_DONE;
    cli_complain(c, "%s/v1/ca.pem: %s", c->settings.edge, why);
    cli_advise(c, "is this a Linkup edge? Its own host is edge.<zone>");
    return EXIT_UNREACHABLE;
}

enum exit_code cmd_ca_show(struct cli *c)
{
    struct ca_cert ca;
    enum exit_code code = fetch(c, &ca);
    if (code != EXIT_DONE)
        return code;
    if (args_has(&c->args, "json")) {
        cli_print_json(c, cli_keep(c, ca_to_json(&ca)));
        return EXIT_DONE;
    }
    if (c->out.tty)
        ca_describe(c, &ca);
    fputs(ca.pem, c->out.file);
    return EXIT_DONE;
}

const char *ca_local_id(struct cli *c, const char *zone)
{
    return cli_text(c, "local-%s", zone);
}

/* The zone names what we put into stores, so that untrust finds it without the edge. */
static const char *store_id(struct cli *c, const struct ca_cert *ca)
{
    const char *id = c->settings.zone;
    if (!id && ca && ca->n_names)
        id = ca->names[0] + (ca->names[0][0] == '.');
    if (!id && c->settings.host)
        id = c->settings.host;
    if (!id && ca)
        id = cli_text(c, "%.23s", ca->sha256);
    if (args_has(&c->args, "local"))
        id = ca_local_id(c, id);
    char *name = arena_strz(&c->arena, span_str(id));
    CHECK(name);
    for (char *p = name; *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-", *p))
            *p = '-';
    return name;
}

struct wanted {
    bool system, nss;
    const char *root;
};

static enum exit_code which_stores(struct cli *c, struct wanted *w)
{
    const char *store = args_get(&c->args, "store");
    const char *root = args_get(&c->args, "root");
    bool all = !store || strcmp(store, "all") == 0;
    w->system = all || strcmp(store, "system") == 0;
    w->nss = all || strcmp(store, "nss") == 0;
    w->root = root ? root : "";
    if (!w->system && !w->nss) {
        cli_complain(c, "--store is system, nss or all, not \"%s\"", store);
        return EXIT_USAGE;
    }
    if (!root)
        return EXIT_DONE;
    if (!w->system) {
        cli_complain(c, "--root is for the system's store");
        return EXIT_USAGE;
    }
    w->nss = false;
    return EXIT_DONE;
}

static enum exit_code refuse_unlimited(struct cli *c, const struct ca_cert *ca)
{
    if (!ca->unlimited || args_has(&c->args, "force"))
        return EXIT_DONE;
    cli_complain(c, "this CA is not trusted: %s", ca->unlimited);
    cli_advise(c, "if you want that: --force");
    return EXIT_INPUT;
}

static enum exit_code worse(enum exit_code a, enum exit_code b)
{
    return a == EXIT_DONE ? b : a;
}

enum exit_code cmd_ca_trust(struct cli *c)
{
    struct wanted w;
    struct ca_cert ca;
    enum exit_code code = which_stores(c, &w);
    if (code == EXIT_DONE)
        code = fetch(c, &ca);
    if (code != EXIT_DONE)
        return code;
    ca_describe(c, &ca);
    code = refuse_unlimited(c, &ca);
    if (code != EXIT_DONE)
        return code;

    struct ca_stores s = {store_id(c, &ca), ca.pem, w.root, cli_keep(c, json_array())};
    if (w.system)
        code = ca_system_trust(c, &s);
    if (w.nss)
        code = worse(code, ca_nss_trust(c, &s));
    if (args_has(&c->args, "json"))
        cli_print_json(
            c, cli_keep(c, json_pack("{s:s, s:O}", "sha256", ca.sha256, "stores", s.report)));
    return code;
}

enum exit_code cmd_ca_untrust(struct cli *c)
{
    struct wanted w;
    struct ca_cert ca;
    enum exit_code code = which_stores(c, &w);
    if (code == EXIT_DONE)
        code = args_has(&c->args, "local") ? local_beyond_need_zone(c) : settings_resolve(c);
    /* Over a socket only the certificate tells the zone. */
    bool fetched = code == EXIT_DONE && !c->settings.zone;
    if (fetched)
        code = fetch(c, &ca);
    if (code != EXIT_DONE)
        return code;

    struct ca_stores s = {store_id(c, fetched ? &ca : NULL), NULL, w.root,
                          cli_keep(c, json_array())};
    if (w.system)
        code = ca_system_untrust(c, &s);
    if (w.nss)
        code = worse(code, ca_nss_untrust(c, &s));
    if (args_has(&c->args, "json"))
        cli_print_json(c, cli_keep(c, json_pack("{s:O}", "stores", s.report)));
    return code;
}
