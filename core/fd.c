#include "core/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum err fd_err(int e)
{
    switch (e) {
    case EACCES:
    case EPERM:
        return ERR_DENIED;
    case ENOENT:
        return ERR_NOT_FOUND;
    case EEXIST:
        return ERR_EXISTS;
    case ENOMEM:
        return ERR_MEMORY;
    default:
        return ERR_IO;
    }
}

static enum err failed(int rc)
{
    return rc < 0 ? fd_err(errno) : ERR_OK;
}

enum err fd_set_nonblock(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return failed(flags < 0 ? flags : fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

enum err fd_set_cloexec(int fd)
{
    int flags = fcntl(fd, F_GETFD);
    return failed(flags < 0 ? flags : fcntl(fd, F_SETFD, flags | FD_CLOEXEC));
}

void fd_close(int *fd)
{
    if (*fd < 0)
        return;
    int errno_before = errno;
    close(*fd);
    errno = errno_before;
    *fd = -1;
}

static enum err set_option(int fd, int level, int option)
{
    int on = 1;
    return failed(setsockopt(fd, level, option, &on, sizeof on));
}

void fd_set_nodelay(int fd)
{
    if (set_option(fd, IPPROTO_TCP, TCP_NODELAY) != ERR_OK)
        return; /* not TCP, or gone already: then there is nothing to hurry */
}

enum err fd_local_addr(int fd, struct addr *out)
{
    struct addr a = {.len = sizeof a.v6};
    TRY(failed(getsockname(fd, &a.sa, &a.len)));
    if (a.sa.sa_family != AF_INET && a.sa.sa_family != AF_INET6)
        return ERR_UNSUPPORTED;
    *out = a;
    return ERR_OK;
}

static enum err bind_to(int fd, const struct addr *a)
{
    if (a->sa.sa_family == AF_INET6)
        TRY(set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY));
    return failed(bind(fd, &a->sa, a->len));
}

/* What both kinds of internet sockets need before they listen or receive. */
static enum err bind_shared(int fd, const struct addr *a)
{
    TRY(set_option(fd, SOL_SOCKET, SO_REUSEPORT));
    return bind_to(fd, a);
}

static enum err tcp_setup(int fd, const struct addr *a, int backlog)
{
    TRY(set_option(fd, SOL_SOCKET, SO_REUSEADDR));
    TRY(bind_shared(fd, a));
    return failed(listen(fd, backlog));
}

static enum err udp_setup(int fd, const struct addr *a)
{
    if (a->sa.sa_family == AF_INET6)
        TRY(set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO));
    else
        TRY(set_option(fd, IPPROTO_IP, IP_PKTINFO));
    return bind_shared(fd, a);
}

static int open_socket(int family, int type)
{
    return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Hands S to *FD when E is ERR_OK, closes it otherwise. */
static enum err finish(enum err e, int s, int *fd)
{
    if (e != ERR_OK) {
        fd_close(&s);
        return e;
    }
    *fd = s;
    return ERR_OK;
}

enum err fd_listen_tcp(const struct addr *a, int backlog, int *fd)
{
    int s = open_socket(a->sa.sa_family, SOCK_STREAM);
    TRY(failed(s));
    return finish(tcp_setup(s, a, backlog), s, fd);
}

enum err fd_bind_udp(const struct addr *a, int *fd)
{
    int s = open_socket(a->sa.sa_family, SOCK_DGRAM);
    TRY(failed(s));
    return finish(udp_setup(s, a), s, fd);
}

/* Connections that linger do not count, as they do not when listening. */
static enum err bind_alone(int fd, const struct addr *a, int type)
{
    if (type == SOCK_STREAM)
        TRY(set_option(fd, SOL_SOCKET, SO_REUSEADDR));
    return bind_to(fd, a);
}

enum err fd_addr_is_free(const struct addr *a, int type)
{
    int s = open_socket(a->sa.sa_family, type);
    TRY(failed(s));
    enum err e = bind_alone(s, a, type);
    fd_close(&s);
    return e;
}

static enum err unix_addr(const char *path, struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (span_copy_z(span_str(path), out->sun_path, sizeof out->sun_path) == ERR_OK)
        return ERR_OK;
    errno = ENAMETOOLONG;
    return ERR_RANGE;
}

/* Whether somebody listens at A. A full backlog (EAGAIN) is somebody, too. */
static enum err probe(const struct sockaddr_un *a)
{
    int s = open_socket(AF_UNIX, SOCK_STREAM);
    TRY(failed(s));
    int rc = connect(s, (const struct sockaddr *)a, sizeof *a);
    enum err e = rc == 0 || errno == EAGAIN ? ERR_EXISTS : fd_err(errno);
    if (rc < 0 && errno == ECONNREFUSED)
        e = ERR_OK;
    fd_close(&s);
    return e;
}

/* Frees the path of a socket whose process has gone. */
static enum err remove_stale(const struct sockaddr_un *a)
{
    struct stat st;
    if (lstat(a->sun_path, &st) < 0)
        return errno == ENOENT ? ERR_OK : fd_err(errno);
    /* Connecting to a regular file is refused just as to a dead socket; that one is not ours. */
    if (!S_ISSOCK(st.st_mode)) {
        errno = EEXIST;
        return ERR_EXISTS;
    }
    enum err e = probe(a);
    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    TRY(e);
    return failed(unlink(a->sun_path));
}

/* The mode is set before listen(): nobody can connect while it is still what the umask made it. */
static enum err unix_setup(int fd, const struct sockaddr_un *a, mode_t mode, int backlog)
{
    TRY(failed(bind(fd, (const struct sockaddr *)a, sizeof *a)));
    enum err e = failed(chmod(a->sun_path, mode));
    if (e == ERR_OK)
        e = failed(listen(fd, backlog));
    if (e != ERR_OK) {
        int errno_before = errno;
        unlink(a->sun_path);
        errno = errno_before;
    }
    return e;
}

enum err fd_listen_unix(const char *path, mode_t mode, int backlog, int *fd)
{
    struct sockaddr_un a;
    TRY(unix_addr(path, &a));
    TRY(remove_stale(&a));
    int s = open_socket(AF_UNIX, SOCK_STREAM);
    TRY(failed(s));
    return finish(unix_setup(s, &a, mode, backlog), s, fd);
}
