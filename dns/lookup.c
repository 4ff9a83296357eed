#include "dns/lookup.h"

/* "service--session" in one label: neither part can hold "--" itself. */
static struct span session_of_label(const uint8_t *label)
{
    struct span s = dns_label_span(label);
    for (size_t i = 1; i + 2 < s.len; i++) {
        if (s.p[i] == '-' && s.p[i + 1] == '-')
            return span_from(s, i + 2);
    }
    return s;
}

struct walk {
    const struct dns_node *node;  /* the closest encloser (RFC 4592 3.3.1) */
    unsigned left;                /* labels that are not in the tree */
    const struct dns_node *first; /* the node directly below the apex that was passed, or NULL */
    bool in_domain;
    unsigned domain_left; /* labels below the deepest configured domain that was passed */
};

static struct walk walk_down(const struct dns_zone *z, const struct dns_name *name, unsigned below)
{
    struct walk w = {.node = z->tree.apex, .left = below};
    while (w.left > 0) {
        const uint8_t *label = dns_name_label(name, w.left - 1);
        const struct dns_node *child = dns_tree_child(&z->tree, w.node, label);
        if (!child)
            break;
        w.node = child;
        w.left--;
        if (!w.first)
            w.first = child;
        if (child->domain) {
            w.in_domain = true;
            w.domain_left = w.left;
        }
    }
    return w;
}

/* Below a configured domain stand sessions; below the zone stand sessions, services and the edge's
 * own names, and below a session its services. */
static struct span session_of(const struct walk *w, const struct dns_name *name, unsigned below)
{
    const struct span none = {NULL, 0};
    if (w->in_domain)
        return w->domain_left == 0 ? none
                                   : dns_label_span(dns_name_label(name, w->domain_left - 1));
    if (below == 0 || (w->first && w->first->lives))
        return none;
    return session_of_label(dns_name_label(name, below - 1));
}

struct dns_found dns_lookup(const struct dns_zone *z, const struct dns_name *name, unsigned below)
{
    struct walk w = walk_down(z, name, below);
    struct dns_found f = {.exact = w.left == 0};
    /* RFC 4592 3.3: only the closest encloser's own wildcard is a source of synthesis. */
    f.node = f.exact ? w.node : w.node->wildcard;
    if (dns_zone_asks_sessions(z))
        f.session = session_of(&w, name, below);
    return f;
}

bool dns_found_is_ours(const struct dns_zone *z, const struct dns_found *f,
                       const struct dns_oracle *oracle)
{
    if (!z->only_sessions)
        return true;
    return f->session.p && oracle->session_lives && oracle->session_lives(oracle->ctx, f->session);
}

bool dns_found_lives(const struct dns_zone *z, const struct dns_found *f,
                     const struct dns_oracle *oracle)
{
    if (!z->nxdomain || !f->session.p || !oracle->session_lives)
        return true;
    return oracle->session_lives(oracle->ctx, f->session);
}
