/* What a ClientHello asks for, read before the handshake believes any of it. Pure. */
#pragma once

#include <openssl/ssl.h>

#include "certs/naming.h"
#include "core/span.h"

/* The host named by server_name, lower case and without final dot, in BUF; empty when the extension
 * is absent. ERR_SYNTAX when it is not exactly one host name. RFC 6066 3. */
enum err client_hello_host(const SSL_CLIENT_HELLO *hello, char buf[CERT_BASE_MAX],
                           struct span *host) MUST_USE;
