#include "core/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/test.h"

static struct addr parsed(const char *text)
{
    struct addr a;
    assert_ok(addr_parse_port(span_str(text), &a));
    return a;
}

/* A machine may have no IPv6; then there is nothing to see. */
static bool has_ipv6(void)
{
    struct addr a = parsed("[::1]:0");
    int s = socket(AF_INET6, SOCK_STREAM, 0);
    bool has = s >= 0 && bind(s, &a.sa, a.len) == 0;
    fd_close(&s);
    return has;
}

static int option_of(int fd, int level, int option)
{
    int value = -1;
    socklen_t len = sizeof value;
    assert_int_equal(getsockopt(fd, level, option, &value, &len), 0);
    return value;
}

static void assert_flags(int fd)
{
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void await_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 10000), 1);
}

static void flags(void **state)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_ok(fd_set_nonblock(fds[0]));
    assert_ok(fd_set_cloexec(fds[0]));
    assert_flags(fds[0]);
    assert_false(fcntl(fds[1], F_GETFL) & O_NONBLOCK);

    int closed = fds[0];
    errno = ERANGE;
    fd_close(&fds[0]);
    assert_int_equal(errno, ERANGE);
    assert_int_equal(fds[0], -1);
    fd_close(&fds[0]);
    fd_close(&fds[1]);
    assert_err(ERR_IO, fd_set_nonblock(closed));
    assert_int_equal(errno, EBADF);
    assert_err(ERR_IO, fd_set_cloexec(closed));
    fd_set_nodelay(closed);
}

static void errno_has_a_name(void **state)
{
    assert_err(ERR_DENIED, fd_err(EACCES));
    assert_err(ERR_DENIED, fd_err(EPERM));
    assert_err(ERR_NOT_FOUND, fd_err(ENOENT));
    assert_err(ERR_EXISTS, fd_err(EEXIST));
    assert_err(ERR_MEMORY, fd_err(ENOMEM));
    assert_err(ERR_IO, fd_err(EADDRINUSE));
}

static void tcp_listeners_share_a_port(void **state)
{
    struct addr a = parsed("127.0.0.1:0");
    int first, second;
    assert_ok(fd_listen_tcp(&a, 16, &first));
    assert_flags(first);
    assert_ok(fd_local_addr(first, &a));
    assert_int_not_equal(addr_port(&a), 0);
    assert_ok(fd_listen_tcp(&a, 16, &second));
    assert_int_equal(option_of(second, SOL_SOCKET, SO_ACCEPTCONN), 1);
    fd_close(&second);

    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, &a.sa, a.len), 0);
    await_readable(first);
    int accepted = accept(first, NULL, NULL);
    assert_true(accepted >= 0);
    fd_set_nodelay(accepted);
    assert_int_equal(option_of(accepted, IPPROTO_TCP, TCP_NODELAY), 1);
    fd_close(&accepted);
    fd_close(&client);
    fd_close(&first);
}

static void a_port_taken_by_a_stranger(void **state)
{
    struct addr a = parsed("127.0.0.1:0");
    int stranger = socket(AF_INET, SOCK_STREAM, 0), fd = 77;
    assert_int_equal(bind(stranger, &a.sa, a.len), 0);
    assert_int_equal(listen(stranger, 1), 0);
    assert_ok(fd_local_addr(stranger, &a));
    assert_err(ERR_IO, fd_listen_tcp(&a, 16, &fd));
    assert_int_equal(errno, EADDRINUSE);
    assert_int_equal(fd, 77);
    fd_close(&stranger);
}

