#include "server/sockets.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/mem.h"
#include "server/folders.h"

#define BACKLOG 1024

/* How one socket of a kind is made, and for whom. */
struct kind {
    const char *what;
    int type;
    enum err (*bind)(const struct addr *a, int *fd);
};

static enum err bind_tcp(const struct addr *a, int *fd)
{
    return fd_listen_tcp(a, BACKLOG, fd);
}

static const struct kind dns_udp = {"DNS (UDP)", SOCK_DGRAM, fd_bind_udp};
static const struct kind dns_tcp = {"DNS (TCP)", SOCK_STREAM, bind_tcp};
static const struct kind https = {"HTTPS", SOCK_STREAM, bind_tcp};
static const struct kind http = {"HTTP", SOCK_STREAM, bind_tcp};
static const struct kind probes = {"metrics", SOCK_STREAM, bind_tcp};

static char *explain(const char *what, const struct addr *a, enum err e)
{
    char text[ADDR_TEXT_MAX];
    int saved = errno;
    const char *advice = "";
    if (e == ERR_DENIED)
        advice = ": ports below 1024 need root or CAP_NET_BIND_SERVICE";
    else if (saved == EADDRINUSE)
        advice = ": another program listens there; stop it, or choose another port";
    else if (saved == EAFNOSUPPORT)
        advice = ": IPv6 is switched off on this machine; leave the address out of `listen`";
    else if (saved == EADDRNOTAVAIL)
        advice = ": this machine does not have that address";
    return mem_printf("cannot listen for %s on %s: %s%s", what, addr_text(a, text), strerror(saved),
                      advice);
}

static int *new_fds(size_t n)
{
    int *fds = mem_alloc((n + 1) * sizeof *fds);
    for (size_t i = 0; i < n; i++)
        fds[i] = -1;
    return fds;
}

/* The workers' sockets share an address, and would share it with another edge's, too: who comes second
 * must be told. */
static enum err bind_first(const struct kind *k, const struct addr *a, int *fd, char **why)
{
    enum err e = addr_port(a) == 0 ? ERR_OK : fd_addr_is_free(a, k->type);
    if (e == ERR_OK)
        e = k->bind(a, fd);
    if (e != ERR_OK)
        *why = explain(k->what, a, e);
    return e;
}

/* Binds one address for every worker. AT: in the order of the workers, which array gets it. */
static enum err bind_all(struct sockets *s, const struct kind *k, const struct addr *a, int **at,
                         size_t index, char **why)
{
    struct addr actual = *a;
    TRY(bind_first(k, a, &at[0][index], why));
    if (addr_port(a) == 0)
        TRY(fd_local_addr(at[0][index], &actual));
    for (unsigned w = 1; w < s->n; w++) {
        enum err e = k->bind(&actual, &at[w][index]);
        if (e != ERR_OK) {
            *why = explain(k->what, a, e);
            return e;
        }
    }
    return ERR_OK;
}

enum list { LIST_UDP, LIST_TCP, LIST_HTTPS, LIST_HTTP };

static int *list_of(struct worker_sockets *w, enum list l)
{
    switch (l) {
    case LIST_UDP:
        return w->udp;
    case LIST_TCP:
        return w->tcp;
    case LIST_HTTPS:
        return w->https;
    case LIST_HTTP:
        return w->http;
    }
    return NULL;
}

static enum err bind_list(struct sockets *s, const struct kind *k, const struct config_addrs *addrs,
                          enum list l, char **why)
{
    int **at = mem_alloc(s->n * sizeof *at);
    for (unsigned w = 0; w < s->n; w++)
        at[w] = list_of(&s->v[w], l);
    enum err e = ERR_OK;
    for (size_t i = 0; i < addrs->n && e == ERR_OK; i++)
        e = bind_all(s, k, &addrs->v[i], at, i, why);
    mem_free(at);
    return e;
}

/* With port 0 UDP chooses, and TCP takes the same. */
static void same_port(const struct sockets *s, const struct config_addrs *in,
                      struct config_addrs *out)
{
    out->n = in->n;
    out->v = mem_alloc((in->n + 1) * sizeof *out->v);
    for (size_t i = 0; i < in->n; i++)
        if (fd_local_addr(s->v[0].udp[i], &out->v[i]) != ERR_OK)
            out->v[i] = in->v[i];
}

static enum err bind_dns(struct sockets *s, const struct config *c, char **why)
{
    struct config_addrs tcp;
    TRY(bind_list(s, &dns_udp, &c->listen_dns, LIST_UDP, why));
    same_port(s, &c->listen_dns, &tcp);
    enum err e = bind_list(s, &dns_tcp, &tcp, LIST_TCP, why);
    mem_free(tcp.v);
    return e;
}

static enum err bind_admin(struct sockets *s, const struct config *c, char **why)
{
    if (!c->admin_socket)
        return ERR_OK;
    enum err e = folder_make_parent(c->admin_socket, 0755, why);
    if (e != ERR_OK)
        return e;
    e = fd_listen_unix(c->admin_socket, 0660, BACKLOG, &s->v[0].admin);
    if (e == ERR_EXISTS)
        *why = mem_printf("cannot make the admin socket %s: another edge listens there",
                          c->admin_socket);
    else if (e != ERR_OK)
        *why = mem_printf("cannot make the admin socket %s: %s", c->admin_socket, strerror(errno));
    else
        s->admin_path = c->admin_socket;
    return e;
}

static enum err bind_everything(struct sockets *s, const struct config *c, char **why)
{
    TRY(bind_dns(s, c, why));
    TRY(bind_list(s, &https, &c->listen_https, LIST_HTTPS, why));
    TRY(bind_list(s, &http, &c->listen_http, LIST_HTTP, why));
    if (c->listen_metrics.n > 0)
        TRY(bind_first(&probes, &c->listen_metrics.v[0], &s->v[0].metrics, why));
    return bind_admin(s, c, why);
}

enum err sockets_open(const struct config *c, struct sockets *out, char **why)
{
    out->n = c->workers;
    out->admin_path = NULL;
    out->v = mem_zalloc(out->n * sizeof *out->v);
    for (unsigned w = 0; w < out->n; w++) {
        out->v[w] = (struct worker_sockets){
            .udp = new_fds(c->listen_dns.n),
            .tcp = new_fds(c->listen_dns.n),
            .https = new_fds(c->listen_https.n),
            .http = new_fds(c->listen_http.n),
            .admin = -1,
            .metrics = -1,
        };
    }
    enum err e = bind_everything(out, c, why);
    if (e != ERR_OK)
        sockets_deinit(out, c);
    return e;
}

static void close_list(int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fd_close(&fds[i]);
    mem_free(fds);
}

void sockets_deinit(struct sockets *s, const struct config *c)
{
    for (unsigned w = 0; w < s->n; w++) {
        close_list(s->v[w].udp, c->listen_dns.n);
        close_list(s->v[w].tcp, c->listen_dns.n);
        close_list(s->v[w].https, c->listen_https.n);
        close_list(s->v[w].http, c->listen_http.n);
        fd_close(&s->v[w].admin);
        fd_close(&s->v[w].metrics);
    }
    mem_free(s->v);
    if (s->admin_path)
        (void)unlink(s->admin_path);
    *s = (struct sockets){0};
}
