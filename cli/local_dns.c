#include "cli/local_dns.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/edge.h"
#include "cli/local_dns_kinds.h"
#include "config/names.h"
#include "core/file.h"
#include "core/mem.h"

#define OURS_MAX ((size_t)64 << 10)

/* --- which names ------------------------------------------------------------------------------- */

void local_dns_of(struct cli *c, const struct local_place *p, const char *session, const char *root,
                  struct local_dns *out)
{
    size_t i;
    json_t *d;
    *out = (struct local_dns){.root = root ? root : "",
                              .live = root == NULL,
                              .keep = p->folder,
                              .session = session,
                              .zone = p->zone,
                              .port = p->dns};
    out->domains[out->n_domains++] = cli_text(c, "%s.%s", session, p->zone);
    const json_t *part = local_read_json(c, local_place_session(c, p, session));
    json_array_foreach(json_object_get(part, "domains"), i, d)
    {
        const char *domain = json_text(d, "domain");
        bool below = name_is_host(span_str(domain)) && strcmp(domain, p->zone) != 0;
        if (below && out->n_domains < LOCAL_DNS_DOMAINS_MAX)
            out->domains[out->n_domains++] = cli_text(c, "%s.%s", session, domain);
    }
}

/* --- files of ours ------------------------------------------------------------------------------- */

/* PATH's text, in the arena; NULL: there is none, or none of so small a size. */
static const char *read_small(struct cli *c, const char *path)
{
    char *data;
    size_t len;
    if (file_read(path, OURS_MAX, &data, &len) != ERR_OK)
        return NULL;
    const char *text = arena_strz(&c->arena, span_of(data, len));
    mem_free(data);
    return text;
}

/* What the first line says whose it is; NULL: not ours. */
static const char *owner_of(struct cli *c, const char *path)
{
    const char *text = read_small(c, path);
    size_t mark = strlen(LOCAL_DNS_MARK);
    if (!text || strncmp(text, LOCAL_DNS_MARK, mark) != 0)
        return NULL;
    return cli_text(c, "%.*s", (int)strcspn(text + mark, "\n"), text + mark);
}

static const char *path_of(struct cli *c, const struct local_dns *d, const struct local_dns_kind *k,
                           size_t i)
{
    return cli_text(c, "%s%s/%s", d->root, k->folder, k->file(c, d, i));
}

static size_t n_files(const struct local_dns *d, const struct local_dns_kind *k)
{
    return k->file_each ? d->n_domains : 1;
}

/* Calls TELL for each file of ours in K's folder. */
static void each_file(struct cli *c, const char *root, const struct local_dns_kind *k,
                      void (*tell)(void *ctx, const char *path, const char *owner), void *ctx)
{
    const char *folder = cli_text(c, "%s%s", root, k->folder);
    DIR *dir = opendir(folder);
    const struct dirent *e;
    while (dir && (e = readdir(dir))) {
        const char *path = cli_text(c, "%s/%s", folder, e->d_name);
        const char *owner = e->d_name[0] == '.' ? NULL : owner_of(c, path);
        if (owner)
            tell(ctx, path, owner);
    }
    if (dir)
        closedir(dir);
}

/* --- what is there ------------------------------------------------------------------------------- */

struct listing {
    json_t *owners;
};

static void note_owner(void *ctx, const char *path, const char *owner)
{
    struct listing *l = ctx;
    size_t i;
    json_t *o;
    (void)path;
    json_array_foreach(l->owners, i, o) if (strcmp(json_string_value(o), owner) == 0) return;
    json_array_append_new(l->owners, json_string(owner));
}

json_t *local_dns_list(struct cli *c, const char *root)
{
    struct listing l = {cli_keep(c, json_array())};
    for (size_t i = 0; i < LOCAL_DNS_KINDS; i++)
        each_file(c, root, &local_dns_kinds[i], note_owner, &l);
    return l.owners;
}

struct owned {
    const char *whose;
    const char *paths[LOCAL_DNS_DOMAINS_MAX];
    size_t n;
};

static void note_path(void *ctx, const char *path, const char *owner)
{
    struct owned *o = ctx;
    if (strcmp(owner, o->whose) == 0 && o->n < ARRAY_LEN(o->paths))
        o->paths[o->n++] = path;
}

static struct owned files_of(struct cli *c, const struct local_dns *d,
                             const struct local_dns_kind *k)
{
    struct owned o = {.whose = cli_text(c, "%s.%s", d->session, d->zone)};
    each_file(c, d->root, k, note_path, &o);
    return o;
}

static bool is_right(struct cli *c, const struct local_dns *d, const struct local_dns_kind *k)
{
    if (files_of(c, d, k).n != n_files(d, k))
        return false;
    for (size_t i = 0; i < n_files(d, k); i++) {
        const char *text = read_small(c, path_of(c, d, k, i));
        if (!text || strcmp(text, k->text(c, d, i)) != 0)
            return false;
    }
    return true;
}

enum local_dns_found local_dns_look(struct cli *c, const struct local_dns *d)
{
    const struct local_dns_kind *now = local_dns_kind_of(c, d->root);
    size_t there = 0;
    for (size_t i = 0; i < LOCAL_DNS_KINDS; i++)
        there += files_of(c, d, &local_dns_kinds[i]).n;
    if (there == 0)
        return LOCAL_DNS_NONE;
    return now && is_right(c, d, now) ? LOCAL_DNS_RIGHT : LOCAL_DNS_OTHER;
}

