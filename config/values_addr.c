/* Types that are addresses and networks. */
#include <arpa/inet.h>
#include <string.h>

#include "config/values.h"

static void ip_read(const struct value *v, void *out)
{
    struct addr a;
    if (addr_parse_ip(v->text, 0, &a) != ERR_OK) {
        value_fail(v, "must be an IPv4 or IPv6 address");
        return;
    }
    memcpy(out, &a, sizeof a);
}

static enum err ip_write(const struct schema_key *key, const void *in, struct buf *out)
{
    (void)key;
    char text[ADDR_TEXT_MAX];
    return buf_printf(out, "\"%s\"", addr_ip_text(in, text));
}

const struct value_type value_ip = {
    .name = "IP address",
    .plural = "IP addresses",
    .read = ip_read,
    .write = ip_write,
};

static void endpoint_read(const struct value *v, void *out)
{
    struct addr a;
    if (addr_parse_port(v->text, &a) != ERR_OK) {
        value_fail(v, "must be an address and a port such as 0.0.0.0:443 or [::]:443");
        return;
    }
    memcpy(out, &a, sizeof a);
}

static enum err endpoint_write(const struct schema_key *key, const void *in, struct buf *out)
{
    (void)key;
    char text[ADDR_TEXT_MAX];
    return buf_printf(out, "\"%s\"", addr_text(in, text));
}

const struct value_type value_endpoint = {
    .name = "address with port",
    .plural = "addresses with ports",
    .read = endpoint_read,
    .write = endpoint_write,
};

static void network_read(const struct value *v, void *out)
{
    struct addr_cidr net;
    if (addr_cidr_parse(v->text, &net) != ERR_OK) {
        value_fail(v, "must be a network such as 10.0.0.0/8, without host bits");
        return;
    }
    memcpy(out, &net, sizeof net);
}

static enum err network_write(const struct schema_key *key, const void *in, struct buf *out)
{
    (void)key;
    struct addr_cidr net;
    char text[INET6_ADDRSTRLEN];
    memcpy(&net, in, sizeof net);
    CHECK(inet_ntop(net.v6 ? AF_INET6 : AF_INET, net.bytes, text, sizeof text) != NULL);
    return buf_printf(out, "\"%s/%u\"", text, net.prefix_len);
}

const struct value_type value_network = {
    .name = "network",
    .plural = "networks",
    .read = network_read,
    .write = network_write,
};
