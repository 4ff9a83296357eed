/* Types that are names: of hosts, of services, of nameservers. */
#include "config/names.h"
#include "config/values.h"

/* Lower-cased, without the final dot, terminated. */
static struct span canonical(const struct value *v)
{
    struct span s = v->text;
    if (s.len > 1 && s.p[s.len - 1] == '.')
        s = span_sub(s, 0, s.len - 1);
    char *p = arena_strz(v->load->arena, s);
    CHECK(p != NULL);
    ascii_lower_in_place(p, s.len);
    return span_of(p, s.len);
}

/* "10.0.0.1" has the form of a name, but is none. */
static bool is_address(struct span s)
{
    struct addr a;
    return addr_parse_ip(s, 0, &a) == ERR_OK;
}

static void host_read(const struct value *v, void *out)
{
    struct span host = canonical(v);
    if (!name_is_host(host) || is_address(host)) {
        value_fail(v, "must be a host name such as dev.example.com");
        return;
    }
    value_string_store(host.p, out);
}

const struct value_type value_host = {
    .name = "host name",
    .plural = "host names",
    .read = host_read,
    .write = value_string_write,
    .absent = value_string_absent,
};

static void service_read(const struct value *v, void *out)
{
    if (!name_is_service(v->text)) {
        value_fail(v, "must be a service's name: 1 to 63 of a-z, 0-9 and single inner '-'");
        return;
    }
    value_string_store(v->text.p, out);
}

const struct value_type value_service = {
    .name = "service name",
    .read = service_read,
    .write = value_string_write,
    .absent = value_string_absent,
};

static void nameserver_read(const struct value *v, void *out)
{
    const char *zone = v->load->config->zone;
    bool absolute = span_ends(v->text, SPAN_LIT("."));
    struct span host = canonical(v);
    if (!name_is_host(host) || is_address(host)) {
        value_fail(v, "must be a host name, relative to the zone or with a final dot");
        return;
    }
    if (!zone && !absolute)
        return; /* what is wrong with the zone was said */

    if (!absolute && name_below(host, span_str(zone), NULL)) {
        value_fail(v, "must end with a dot where it is a full name (\"%s.\")", host.p);
        return;
    }
    if (!absolute)
        host = arena_printf(v->load->arena, "%s.%s", host.p, zone);
    if (!host.p || !name_is_host(host)) {
        value_fail(v, "must be no longer than 253 bytes with the zone");
        return;
    }
    value_string_store(host.p, out);
}

static enum err nameserver_write(const struct schema_key *key, const void *in, struct buf *out)
{
    (void)key;
    const char *s;
    memcpy(&s, in, sizeof s);
    return buf_printf(out, "\"%s.\"", s);
}

const struct value_type value_nameserver = {
    .name = "host name",
    .plural = "host names",
    .read = nameserver_read,
    .write = nameserver_write,
    .absent = value_string_absent,
};