/* --- taking away --------------------------------------------------------------------------------- */

static const char *name_in(const char *path)
{
    return strrchr(path, '/') + 1;
}

static bool is_wanted(struct cli *c, const struct local_dns *d, const struct local_dns_kind *k,
                      const char *path)
{
    for (size_t i = 0; i < n_files(d, k); i++)
        if (strcmp(path, path_of(c, d, k, i)) == 0)
            return true;
    return false;
}

/* All files of D's session in K's folder; with BUT_WANTED only those that D does not mean. How many. */
static size_t take_away(struct cli *c, const struct local_dns *d, const struct local_dns_kind *k,
                        bool but_wanted, struct root_steps *s)
{
    struct owned o = files_of(c, d, k);
    size_t n = 0;
    for (size_t i = 0; i < o.n; i++) {
        if (but_wanted && is_wanted(c, d, k, o.paths[i]))
            continue;
        if (k->before_gone)
            k->before_gone(c, d, name_in(o.paths[i]), s);
        root_steps_remove(s, o.paths[i]);
        n++;
    }
    if (n > 0)
        k->after_gone(c, d, s);
    return n;
}

enum exit_code local_dns_uninstall(struct cli *c, const struct local_dns *d, const char **state)
{
    struct root_steps steps = {.n = 0};
    for (size_t i = 0; i < LOCAL_DNS_KINDS; i++)
        take_away(c, d, &local_dns_kinds[i], false, &steps);
    *state = steps.n ? "uninstalled" : "not there";
    if (steps.n == 0)
        return EXIT_DONE;
    const char *what = cli_text(c, "giving the names of %s.%s back", d->session, d->zone);
    return root_steps_make(c, &steps, what, d->keep, *d->root != '\0');
}

/* --- pointing here ------------------------------------------------------------------------------- */

static enum exit_code by_hand(struct cli *c, const struct local_dns *d)
{
    cli_complain(
        c, "this machine's resolver is of no kind that can be told (systemd-resolved, dnsmasq, "
           "macOS's)");
    for (size_t i = 0; i < d->n_domains; i++)
        cli_advise(c, "point %s, and all below it, to the DNS at 127.0.0.1, port %u", d->domains[i],
                   (unsigned)d->port);
    cli_advise(c, "or each host by itself, in /etc/hosts: 127.0.0.1 <service>.%s.%s", d->session,
               d->zone);
    return EXIT_INPUT;
}

/* A file of that name which is not ours is somebody's work. */
static enum exit_code need_ours(struct cli *c, const struct local_dns *d,
                                const struct local_dns_kind *k)
{
    for (size_t i = 0; i < n_files(d, k); i++) {
        struct stat st;
        const char *path = path_of(c, d, k, i);
        if (lstat(path, &st) != 0 || owner_of(c, path))
            continue;
        cli_complain(c, "%s is there already, and not made by this command", path);
        cli_advise(c, "take it away, if it is not needed");
        return EXIT_INPUT;
    }
    return EXIT_DONE;
}

static void put_files(struct cli *c, const struct local_dns *d, const struct local_dns_kind *k,
                      struct root_steps *s)
{
    const char *folder = cli_text(c, "%s%s", d->root, k->folder);
    struct stat st;
    if (stat(folder, &st) != 0)
        root_steps_run(s, (const char *const[]){"mkdir", "-p", folder, NULL});
    for (size_t i = 0; i < n_files(d, k); i++)
        root_steps_put(s, path_of(c, d, k, i), k->text(c, d, i));
    k->after_put(c, d, k->file(c, d, 0), s);
}

/* Half of it is nothing: the next call must not think that all is done. */
static void take_back(struct cli *c, const struct local_dns *d, const struct local_dns_kind *k)
{
    struct root_steps steps = {.n = 0};
    struct owned o = files_of(c, d, k);
    for (size_t i = 0; i < o.n; i++)
        root_steps_remove(&steps, o.paths[i]);
    enum exit_code code = o.n ? root_steps_make(c, &steps, "taking it back", d->keep,
                                                *d->root != '\0')
                              : EXIT_DONE;
    (void)code;
}

enum exit_code local_dns_install(struct cli *c, const struct local_dns *d, const char **state)
{
    const struct local_dns_kind *k = local_dns_kind_of(c, d->root);
    struct root_steps steps = {.n = 0};
    *state = "not installed";
    CHECK(d->n_domains > 0 && d->n_domains <= LOCAL_DNS_DOMAINS_MAX);
    if (!k)
        return by_hand(c, d);
    enum exit_code code = need_ours(c, d, k);
    if (code != EXIT_DONE)
        return code;
    for (size_t i = 0; i < LOCAL_DNS_KINDS; i++)
        take_away(c, d, &local_dns_kinds[i], &local_dns_kinds[i] == k, &steps);
    if (steps.n == 0 && is_right(c, d, k)) {
        *state = "installed already";
        return EXIT_DONE;
    }
    put_files(c, d, k, &steps);
    const char *what = cli_text(c, "pointing the names of %s.%s here (%s)", d->session, d->zone,
                                k->name);
    code = root_steps_make(c, &steps, what, d->keep, *d->root != '\0');
    if (code == EXIT_DONE)
        *state = "installed";
    else
        take_back(c, d, k);
    return code;
}
