/* Backend URLs: "http://host:port/base", "https://...", "h2c://...". */
#pragma once

#include "config/config.h"
#include "core/arena.h"

/* Takes URL apart strictly (RFC 3986; no user info, query or fragment; port 1-65535; host a name or
 * an IP literal); strings go to ARENA. Sets scheme, host, host_is_ip, port, base_path, url and the
 * defaults of the rest. On ERR_SYNTAX *WHY is a static sentence. */
enum err backend_url_parse(struct span url, struct arena *arena, struct config_backend *out,
                           const char **why) MUST_USE;
/* "host:port" in the same way; the port must be there. */
enum err backend_hostport_parse(struct span text, struct arena *arena, struct config_hostport *out,
                                const char **why) MUST_USE;
/* Where connections to B go. */
static inline struct config_hostport backend_connect(const struct config_backend *b)
{
    return b->connect.host ? b->connect : (struct config_hostport){b->host, b->port};
}
