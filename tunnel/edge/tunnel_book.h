/* What control knows of tunnels: which connections of agents there are, and which of them carries which
 * session. Pure but for memory: nothing is told to anyone; what changes comes back as news for the workers
 * (tunnel_news.h). On the control thread.
 *
 * A session is carried by one tunnel at most, the one that named it last: the same owner's new connection
 * takes over at once, however long the death of the old one takes to be noticed. A tunnel from which
 * everything was taken is to be retired. */
#pragma once

#include "core/table.h"
#include "sessions/api.h"
#include "tunnel/edge/tunnel_news.h"

struct tunnel_state {
    bool up;
    int64_t since_ms;  /* wall clock */
    const char *agent; /* that holds it; NULL while it is down; lives until the next change */
};

struct tunnel_book {
    struct table tunnels;  /* by id */
    struct table sessions; /* by name: those that are carried, or were */
    uint64_t last_id;
};

void tunnel_book_init(struct tunnel_book *b);
void tunnel_book_deinit(struct tunnel_book *b);
/* Tunnels, with those that are being retired. */
size_t tunnel_book_count(const struct tunnel_book *b);

/* NEWS, which each of these fills in, may come out empty (tunnel_news_empty): nothing has changed. */

/* A new tunnel at WORKER; its id is never 0. The API has seen to it that ASK may be granted. */
uint64_t tunnel_book_open(struct tunnel_book *b, const struct api_tunnel_ask *ask, unsigned worker,
                          int64_t now_ms, struct tunnel_news *news);
/* ID takes no more requests: its sessions are down. */
void tunnel_book_lose(struct tunnel_book *b, uint64_t id, int64_t now_ms, struct tunnel_news *news);
/* The session NAME has ended. */
void tunnel_book_forget_session(struct tunnel_book *b, struct span name, struct tunnel_news *news);
/* A tunnel that TOKEN (its id) opened and that still carries sessions loses them; false: there is none. */
bool tunnel_book_revoke(struct tunnel_book *b, struct span token, int64_t now_ms,
                        struct tunnel_news *news);
/* False: no tunnel was ever there for NAME. */
bool tunnel_book_find(const struct tunnel_book *b, struct span name, struct tunnel_state *out);

static inline bool tunnel_news_empty(const struct tunnel_news *n)
{
    return n->n_routes == 0 && n->n_retired == 0;
}
