/* login */

#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/cmd_ca.h"
#include "cli/edge.h"
#include "cli/login_file.h"
#include "cli/secret.h"

static bool say_yes(struct cli *c)
{
    if (!c->err.tty || !isatty(STDIN_FILENO)) {
        cli_complain(c, "nobody is here to say yes");
        cli_advise(c, "compare the fingerprint, then: --fingerprint SHA256, or --trust-ca unseen");
        return false;
    }
    fputs("Trust it for linkup's own calls? Compare the fingerprint. [y/N] ", c->err.file);
    fflush(c->err.file);
    char line[16];
    ssize_t n = read(STDIN_FILENO, line, sizeof line - 1);
    line[n > 0 ? n : 0] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    return strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0;
}

static enum exit_code agree(struct cli *c, const struct ca_cert *ca)
{
    const char *fingerprint = args_get(&c->args, "fingerprint");
    ca_describe(c, ca);
    if (fingerprint && ca_cert_is(ca, fingerprint))
        return EXIT_DONE;
    if (fingerprint) {
        cli_complain(c, "this is not the CA you named: its fingerprint is another");
        return EXIT_UNREACHABLE;
    }
    if (args_has(&c->args, "trust-ca") || say_yes(c))
        return EXIT_DONE;
    cli_complain(c, "not trusted; nothing is kept");
    return EXIT_UNREACHABLE;
}

/* An edge with a certificate of its own CA cannot be verified before that CA is known: this one
 * answer is taken unverified, without a token, and believed only when someone agrees. */
static enum exit_code fetch_unverified(struct cli *c, struct ca_cert *ca)
{
    struct http_target target = edge_target(c);
    target.unverified = true;
    struct http_reply reply;
    char why[HTTP_WHY_MAX];
    struct http_request request = {.method = "GET", .path = "/v1/ca.pem"};
    enum http_failure f = http_exchange(&target, &request, &c->arena, &reply, why);
    if (f != HTTP_DONE) {
        edge_tell_failure(c, f, why);
        return EXIT_UNREACHABLE;
    }
    const char *reason = "";
    if (reply.status == 200 && ca_cert_parse(&c->arena, reply.body, ca, &reason))
        return EXIT_DONE;
    cli_complain(c,
                 "the certificate of %s is not trusted here, and it does not tell its own CA%s%s",
                 c->settings.edge, *reason ? ": " : "", reason);
    cli_advise(c, "if you have the CA that issued it: --ca FILE");
    return EXIT_UNREACHABLE;
}

/* Finds out whether the edge is reached and trusted as things are; else makes it so. */
static enum exit_code establish_trust(struct cli *c)
{
    if (c->settings.unix_path)
        return EXIT_DONE;
    struct http_target target = edge_target(c);
    struct http_reply reply;
    char why[HTTP_WHY_MAX];
    struct http_request request = {.method = "GET", .path = "/v1/ca.pem"};
    enum http_failure f = http_exchange(&target, &request, &c->arena, &reply, why);
    if (f == HTTP_DONE)
        return EXIT_DONE;
    bool ca_was_named = args_has(&c->args, "ca");
    if (f != HTTP_UNTRUSTED || ca_was_named) {
        edge_tell_failure(c, f, why);
        return EXIT_UNREACHABLE;
    }
    if (c->settings.ca_pem.len)
        cli_complain(c, "warning: this is not the CA that was trusted at the last login");
    struct ca_cert ca;
    enum exit_code code = fetch_unverified(c, &ca);
    if (code == EXIT_DONE)
        code = agree(c, &ca);
    if (code == EXIT_DONE)
        c->settings.ca_pem = span_str(ca.pem);
    return code;
}

static enum exit_code get_token(struct cli *c)
{
    if (c->settings.token || c->settings.unix_path)
        return EXIT_DONE;
    return secret_ask(c, &c->settings.token);
}

static enum exit_code keep(struct cli *c)
{
    const struct settings *s = &c->settings;
    struct login l = {
        .edge = s->edge,
        .token = s->token,
        .connect = s->connect,
        .ca_pem = s->ca_pem.len ? arena_strz(&c->arena, s->ca_pem) : NULL,
    };
    enum exit_code code = login_write(c, &l);
    if (code != EXIT_DONE)
        return code;
    cli_say(c, "logged in to %s", s->edge);
    if (args_has(&c->args, "json"))
        cli_print_json(c, cli_keep(c, json_pack("{s:s, s:b, s:b}", "edge", s->edge, "token",
                                                s->token != NULL, "ca", s->ca_pem.len > 0)));
    return EXIT_DONE;
}

/* Settings without what an earlier login said: this one replaces it. But for the CA: who trusted one
 * is not asked again, and is told when it has changed. */
static enum exit_code start(struct cli *c)
{
    if (!args_has(&c->args, "edge")) {
        cli_complain(c, "which edge? Give --edge https://edge.<zone>");
        return EXIT_USAGE;
    }
    enum exit_code code = settings_resolve_fresh(c);
    struct login last;
    if (code == EXIT_DONE)
        code = login_read(c, c->settings.edge, &last);
    if (code == EXIT_DONE && !c->settings.ca_pem.len)
        c->settings.ca_pem = span_str(last.ca_pem);
    return code;
}

enum exit_code cmd_login(struct cli *c)
{
    enum exit_code code = start(c);
    if (code == EXIT_DONE)
        code = establish_trust(c);
    if (code == EXIT_DONE)
        code = get_token(c);
    if (code != EXIT_DONE)
        return code;
    /* Does the edge take the token? */
    struct edge_reply reply;
    code = edge_call(c, &(struct edge_request){.method = "GET", .path = "/v1/services"}, &reply);
    return code == EXIT_DONE ? keep(c) : code;
}
