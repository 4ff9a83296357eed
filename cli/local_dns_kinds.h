/* The kinds of resolvers that can be told where a domain's names are answered. */
#pragma once

#include "cli/local_dns.h"

struct local_dns_kind {
    const char *name;
    const char *folder; /* of its files */
    /* The file for the domains from I on in S's folder, and how many it is for. */
    const char *(*file)(struct cli *c, const struct local_dns *d, size_t i);
    bool file_each; /* a file for each domain; else one for all */
    const char *(*text)(struct cli *c, const struct local_dns *d, size_t i);
    /* What is to be run when files have come, or before and after they go. FILE: the name of one. */
    void (*after_put)(struct cli *c, const struct local_dns *d, const char *file,
                      struct root_steps *s);
    void (*before_gone)(struct cli *c, const struct local_dns *d, const char *file,
                        struct root_steps *s);
    void (*after_gone)(struct cli *c, const struct local_dns *d, struct root_steps *s);
};

#define LOCAL_DNS_KINDS 4
extern const struct local_dns_kind local_dns_kinds[LOCAL_DNS_KINDS];

/* That of the system below ROOT; NULL: of none of them. */
const struct local_dns_kind *local_dns_kind_of(struct cli *c, const char *root);
/* The first line of a file of ours, without its end: "# linkup local-dns: SESSION.ZONE". */
#define LOCAL_DNS_MARK "# linkup local-dns: "
const char *local_dns_mark(struct cli *c, const struct local_dns *d);
