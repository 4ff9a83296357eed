#include "cli/login_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/folders.h"
#include "core/file.h"
#include "core/mem.h"

#define LOGIN_FILE_MAX ((size_t)1 << 20)

const char *login_folder(struct arena *arena, char *(*env)(const char *name))
{
    return folder_named(arena, "XDG_CONFIG_HOME", "/.config", env);
}

static const char *login_path(struct cli *c)
{
    const char *folder = login_folder(&c->arena, getenv);
    return folder ? cli_text(c, "%s/login.json", folder) : NULL;
}

static void warn_of_mode(struct cli *c, const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)))
        cli_complain(c, "warning: %s can be read by others; mend it with: chmod 600 %s", path,
                     path);
}

static enum exit_code damaged(struct cli *c, const char *path, const char *why)
{
    cli_complain(c, "%s: %s", path, why);
    cli_advise(c, "take it away and log in again: linkup login");
    return EXIT_INPUT;
}

/* *ROOT is NULL when there is no file yet. */
static enum exit_code load(struct cli *c, const char *path, json_t **root)
{
    *root = NULL;
    char *data;
    size_t len;
    enum err e = file_read(path, LOGIN_FILE_MAX, &data, &len);
    if (e == ERR_NOT_FOUND)
        return EXIT_DONE;
    if (e != ERR_OK)
        return damaged(c, path, err_text(e));
    json_error_t error;
    *root = cli_keep(c, json_loadb(data, len, JSON_REJECT_DUPLICATES, &error));
    mem_wipe(data, len);
    mem_free(data);
    if (!*root || !json_is_object(json_object_get(*root, "edges")))
        return damaged(c, path, *root ? "it holds no logins" : "damaged: not JSON");
    warn_of_mode(c, path);
    return EXIT_DONE;
}

enum exit_code login_read(struct cli *c, const char *edge, struct login *out)
{
    *out = (struct login){0};
    const char *path = login_path(c);
    json_t *root;
    if (!path)
        return EXIT_DONE;
    enum exit_code code = load(c, path, &root);
    if (code != EXIT_DONE || !root)
        return code;

    if (!edge)
        edge = json_string_value(json_object_get(root, "edge"));
    const json_t *one = edge ? json_object_get(json_object_get(root, "edges"), edge) : NULL;
    if (!one)
        return EXIT_DONE;
    const char *token = json_string_value(json_object_get(one, "token"));
    *out = (struct login){
        .edge = edge,
        .token = token ? arena_strz(&c->arena, span_str(token)) : NULL,
        .connect = json_string_value(json_object_get(one, "connect")),
        .ca_pem = json_string_value(json_object_get(one, "ca")),
    };
    return EXIT_DONE;
}

static json_t *with_login(json_t *root, const struct login *l)
{
    json_t *one = json_object();
    if (l->token)
        json_object_set_new(one, "token", json_string(l->token));
    if (l->connect)
        json_object_set_new(one, "connect", json_string(l->connect));
    if (l->ca_pem)
        json_object_set_new(one, "ca", json_string(l->ca_pem));
    json_object_set_new(json_object_get(root, "edges"), l->edge, one);
    json_object_set_new(root, "edge", json_string(l->edge));
    return root;
}

enum exit_code login_write(struct cli *c, const struct login *l)
{
    const char *folder = login_folder(&c->arena, getenv);
    if (!folder) {
        cli_complain(c, "nowhere to keep the login: neither XDG_CONFIG_HOME nor HOME is set");
        return EXIT_INPUT;
    }
    const char *path = login_path(c);
    json_t *root;
    enum exit_code code = load(c, path, &root);
    if (code != EXIT_DONE)
        return code;
    if (!root)
        root = cli_keep(c, json_pack("{s:{}}", "edges"));

    char *text = json_dumps(with_login(root, l), JSON_INDENT(2));
    CHECK(text);
    bool written = folder_make(folder, &c->arena) &&
                   file_write_atomic(path, span_str(text), 0600) == ERR_OK;
    int why = errno;
    mem_wipe(text, strlen(text));
    free(text);
    if (written)
        return EXIT_DONE;
    cli_complain(c, "cannot keep the login in %s: %s", path, strerror(why));
    return EXIT_INPUT;
}
