/* The stores of trusted CAs on this machine: the system's, and the NSS databases of browsers.
 *
 * Every function says on standard error what it did or why it could not, and notes it in `report`, an
 * array of {"store", "state"}; each may be called again and then finds its work done. */
#pragma once

#include "cli/cli.h"

struct ca_stores {
    const char *id;   /* the zone: "dev.example.com"; names the entry */
    const char *pem;  /* NULL to take away */
    const char *root; /* "" or the folder below which the other system lies */
    json_t *report;
};

enum exit_code ca_system_trust(struct cli *c, const struct ca_stores *s);
enum exit_code ca_system_untrust(struct cli *c, const struct ca_stores *s);
/* Whether the system's store has it. Nothing is said. */
bool ca_system_has(struct cli *c, const struct ca_stores *s);
enum exit_code ca_nss_trust(struct cli *c, const struct ca_stores *s);
enum exit_code ca_nss_untrust(struct cli *c, const struct ca_stores *s);

/* Says "STORE: STATE" and notes it. */
void ca_stores_note(struct cli *c, const struct ca_stores *s, const char *store, const char *state);
