/* Sockets as the edge wants them: non-blocking, closed on exec, shared by port between threads.
 *
 * Functions that fail leave errno as the system set it and return ERR_DENIED where permission is
 * missing, ERR_IO otherwise, unless they say more. */
#pragma once

#include <sys/types.h>

#include "core/addr.h"
#include "core/err.h"

/* What errno E is called here: ERR_DENIED, ERR_NOT_FOUND, ERR_EXISTS, ERR_MEMORY or ERR_IO. */
enum err fd_err(int e);

enum err fd_set_nonblock(int fd) MUST_USE;
enum err fd_set_cloexec(int fd) MUST_USE;
/* Closes *FD unless it is negative and makes it -1; keeps errno. */
void fd_close(int *fd);
/* Small writes leave at once (TCP_NODELAY). Failing is no harm. */
void fd_set_nodelay(int fd);
/* The address FD is bound to: the port, where 0 was asked for. */
enum err fd_local_addr(int fd, struct addr *out) MUST_USE;

/* A listening TCP socket; several may share an address (SO_REUSEPORT). IPv6 takes IPv6 only. */
enum err fd_listen_tcp(const struct addr *a, int backlog, int *fd) MUST_USE;
/* A UDP socket; several may share an address. Each datagram received comes with the address it was
 * sent to (IP_PKTINFO, IPV6_PKTINFO), so that an answer can leave from there. */
enum err fd_bind_udp(const struct addr *a, int *fd) MUST_USE;
/* Whether nobody has TYPE (SOCK_STREAM, SOCK_DGRAM) at A: sockets that share addresses would let each
 * other in, and each get a part. ERR_IO with errno EADDRINUSE; other errors as for binding. */
enum err fd_addr_is_free(const struct addr *a, int type) MUST_USE;
/* A listening stream socket at PATH with the permission bits MODE. A socket that is there but that
 * nobody listens on is replaced; ERR_EXISTS where somebody does, or where PATH is no socket;
 * ERR_RANGE where PATH is too long for a socket. The caller unlinks PATH at its end. */
enum err fd_listen_unix(const char *path, mode_t mode, int backlog, int *fd) MUST_USE;
