#include "config/check.h"
#include "config/names.h"

static void check_acme(struct load *l)
{
    const struct config_certificates *c = &l->config->certificates;
    if (c->issuer == CERT_ISSUER_ACME && !c->acme_directory)
        load_fail_at(l, "certificates.acme.directory",
                     "is required with issuer: acme (for Let's Encrypt "
                     "https://acme-v02.api.letsencrypt.org/directory)");
}

/* What a dump shows in a secret's place is let through, so that dumps can be checked. */
static void check_eab_key(struct load *l)
{
    const char *key = l->config->certificates.acme_eab_key;
    if (!key || strcmp(key, "(secret)") == 0)
        return;
    for (const char *p = key; *p; p++) {
        char c = ascii_lower(*p);
        bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                  c == '=';
        if (ok)
            continue;
        load_fail_at(l, "certificates.acme.eab.key", "must be base64url text");
        return;
    }
}

/* The internal authority is constrained to the zone: what it signed for another name nobody would
 * accept. Which names the files have is known only once they are read. */
static void check_domains_covered(struct load *l)
{
    const struct config *c = l->config;
    if (!c->zone || c->certificates.issuer != CERT_ISSUER_INTERNAL || c->certificates.n_files > 0)
        return;
    for (size_t i = 0; i < c->n_domains; i++) {
        const char *domain = c->domains[i].domain;
        if (!domain || name_below(span_str(domain), span_str(c->zone), NULL))
            continue;
        load_fail_at(
            l, load_at(l, "domains[%zu].domain", i),
            "\"%s\" is outside the zone, for which the internal authority issues: it needs "
            "issuer: acme or certificates.files",
            domain);
    }
}

static void on_duplicate_file(void *arg, const struct named *first, const struct named *again)
{
    struct load *l = arg;
    load_fail_at(l, load_at(l, "certificates.files[%zu].cert", again->index),
                 SPAN_FMT " is there already, as certificates.files[%zu]", SPAN_ARG(first->name),
                 first->index);
}

/* What they hold is judged elsewhere (server/checks.c), and told with these. */
static void take_lines(struct load *l)
{
    struct config_certificates *c = &l->config->certificates;
    const struct yaml_node *list = yaml_tree_at(l->root, "certificates.files");
    if (list->kind != YAML_LIST || list->n != c->n_files)
        return;
    size_t i = 0;
    for (const struct yaml_node *n = list->first; n; n = n->next)
        c->files[i++].line = n->line;
}

static void check_files(struct load *l)
{
    const struct config_certificates *c = &l->config->certificates;
    struct name_index names;
    name_index_init(&names, l->scratch, c->n_files);
    for (size_t i = 0; i < c->n_files; i++)
        name_index_add(&names, c->files[i].cert, i);
    name_index_sort(&names);
    name_index_duplicates(&names, on_duplicate_file, l);
}

void check_certificates(struct load *l)
{
    check_acme(l);
    check_eab_key(l);
    check_domains_covered(l);
    if (l->config->certificates.n_files > 0) {
        take_lines(l);
        check_files(l);
    }
}
