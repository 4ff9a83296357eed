/* Who may have a connection: so many a client address, and so many TLS handshakes at once.
 *
 * A handshake costs memory and, at its end, a signature, before anything is known of the client. When
 * there are too many the oldest goes: who means it is through in a few round trips, and a crowd that
 * begins handshakes only to leave them lying pushes out its own. */
#include "core/log.h"
#include "proxy/front/front.h"

/* An address that many clients are behind: this machine's own, and the proxies' that are known. */
static bool stands_for_many(const struct config *c, const struct addr *a)
{
    return addr_is_loopback(a) || addr_cidrs_have(c->trusted_proxies, c->n_trusted_proxies, a);
}

static bool has_too_many(const struct front *f)
{
    const struct config *c = f->proxy->config;
    uint64_t most = c->limits.max_connections_per_address;
    return most > 0 && f->peer->conns > most && !stands_for_many(c, &f->client);
}

bool front_admit(struct front *f)
{
    if (f->kind != LISTEN_HTTPS && f->kind != LISTEN_REDIRECT)
        return true;
    f->peer = peers_join(&f->proxy->peers, &f->client);
    if (!has_too_many(f))
        return true;
    char ip[ADDR_TEXT_MAX];
    LOG(LOG_WARN, "too_many_connections", LOG_S("client", addr_ip_text(&f->client, ip)),
        LOG_U("connections", f->peer->conns - 1));
    metrics_add(f->proxy->metrics, METRIC_CONNS_REFUSED, 1);
    return false;
}

void front_dismiss(struct front *f)
{
    front_handshake_ends(f);
    if (f->peer)
        peers_leave(&f->proxy->peers, f->peer);
    f->peer = NULL;
}

void front_handshake_begins(struct front *f)
{
    struct handshakes *all = &f->proxy->handshakes;
    f->handshake_prev = all->last;
    *all->last = f;
    all->last = &f->handshake_next;
    if (++all->n <= f->proxy->config->limits.max_handshakes)
        return;
    metrics_add(f->proxy->metrics, METRIC_TLS_FAILED, 1);
    metrics_add(f->proxy->metrics, METRIC_TLS_DROPPED, 1);
    front_close(all->first);
}

void front_handshake_ends(struct front *f)
{
    struct handshakes *all = &f->proxy->handshakes;
    if (!f->handshake_prev)
        return;
    *f->handshake_prev = f->handshake_next;
    if (f->handshake_next)
        f->handshake_next->handshake_prev = f->handshake_prev;
    else
        all->last = f->handshake_prev;
    f->handshake_prev = NULL;
    f->handshake_next = NULL;
    all->n--;
}
