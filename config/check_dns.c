/* Static records are checked where records are understood, in dns/; here they get their lines, so
 * that what is found there can be told with them. */
#include "config/check.h"

static unsigned *lines_of(struct load *l, const char *path, size_t n)
{
    const struct yaml_node *list = yaml_tree_at(l->root, path);
    if (n == 0 || list->kind != YAML_LIST || list->n != n)
        return NULL;
    unsigned *lines = arena_must_alloc(l->arena, n * sizeof *lines);
    size_t i = 0;
    for (const struct yaml_node *c = list->first; c; c = c->next)
        lines[i++] = c->line;
    return lines;
}

void check_dns(struct load *l)
{
    struct config_dns *dns = &l->config->dns;
    dns->record_lines = lines_of(l, "dns.records", dns->records.n);
    dns->caa_lines = lines_of(l, "dns.caa", dns->caa.n);
}
