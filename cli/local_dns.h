/* Which names of this machine's resolver lead to the local edge's DNS: those of one session, and no others.
 *
 * What a resolver is given for a session is one file, or one for each domain, whose first line says whose it is:
 * nothing else is ever changed or taken away. The kinds of resolvers are in local_dns_kinds.c. */
#pragma once

#include <stdint.h>

#include "cli/local_place.h"
#include "cli/root_steps.h"

#define LOCAL_DNS_DOMAINS_MAX 33

struct local_dns {
    const char *root; /* "" or the folder below which the other system lies */
    bool live;        /* the system runs: its programs are told */
    const char *keep; /* a folder of this user's, for root_steps_make */
    const char *session, *zone;
    const char *domains[LOCAL_DNS_DOMAINS_MAX]; /* each with all that is below it */
    size_t n_domains;
    uint16_t port; /* of the DNS, on 127.0.0.1 */
};

/* The names of SESSION, which the local edge of P serves. ROOT: NULL for this system. */
void local_dns_of(struct cli *c, const struct local_place *p, const char *session, const char *root,
                  struct local_dns *out);
/* Points them there; *STATE: what was done ("installed", "installed already"). Says what to do by hand where the
 * resolver is of no kind that is known. */
enum exit_code local_dns_install(struct cli *c, const struct local_dns *d,
                                 const char **state) MUST_USE;
/* Undoes it, whatever kind the resolver was of; the domains and the port are not looked at. */
enum exit_code local_dns_uninstall(struct cli *c, const struct local_dns *d,
                                   const char **state) MUST_USE;

enum local_dns_found {
    LOCAL_DNS_NONE,  /* nothing is installed for the session */
    LOCAL_DNS_OTHER, /* other domains, or another port */
    LOCAL_DNS_RIGHT,
};

/* What is installed for D's session. */
enum local_dns_found local_dns_look(struct cli *c, const struct local_dns *d);
/* "SESSION.ZONE" of all that is installed: a JSON array, kept by the run. */
json_t *local_dns_list(struct cli *c, const char *root);
