/* x-forwarded-for, -proto, -host, -port and forwarded (RFC 7239): where a request came in, for the back.
 * What the client says of itself is replaced; what a trusted proxy says is kept and added to. Pure. */
#pragma once

#include "proxy/head/forward.h"

/* Whether F is one of ours to say: also further x-forwarded-* ones that frameworks believe. */
bool forwarded_is_claim(const struct field *f);
/* ERR_FULL without room. When the peer is not trusted its claims have been taken out before. */
enum err forwarded_add(struct fields *f, const struct forward_facts *facts,
                       struct arena *arena) MUST_USE;
