#include "cli/settings.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/login_file.h"
#include "cli/secret.h"
#include "config/backend_url.h"
#include "core/file.h"
#include "core/mem.h"

#define CA_FILE_MAX ((size_t)1 << 20)
#define TIMEOUT_DEFAULT 30L

static bool unix_edge(struct cli *c, const char *path, struct settings *s, const char **why)
{
    if (!*path) {
        *why = "unix: is followed by the path of the edge's admin socket";
        return false;
    }
    /* A login is found again from another folder. */
    char full[PATH_MAX];
    const char *absolute = realpath(path, full) ? full : path;
    s->unix_path = cli_text(c, "%s", absolute);
    s->edge = cli_text(c, "unix:%s", absolute);
    s->origin = "http://localhost";
    return true;
}

bool settings_edge(struct cli *c, const char *text, struct settings *s, const char **why)
{
    if (strncmp(text, "unix:", 5) == 0)
        return unix_edge(c, text + 5, s, why);

    *why = "an edge is https://edge.<zone> or unix:PATH";
    if (strncasecmp(text, "https://", 8) != 0)
        return false;
    struct config_backend url;
    if (backend_url_parse(span_str(text), &c->arena, &url, why) != ERR_OK)
        return false;
    *why = "the edge's URL has no path";
    if (*url.base_path)
        return false;

    bool v6 = url.host_is_ip && strchr(url.host, ':');
    const char *host = cli_text(c, v6 ? "[%s]" : "%s", url.host);
    s->host = url.host;
    s->edge = url.port == 443 ? cli_text(c, "https://%s", host)
                              : cli_text(c, "https://%s:%u", host, (unsigned)url.port);
    s->origin = s->edge;
    if (strncmp(url.host, "edge.", 5) == 0)
        s->zone = url.host + 5;
    return true;
}

/* Secrets do not stay where ps shows them. */
static char *take_from_argv(struct cli *c, const char *flag)
{
    for (size_t i = 0; i < c->args.n_given; i++) {
        struct arg *a = &c->args.given[i];
        if (strcmp(a->flag->name, flag) != 0)
            continue;
        size_t len = strlen(a->text);
        char *copy = (char *)arena_must_alloc(&c->arena, len + 1);
        memcpy(copy, a->text, len + 1);
        if (a->text != getenv("LINKUP_TOKEN"))
            memset(a->text, 'x', len);
        a->text = copy;
        return copy;
    }
    return NULL;
}

static bool came_from_env(const struct cli *c, const char *flag, const char *variable)
{
    return args_get(&c->args, flag) == getenv(variable);
}

enum exit_code settings_given_token(struct cli *c, char **token)
{
    *token = NULL;
    const char *file = args_get(&c->args, "token-file");
    const char *text = args_get(&c->args, "token");
    /* A flag of either kind goes before the environment of the other. */
    bool file_from_env = file && came_from_env(c, "token-file", "LINKUP_TOKEN_FILE");
    bool text_from_env = text && came_from_env(c, "token", "LINKUP_TOKEN");
    if (file && text && !file_from_env && !text_from_env) {
        cli_complain(c, "--token and --token-file are both given");
        return EXIT_USAGE;
    }
    if (text && !(text_from_env && file && !file_from_env)) {
        *token = take_from_argv(c, "token");
        return secret_check(c, *token, text_from_env ? "LINKUP_TOKEN" : "--token");
    }
    return file ? secret_read(c, file, token) : EXIT_DONE;
}

static enum exit_code read_ca(struct cli *c, const char *path, struct span *pem)
{
    char *data;
    size_t len;
    enum err e = file_read(path, CA_FILE_MAX, &data, &len);
    if (e != ERR_OK) {
        cli_complain(c, "--ca %s: %s", path, err_text(e));
        return EXIT_INPUT;
    }
    *pem = arena_copy(&c->arena, span_of(data, len));
    mem_free(data);
    if (memmem(pem->p, pem->len, "-----BEGIN", 10))
        return EXIT_DONE;
    cli_complain(c, "--ca %s: there is no certificate in PEM form in it", path);
    return EXIT_INPUT;
}

