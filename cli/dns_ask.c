#include "cli/dns_ask.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESOLV_CONF "/etc/resolv.conf"
/* What every path should carry unfragmented: the DNS flag day's. */
#define UDP_SIZE 1232

static ldns_resolver *resolver_for(const struct addr *server, const struct dns_question *q)
{
    ldns_rdf *ip = NULL;
    ldns_resolver *r = ldns_resolver_new();
    struct sockaddr_storage ss;
    memset(&ss, 0, sizeof ss);
    memcpy(&ss, &server->sa, server->len);
    uint16_t port;
    ip = r ? ldns_sockaddr_storage2rdf(&ss, &port) : NULL;
    if (!ip || ldns_resolver_push_nameserver(r, ip) != LDNS_STATUS_OK) {
        ldns_rdf_deep_free(ip);
        ldns_resolver_deep_free(r);
        return NULL;
    }
    ldns_rdf_deep_free(ip);
    ldns_resolver_set_port(r, addr_port(server));
    ldns_resolver_set_usevc(r, q->tcp);
    ldns_resolver_set_recursive(r, q->recursive);
    ldns_resolver_set_fallback(r, false);
    ldns_resolver_set_igntc(r, true);
    ldns_resolver_set_edns_udp_size(r, UDP_SIZE);
    ldns_resolver_set_retry(r, q->tcp ? 1 : 2);
    ldns_resolver_set_timeout(r, (struct timeval){.tv_sec = q->timeout_s});
    return r;
}

static const char *copy(struct arena *arena, char *text)
{
    char *z = text ? arena_strz(arena, span_str(text)) : NULL;
    free(text);
    CHECK(z);
    z[strcspn(z, "\n")] = '\0';
    return z;
}

static void take_addr(const ldns_rdf *rdf, struct addr *out)
{
    size_t len;
    struct sockaddr_storage *ss = ldns_rdf2native_sockaddr_storage(rdf, 53, &len);
    memset(out, 0, sizeof *out);
    if (!ss)
        return;
    out->len = ss->ss_family == AF_INET6 ? sizeof out->v6 : sizeof out->v4;
    memcpy(&out->sa, ss, out->len);
    free(ss);
}

static void take_records(struct arena *arena, const ldns_pkt *p, int type, struct dns_reply *out)
{
    const ldns_rr_list *list = ldns_pkt_answer(p);
    for (size_t i = 0; i < ldns_rr_list_rr_count(list) && out->n < DNS_ASK_MAX; i++) {
        const ldns_rr *rr = ldns_rr_list_rr(list, i);
        const ldns_rdf *first = ldns_rr_rdf(rr, 0);
        if ((int)ldns_rr_get_type(rr) != type || !first)
            continue;
        out->data[out->n] = copy(arena, ldns_rdf2str(first));
        if (type == LDNS_RR_TYPE_A || type == LDNS_RR_TYPE_AAAA)
            take_addr(first, &out->addrs[out->n]);
        out->n++;
    }
}

static void take_reply(struct arena *arena, const ldns_pkt *p, int type, struct dns_reply *out)
{
    out->rcode = (int)ldns_pkt_get_rcode(p);
    out->rcode_name = copy(arena, ldns_pkt_rcode2str(ldns_pkt_get_rcode(p)));
    out->authoritative = ldns_pkt_aa(p);
    out->cut = ldns_pkt_tc(p);
    out->udp_size = ldns_pkt_edns(p) ? ldns_pkt_edns_udp_size(p) : 0;
    take_records(arena, p, type, out);
}

void dns_ask(struct arena *arena, const struct addr *server, const struct dns_question *q,
             struct dns_reply *out)
{
    *out = (struct dns_reply){0};
    ldns_resolver *r = resolver_for(server, q);
    ldns_rdf *name = ldns_dname_new_frm_str(q->name);
    ldns_pkt *answer = NULL;
    ldns_status status = r && name
                             ? ldns_resolver_query_status(&answer, r, name, (ldns_rr_type)q->type,
                                                          LDNS_RR_CLASS_IN,
                                                          q->recursive ? LDNS_RD : 0)
                             : LDNS_STATUS_MEM_ERR;
    if (status == LDNS_STATUS_OK && answer)
        take_reply(arena, answer, q->type, out);
    else
        out->failure = status == LDNS_STATUS_OK ? "no answer" : ldns_get_errorstr_by_id(status);
    ldns_pkt_free(answer);
    ldns_rdf_deep_free(name);
    ldns_resolver_deep_free(r);
}

size_t dns_resolvers(struct addr *out, size_t max)
{
    size_t n = 0;
    char line[512], word[64];
    FILE *f = fopen(RESOLV_CONF, "re");
    if (!f)
        return 0;
    while (n < max && fgets(line, sizeof line, f))
        if (sscanf(line, " nameserver %63s", word) == 1 &&
            addr_parse_ip(span_str(word), 53, &out[n]) == ERR_OK)
            n++;
    fclose(f);
    return n;
}
