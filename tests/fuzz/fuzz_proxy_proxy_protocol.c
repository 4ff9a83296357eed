/* PROXY headers: what is taken is bounded, does not depend on how it arrives, and means the same once it
 * has been written out again. */
#include "proxy/net/proxy_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(struct span s, const struct proxy_header *first)
{
    struct proxy_header h;
    CHECK(proxy_header_parse(s, &h) == ERR_OK);
    CHECK(h.len == s.len && h.has_client);
    /* A mapped address is written as what it is. */
    size_t n, m;
    const uint8_t *was = addr_ip_bytes(&first->client, &n), *is = addr_ip_bytes(&h.client, &m);
    CHECK(n == m && memcmp(was, is, n) == 0);
    CHECK(addr_port(&h.client) == addr_port(&first->client));
    CHECK(addr_port(&h.local) == addr_port(&first->local));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span s = span_of(data, size);
    struct proxy_header h, part;
    enum err e = proxy_header_parse(s, &h);
    CHECK(e == ERR_OK || e == ERR_AGAIN || e == ERR_SYNTAX);
    CHECK(e != ERR_AGAIN || size < PROXY_V2_MAX);
    if (e != ERR_OK)
        return 0;

    CHECK(h.len > 0 && h.len <= size && h.len <= PROXY_V2_MAX);
    for (size_t i = 0; i < h.len; i++)
        CHECK(proxy_header_parse(span_sub(s, 0, i), &part) == ERR_AGAIN);
    if (!h.has_client)
        return 0;
    char v1[PROXY_V1_MAX], v2[PROXY_V2_OURS];
    check_again(span_of(v1, proxy_v1_write(&h.client, &h.local, v1)), &h);
    check_again(span_of(v2, proxy_v2_write(&h.client, &h.local, v2)), &h);
    return 0;
}
