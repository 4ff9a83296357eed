/* The system's store: a folder of anchors, and a program that makes the bundles from it. */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/ca_stores.h"
#include "cli/tool.h"
#include "core/file.h"
#include "core/mem.h"

#define PEM_MAX ((size_t)1 << 20)

static const struct kind {
    const char *anchors; /* the folder */
    const char *tool;
    const char *add, *change; /* its argument after an anchor came, and after one went or changed */
    const char *made;         /* where it makes a file of our anchor; NULL: nowhere */
} kinds[] = {
    /* Debian: only a fresh start takes away the links of what is gone. */
    {"/usr/local/share/ca-certificates", "update-ca-certificates", NULL, "--fresh",
     "/etc/ssl/certs"},
    /* Fedora */
    {"/etc/pki/ca-trust/source/anchors", "update-ca-trust", "extract", "extract", NULL},
};

void ca_stores_note(struct cli *c, const struct ca_stores *s, const char *store, const char *state)
{
    cli_say(c, "%s: %s", store, state);
    json_array_append_new(s->report, json_pack("{s:s, s:s}", "store", store, "state", state));
}

static const struct kind *find_kind(struct cli *c, const struct ca_stores *s)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct stat st;
        if (stat(cli_text(c, "%s%s", s->root, kinds[i].anchors), &st) == 0 && S_ISDIR(st.st_mode))
            return &kinds[i];
    }
    cli_complain(c, "no system store that I know below %s/", s->root);
    cli_advise(c, "add the certificate by hand: linkup ca show");
    return NULL;
}

static const char *anchor_path(struct cli *c, const struct ca_stores *s, const struct kind *k)
{
    return cli_text(c, "%s%s/linkup-%s.crt", s->root, k->anchors, s->id);
}

static bool holds(const char *path, const char *pem)
{
    char *data;
    size_t len;
    if (file_read(path, PEM_MAX, &data, &len) != ERR_OK)
        return false;
    bool same = span_eq(span_of(data, len), span_str(pem));
    mem_free(data);
    return same;
}

bool ca_system_has(struct cli *c, const struct ca_stores *s)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (holds(anchor_path(c, s, &kinds[i]), s->pem))
            return true;
    return false;
}

/* Whether the tool has run since the anchor came. */
static bool is_made(struct cli *c, const struct ca_stores *s, const struct kind *k)
{
    return !k->made ||
           access(cli_text(c, "%s%s/linkup-%s.pem", s->root, k->made, s->id), R_OK) == 0;
}

static int run_debian_below(struct cli *c, const char *tool, const char *argument, const char *root)
{
    const char *const argv[] = {
        tool,
        "--certsconf",
        cli_text(c, "%s/etc/ca-certificates.conf", root),
        "--certsdir",
        cli_text(c, "%s/usr/share/ca-certificates", root),
        "--localcertsdir",
        cli_text(c, "%s/usr/local/share/ca-certificates", root),
        "--etccertsdir",
        cli_text(c, "%s/etc/ssl/certs", root),
        "--hooksdir",
        cli_text(c, "%s/etc/ca-certificates/update.d", root),
        argument,
        NULL,
    };
    return tool_run(argv, NULL);
}

/* CHANGED: an anchor went, or is another than before. */
static enum exit_code run_tool(struct cli *c, const struct ca_stores *s, const struct kind *k,
                               bool changed)
{
    char tool[4096];
    if (!tool_find(k->tool, tool, sizeof tool)) {
        cli_complain(c, "%s is not installed (Debian: apt-get install ca-certificates)", k->tool);
        return EXIT_INPUT;
    }
    const char *argument = changed ? k->change : k->add;
    int status;
    if (!*s->root)
        status = tool_run((const char *const[]){tool, argument, NULL}, NULL);
    else if (k == &kinds[0])
        status = run_debian_below(c, tool, argument, s->root);
    else
        status = tool_run((const char *const[]){"chroot", s->root, k->tool, argument, NULL}, NULL);
    if (status == 0)
        return EXIT_DONE;
    if (status < 0)
        cli_complain(c, "%s: %s", tool, strerror(errno));
    else
        cli_complain(c, "%s failed (%d)", tool, status);
    return EXIT_INPUT;
}

static enum exit_code need_root(struct cli *c, const struct ca_stores *s, const char *path,
                                const struct kind *k)
{
    ca_stores_note(c, s, path, "not changed: that needs root");
    const char *tool = cli_text(c, "sudo %s %s", k->tool, k->change);
    if (s->pem)
        cli_advise(c, "linkup ca show | sudo tee %s >/dev/null && %s", path, tool);
    else
        cli_advise(c, "sudo rm %s && %s", path, tool);
    return EXIT_INPUT;
}

enum exit_code ca_system_trust(struct cli *c, const struct ca_stores *s)
{
    const struct kind *k = find_kind(c, s);
    if (!k)
        return EXIT_INPUT;
    const char *path = anchor_path(c, s, k);
    bool held = holds(path, s->pem);
    if (held && is_made(c, s, k)) {
        ca_stores_note(c, s, path, "trusted already");
        return EXIT_DONE;
    }
    if (access(cli_text(c, "%s%s", s->root, k->anchors), W_OK) != 0)
        return need_root(c, s, path, k);
    bool was_there = access(path, F_OK) == 0;
    if (!held && file_write_atomic(path, span_str(s->pem), 0644) != ERR_OK) {
        cli_complain(c, "%s: %s", path, strerror(errno));
        return EXIT_INPUT;
    }
    enum exit_code code = run_tool(c, s, k, was_there);
    if (code == EXIT_DONE)
        ca_stores_note(c, s, path, "trusted");
    else
        unlink(path); /* the next call must not think that all is done */
    return code;
}

enum exit_code ca_system_untrust(struct cli *c, const struct ca_stores *s)
{
    const struct kind *k = find_kind(c, s);
    if (!k)
        return EXIT_INPUT;
    const char *path = anchor_path(c, s, k);
    if (access(path, F_OK) != 0) {
        ca_stores_note(c, s, path, "not there");
        return EXIT_DONE;
    }
    if (access(cli_text(c, "%s%s", s->root, k->anchors), W_OK) != 0)
        return need_root(c, s, path, k);
    if (unlink(path) != 0) {
        cli_complain(c, "%s: %s", path, strerror(errno));
        return EXIT_INPUT;
    }
    enum exit_code code = run_tool(c, s, k, true);
    if (code == EXIT_DONE)
        ca_stores_note(c, s, path, "no longer trusted");
    return code;
}
