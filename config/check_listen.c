/* Listeners: no two at one place, and the port that URLs show. */
#include <sys/un.h>

#include "config/check.h"

#define LISTENERS_MAX 256 /* four lists of at most 64 */

struct listener {
    const struct addr *addr;
    const char *list;
    size_t index;
};

static size_t gather(struct listener *out, size_t n, const struct config_addrs *list,
                     const char *name)
{
    for (size_t i = 0; i < list->n; i++) {
        CHECK(n < LISTENERS_MAX);
        if (list->v[i].len > 0)
            out[n++] = (struct listener){&list->v[i], name, i};
    }
    return n;
}

static bool is_given(const struct load *l, const struct listener *x)
{
    const struct yaml_node *listen = yaml_tree_child(l->root, SPAN_LIT("listen"));
    return listen && yaml_tree_child(listen, span_str(x->list)) != NULL;
}

/* Of two at one place the later one is to blame, unless it is a default. */
static void report_clash(struct load *l, const struct listener *first, const struct listener *again)
{
    char text[ADDR_TEXT_MAX];
    bool by_default = !is_given(l, again);
    const struct listener *blamed = by_default ? first : again;
    const struct listener *other = by_default ? again : first;
    load_fail_at(l, load_at(l, "listen.%s[%zu]", blamed->list, blamed->index),
                 "%s is there already, as listen.%s[%zu]%s", addr_text(blamed->addr, text),
                 other->list, other->index, by_default ? ", a default" : "");
}

/* All four listen on TCP, and with SO_REUSEPORT the system would not refuse the second one. */
static void check_clashes(struct load *l)
{
    const struct config *c = l->config;
    struct listener all[LISTENERS_MAX];
    size_t n = 0;
    n = gather(all, n, &c->listen_dns, "dns");
    n = gather(all, n, &c->listen_https, "https");
    n = gather(all, n, &c->listen_http, "http");
    n = gather(all, n, &c->listen_metrics, "metrics");

    for (size_t i = 1; i < n; i++) {
        size_t j = 0;
        while (j < i && !addr_eq(all[i].addr, all[j].addr))
            j++;
        /* With port 0 each gets a port of its own. */
        if (j == i || addr_port(all[i].addr) == 0)
            continue;
        report_clash(l, &all[j], &all[i]);
    }
}

static void check_admin_socket(struct load *l)
{
    struct sockaddr_un un;
    const char *path = l->config->admin_socket;
    if (path && strlen(path) >= sizeof un.sun_path)
        load_fail_at(l, "admin_socket", "must be a path of at most %zu bytes, not \"%.120s\"",
                     sizeof un.sun_path - 1, path);
}

static void resolve_public_port(struct config *c)
{
    if (c->public_https_port != 0)
        return;
    uint16_t first = c->listen_https.n > 0 ? addr_port(&c->listen_https.v[0]) : 0;
    c->public_https_port = first ? first : 443;
}

void check_listen(struct load *l)
{
    check_clashes(l);
    check_admin_socket(l);
    resolve_public_port(l->config);
}
