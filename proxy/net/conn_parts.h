/* Between the parts of a connection: its life (conn.c), what comes in (conn_read.c), what goes out
 * (conn_write.c), and TLS (conn_tls.c). Private to conn*.c. */
#pragma once

#include <sys/types.h>

#include "proxy/net/conn.h"

/* conn_read.c */
ssize_t conn_recv(struct conn *c, void *dst, size_t cap);
void conn_pause(struct conn *c);
void conn_lend_in(struct conn *c);
char *conn_in_room(struct conn *c, size_t *room);
void conn_learn_in(struct conn *c, size_t n, size_t room);
bool conn_is_transient(int e);
void conn_give_back_in(struct conn *c);
void conn_on_readable(struct ev_loop *loop, ev_io *w, int events);
void conn_on_reread(struct turn_item *i);

/* conn_write.c */
void conn_append_out(struct conn *c, struct span s);
void conn_send_out(struct conn *c);
void conn_give_back_out(struct conn *c);
void conn_on_writable(struct ev_loop *loop, ev_io *w, int events);
void conn_on_flush(struct turn_item *i);