static void ipv6_takes_ipv6_only(void **state)
{
    if (!has_ipv6())
        skip();
    struct addr a = parsed("[::]:0");
    int tcp6, udp6, tcp4, udp4;
    assert_ok(fd_listen_tcp(&a, 16, &tcp6));
    assert_int_equal(option_of(tcp6, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    assert_ok(fd_local_addr(tcp6, &a));
    /* So the same port is free for IPv4. */
    struct addr any4 = parsed("0.0.0.0:0");
    addr_set_port(&any4, addr_port(&a));
    assert_ok(fd_listen_tcp(&any4, 16, &tcp4));
    fd_close(&tcp4);
    fd_close(&tcp6);

    a = parsed("[::]:0");
    assert_ok(fd_bind_udp(&a, &udp6));
    assert_flags(udp6);
    assert_int_equal(option_of(udp6, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    assert_int_equal(option_of(udp6, IPPROTO_IPV6, IPV6_RECVPKTINFO), 1);
    assert_ok(fd_local_addr(udp6, &a));
    addr_set_port(&any4, addr_port(&a));
    assert_ok(fd_bind_udp(&any4, &udp4));
    fd_close(&udp4);
    fd_close(&udp6);
}

/* The datagram says where it was sent to, though the socket is bound to every address. */
static void udp_tells_the_destination(void **state)
{
    struct addr a = parsed("0.0.0.0:0"), to = parsed("127.0.0.5:0");
    int fd, second;
    assert_ok(fd_bind_udp(&a, &fd));
    assert_flags(fd);
    assert_ok(fd_local_addr(fd, &a));
    assert_ok(fd_bind_udp(&a, &second));
    fd_close(&second);

    addr_set_port(&to, addr_port(&a));
    int client = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(sendto(client, "hi", 2, 0, &to.sa, to.len), 2);
    await_readable(fd);

    char data[8];
    _Alignas(struct cmsghdr) char control[256];
    struct iovec iov = {data, sizeof data};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    assert_int_equal(recvmsg(fd, &msg, 0), 2);
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    assert_non_null(c);
    assert_int_equal(c->cmsg_type, IP_PKTINFO);
    struct in_pktinfo info;
    memcpy(&info, CMSG_DATA(c), sizeof info);
    assert_int_equal(info.ipi_addr.s_addr, to.v4.sin_addr.s_addr);
    fd_close(&client);
    fd_close(&fd);
}

static void local_addr_is_for_the_internet(void **state)
{
    int fds[2];
    struct addr a;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_err(ERR_UNSUPPORTED, fd_local_addr(fds[0], &a));
    fd_close(&fds[0]);
    fd_close(&fds[1]);
    assert_err(ERR_IO, fd_local_addr(-1, &a));
}

struct dir {
    char path[PATH_MAX];
    char socket[PATH_MAX + 8];
};

static struct dir dir;

static int dir_make(void **state)
{
    test_tmpdir_make(dir.path, sizeof dir.path);
    snprintf(dir.socket, sizeof dir.socket, "%s/s", dir.path);
    return 0;
}

static int dir_remove(void **state)
{
    test_tmpdir_remove(dir.path);
    return 0;
}

static int unix_connect(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    assert_ok(span_copy_z(span_str(path), a.sun_path, sizeof a.sun_path));
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(s, (struct sockaddr *)&a, sizeof a) < 0)
        fd_close(&s);
    return s;
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static void a_unix_listener_has_its_mode(void **state)
{
    int fd;
    mode_t umask_before = umask(0077);
    assert_ok(fd_listen_unix(dir.socket, 0660, 16, &fd));
    umask(umask_before);
    assert_flags(fd);
    assert_int_equal(mode_of(dir.socket), 0660);
    int client = unix_connect(dir.socket);
    assert_true(client >= 0);
    fd_close(&client);
    fd_close(&fd);
}

static void a_live_one_is_left_alone(void **state)
{
    int fd, second = 77;
    assert_ok(fd_listen_unix(dir.socket, 0600, 16, &fd));
    assert_err(ERR_EXISTS, fd_listen_unix(dir.socket, 0600, 16, &second));
    assert_int_equal(second, 77);
    int client = unix_connect(dir.socket);
    assert_true(client >= 0);
    fd_close(&client);
    fd_close(&fd);
}

static void one_too_busy_to_answer_is_alive(void **state)
{
    int fd, second, clients[8], n = 0;
    assert_ok(fd_listen_unix(dir.socket, 0600, 0, &fd));
    /* Filled until a further connection would have to wait. */
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    assert_ok(span_copy_z(span_str(dir.socket), a.sun_path, sizeof a.sun_path));
    for (; n < 8; n++) {
        clients[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(clients[n], (struct sockaddr *)&a, sizeof a) < 0)
            break;
    }
    assert_true(n < 8);
    assert_err(ERR_EXISTS, fd_listen_unix(dir.socket, 0600, 0, &second));
    for (; n >= 0; n--)
        fd_close(&clients[n]);
    fd_close(&fd);
}

static void a_stale_one_is_replaced(void **state)
{
    int fd;
    assert_ok(fd_listen_unix(dir.socket, 0600, 16, &fd));
    fd_close(&fd);
    assert_ok(fd_listen_unix(dir.socket, 0640, 16, &fd));
    assert_int_equal(mode_of(dir.socket), 0640);
    int client = unix_connect(dir.socket);
    assert_true(client >= 0);
    fd_close(&client);
    fd_close(&fd);
}

static void what_is_no_socket_stays(void **state)
{
    int fd, file = open(dir.socket, O_CREAT | O_WRONLY, 0600);
    assert_true(file >= 0);
    fd_close(&file);
    assert_err(ERR_EXISTS, fd_listen_unix(dir.socket, 0600, 16, &fd));
    assert_int_equal(access(dir.socket, F_OK), 0);
}

static void paths_that_cannot_be(void **state)
{
    int fd;
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/nowhere/s", dir.path);
    assert_err(ERR_NOT_FOUND, fd_listen_unix(path, 0600, 16, &fd));
    char too_long[200];
    memset(too_long, 'x', sizeof too_long - 1);
    too_long[sizeof too_long - 1] = '\0';
    assert_err(ERR_RANGE, fd_listen_unix(too_long, 0600, 16, &fd));
}

#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, dir_make, dir_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags),
        cmocka_unit_test(errno_has_a_name),
        cmocka_unit_test(tcp_listeners_share_a_port),
        cmocka_unit_test(a_port_taken_by_a_stranger),
        cmocka_unit_test(ipv6_takes_ipv6_only),
        cmocka_unit_test(udp_tells_the_destination),
        cmocka_unit_test(local_addr_is_for_the_internet),
        IN_DIR(a_unix_listener_has_its_mode),
        IN_DIR(a_live_one_is_left_alone),
        IN_DIR(one_too_busy_to_answer_is_alive),
        IN_DIR(a_stale_one_is_replaced),
        IN_DIR(what_is_no_socket_stays),
        IN_DIR(paths_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
