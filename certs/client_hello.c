#include "certs/client_hello.h"

#include <openssl/bytestring.h>

#include "config/names.h"

/* struct { NameType name_type; HostName host_name; } ServerName; ServerNameList<1..2^16-1>.
 * "The ServerNameList MUST NOT contain more than one name of the same name_type", and host_name is
 * the only type there is: anything behind the first name is an error. */
static bool read_server_name(CBS ext, CBS *name)
{
    CBS list;
    uint8_t type;
    return CBS_get_u16_length_prefixed(&ext, &list) && CBS_len(&ext) == 0 &&
           CBS_get_u8(&list, &type) && type == TLSEXT_NAMETYPE_host_name &&
           CBS_get_u16_length_prefixed(&list, name) && CBS_len(&list) == 0;
}

enum err client_hello_host(const SSL_CLIENT_HELLO *hello, char buf[CERT_BASE_MAX],
                           struct span *host)
{
    const uint8_t *data;
    size_t len;
    *host = (struct span){0};
    if (!SSL_early_callback_ctx_extension_get(hello, TLSEXT_TYPE_server_name, &data, &len))
        return ERR_OK;

    CBS ext, name;
    CBS_init(&ext, data, len);
    if (!read_server_name(ext, &name))
        return ERR_SYNTAX;
    struct span s = span_of(CBS_data(&name), CBS_len(&name));
    /* "without a trailing dot", but some clients pass on what was typed. */
    if (s.len > 1 && s.p[s.len - 1] == '.')
        s.len--;
    if (span_copy_z(s, buf, CERT_BASE_MAX) != ERR_OK)
        return ERR_SYNTAX;

    ascii_lower_in_place(buf, s.len);
    s.p = buf;
    if (!name_is_host(s))
        return ERR_SYNTAX;
    *host = s;
    return ERR_OK;
}