static enum exit_code read_timeout(struct cli *c, long *seconds)
{
    const char *text = args_get(&c->args, "timeout");
    uint64_t n = (uint64_t)TIMEOUT_DEFAULT;
    if (text && (span_to_u64(span_str(text), &n) != ERR_OK || n < 1 || n > 3600)) {
        cli_complain(c, "--timeout is a number of seconds from 1 to 3600, not \"%s\"", text);
        return EXIT_INPUT;
    }
    *seconds = (long)n;
    return EXIT_DONE;
}

static enum exit_code no_edge(struct cli *c)
{
    cli_complain(c, "which edge? None is given, and there is no login");
    cli_advise(c, "log in once:     linkup login --edge https://edge.<zone>");
    cli_advise(c, "or for one call: linkup --edge https://edge.<zone> %s ...",
               c->args.command->name);
    cli_advise(c, "or set LINKUP_EDGE");
    return EXIT_USAGE;
}

/* The login's token and CA belong to its edge: they are never used with another. */
static void fill_from_login(struct settings *s, const struct login *l)
{
    if (!s->token)
        s->token = l->token;
    if (!s->connect)
        s->connect = l->connect;
    if (!s->ca_pem.len)
        s->ca_pem = span_str(l->ca_pem);
}

/* The edge of the command line, or that of the project: then *FROM is the project file's key. */
static const char *edge_given(struct cli *c, const char **from)
{
    const char *edge = args_get(&c->args, "edge");
    *from = edge || !c->hint.edge ? "--edge" : "edge_url";
    return edge ? edge : c->hint.edge;
}

/* A project's token goes to the project's edge only. */
static void fill_from_hint(struct cli *c, struct settings *s)
{
    struct settings hinted = {0};
    const char *why;
    if (s->token || !c->hint.token || !c->hint.edge)
        return;
    if (settings_edge(c, c->hint.edge, &hinted, &why) && strcmp(hinted.edge, s->edge) == 0)
        s->token = arena_strz(&c->arena, span_str(c->hint.token));
}

static enum exit_code edge_and_login(struct cli *c, struct settings *s, struct login *login)
{
    const char *from, *why, *edge = edge_given(c, &from);
    if (edge && !settings_edge(c, edge, s, &why)) {
        cli_complain(c, "%s %s: %s", from, edge, why);
        return EXIT_INPUT;
    }
    if (!login)
        return EXIT_DONE;
    enum exit_code code = login_read(c, s->edge, login);
    if (code != EXIT_DONE || edge)
        return code;
    if (!login->edge)
        return no_edge(c);
    if (settings_edge(c, login->edge, s, &why))
        return EXIT_DONE;
    cli_complain(c, "the login's edge %s: %s", login->edge, why);
    return EXIT_INPUT;
}

static enum exit_code resolve(struct cli *c, bool use_login)
{
    struct settings s = {.connect = args_get(&c->args, "connect")};
    const char *ca = args_get(&c->args, "ca");
    struct login login = {0};
    enum exit_code code = settings_given_token(c, &s.token);
    if (code == EXIT_DONE)
        code = read_timeout(c, &s.timeout_s);
    if (code == EXIT_DONE && ca)
        code = read_ca(c, ca, &s.ca_pem);
    if (code == EXIT_DONE)
        code = edge_and_login(c, &s, use_login ? &login : NULL);
    if (code != EXIT_DONE)
        return code;
    fill_from_hint(c, &s);
    fill_from_login(&s, &login);
    c->settings = s;
    return EXIT_DONE;
}

enum exit_code settings_resolve(struct cli *c)
{
    return c->settings.edge ? EXIT_DONE : resolve(c, true);
}

enum exit_code settings_resolve_fresh(struct cli *c)
{
    CHECK(args_has(&c->args, "edge"));
    return resolve(c, false);
}

void settings_deinit(struct settings *s)
{
    if (s->token)
        mem_wipe(s->token, strlen(s->token));
    s->token = NULL;
}
