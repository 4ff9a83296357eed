/* Which certificate a host needs: one a session, one for the zone, one for each further domain.
 *
 * The base B of a certificate stands for the names B and *.B. Pure. */
#pragma once

#include "config/config.h"

#define CERT_BASE_MAX 254

/* The base for HOST (lower case, no final dot), terminated, in OUT:
 *   the zone and one label below it                    -> the zone
 *   a configured domain D and one label below it       -> D
 *   <service>.<session>.<zone>                         -> <session>.<zone>
 * ERR_NOT_FOUND for any other: such a certificate is never made. */
enum err cert_base_for(const struct config *c, struct span host, char out[CERT_BASE_MAX]) MUST_USE;
/* The session's label when BASE is a session's certificate, else the empty span. */
struct span cert_base_session(const struct config *c, struct span base);
/* Whether BASE is one of those that cert_base_for gives: the zone, a configured domain, a
 * session's. */
bool cert_base_valid(const struct config *c, struct span base);
