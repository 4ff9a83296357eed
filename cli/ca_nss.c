/* The databases in which Chromium and Firefox keep whom they trust, changed by certutil. */

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ca_cert.h"
#include "cli/ca_stores.h"
#include "cli/tool.h"

#define DATABASES_MAX 64
#define CERTUTIL_OUTPUT ((size_t)1 << 20)

struct databases {
    const char *v[DATABASES_MAX];
    size_t n;
};

static void add_if_there(struct cli *c, struct databases *d, const char *folder)
{
    if (d->n < DATABASES_MAX && access(cli_text(c, "%s/cert9.db", folder), F_OK) == 0)
        d->v[d->n++] = folder;
}

static void add_profiles(struct cli *c, struct databases *d, const char *folder)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort);
    if (n < 0)
        return;
    for (int i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.')
            add_if_there(c, d, cli_text(c, "%s/%s", folder, entries[i]->d_name));
        free(entries[i]);
    }
    free(entries);
}

static struct databases find_databases(struct cli *c, const char *home)
{
    static const char *const single[] = {".pki/nssdb", "snap/chromium/current/.pki/nssdb"};
    static const char *const profiles[] = {
        ".mozilla/firefox",
        ".config/mozilla/firefox",
        "snap/firefox/common/.mozilla/firefox",
        ".var/app/org.mozilla.firefox/.mozilla/firefox",
    };
    struct databases d = {.n = 0};
    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++)
        add_if_there(c, &d, cli_text(c, "%s/%s", home, single[i]));
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
        add_profiles(c, &d, cli_text(c, "%s/%s", home, profiles[i]));
    return d;
}

/* The certificate kept under NICKNAME; NULL when there is none. */
static const struct ca_cert *held(struct cli *c, const char *db, const char *nickname)
{
    struct buf out;
    buf_init(&out, CERTUTIL_OUTPUT);
    int status = tool_run(
        (const char *const[]){"certutil", "-L", "-d", db, "-n", nickname, "-a", NULL}, &out);
    struct ca_cert *cert = (struct ca_cert *)arena_must_alloc(&c->arena, sizeof *cert);
    const char *why;
    bool found = status == 0 && ca_cert_parse(&c->arena, buf_span(&out), cert, &why);
    buf_deinit(&out);
    return found ? cert : NULL;
}

static bool trusts_it(const char *db, const char *nickname)
{
    struct buf out;
    buf_init(&out, CERTUTIL_OUTPUT);
    int status = tool_run((const char *const[]){"certutil", "-L", "-d", db, NULL}, &out);
    bool yes = false;
    struct span rest = buf_span(&out), line;
    /* "nickname      C,,": the flags are the line's last word. */
    while (status == 0 && span_split(&rest, '\n', &line))
        if (span_starts(line, span_str(nickname)) && span_ends(span_trim(line), SPAN_LIT(" C,,")))
            yes = true;
    buf_deinit(&out);
    return yes;
}

static bool remove_from(const char *db, const char *nickname)
{
    return tool_run((const char *const[]){"certutil", "-D", "-d", db, "-n", nickname, NULL},
                    NULL) == 0;
}

/* certutil reads the certificate from a file only. */
static bool add_to(const char *db, const char *nickname, const char *pem)
{
    char path[] = "/tmp/linkup-ca-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0)
        return false;
    size_t len = strlen(pem);
    bool written = write(fd, pem, len) == (ssize_t)len;
    close(fd);
    int status = -1;
    if (written)
        status = tool_run((const char *const[]){"certutil", "-A", "-d", db, "-n", nickname, "-t",
                                                "C,,", "-a", "-i", path, NULL},
                          NULL);
    unlink(path);
    return status == 0;
}

static enum exit_code trust_in(struct cli *c, const struct ca_stores *s, const char *folder,
                               const char *nickname)
{
    const char *db = cli_text(c, "sql:%s", folder);
    const struct ca_cert *there = held(c, db, nickname);
    if (there && strcmp(there->pem, s->pem) == 0 && trusts_it(db, nickname)) {
        ca_stores_note(c, s, folder, "trusted already");
        return EXIT_DONE;
    }
    /* A CA that was made anew has the same name. */
    bool done = (!there || remove_from(db, nickname)) && add_to(db, nickname, s->pem);
    ca_stores_note(c, s, folder, done ? "trusted" : "not changed: certutil failed");
    return done ? EXIT_DONE : EXIT_INPUT;
}

static enum exit_code untrust_in(struct cli *c, const struct ca_stores *s, const char *folder,
                                 const char *nickname)
{
    const char *db = cli_text(c, "sql:%s", folder);
    if (!held(c, db, nickname)) {
        ca_stores_note(c, s, folder, "not there");
        return EXIT_DONE;
    }
    bool done = remove_from(db, nickname);
    ca_stores_note(c, s, folder, done ? "no longer trusted" : "not changed: certutil failed");
    return done ? EXIT_DONE : EXIT_INPUT;
}

typedef enum exit_code change_one(struct cli *c, const struct ca_stores *s, const char *folder,
                                  const char *nickname);

static enum exit_code change_all(struct cli *c, const struct ca_stores *s, change_one *change)
{
    const char *home = getenv("HOME");
    struct databases d = {.n = 0};
    if (home && home[0] == '/')
        d = find_databases(c, home);
    if (d.n == 0) {
        cli_say(c, "no browser keeps certificates of its own below %s", home ? home : "HOME");
        return EXIT_DONE;
    }
    char tool[4096];
    if (!tool_find("certutil", tool, sizeof tool)) {
        cli_complain(c, "%zu browser databases are left as they are: certutil is missing", d.n);
        cli_advise(c, "Debian: apt-get install libnss3-tools; then call this again");
        return EXIT_INPUT;
    }
    const char *nickname = cli_text(c, "linkup %s", s->id);
    enum exit_code first = EXIT_DONE;
    for (size_t i = 0; i < d.n; i++) {
        enum exit_code code = change(c, s, d.v[i], nickname);
        first = first == EXIT_DONE ? code : first;
    }
    return first;
}

enum exit_code ca_nss_trust(struct cli *c, const struct ca_stores *s)
{
    return change_all(c, s, trust_in);
}

enum exit_code ca_nss_untrust(struct cli *c, const struct ca_stores *s)
{
    return change_all(c, s, untrust_in);
}
