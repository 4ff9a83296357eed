#include "proxy/access/access_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fd.h"
#include "proxy/access/access_line.h"

#define FILE_MODE 0640

_Static_assert(ACCESS_LINE_MAX <= PIPE_BUF, "a line enters a pipe in one piece");

static enum access_sink_kind kind_of(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return SINK_STREAM;
    if (S_ISREG(st.st_mode))
        return SINK_FILE;
    return S_ISSOCK(st.st_mode) ? SINK_SOCKET : SINK_STREAM;
}

/* Standard output is shared with who started us, and so is its O_NONBLOCK flag: to set it there would
 * change theirs. Opened anew it is a description of our own. Where that is not allowed (after the user
 * was dropped) or not possible (sockets), a duplicate must do, which is asked before it is written to. */
static int open_stdout(bool *nonblocking)
{
    int fd = open("/proc/self/fd/1", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    *nonblocking = fd >= 0;
    if (fd < 0)
        fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    return fd;
}

static int open_named(const struct config_log *config, bool *nonblocking)
{
    if (config->access == ACCESS_STDOUT)
        return open_stdout(nonblocking);
    *nonblocking = true;
    /* The name may be that of a FIFO: O_NONBLOCK keeps us from waiting for its reader. */
    return open(config->access_file,
                O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, FILE_MODE);
}

void access_sink_init(struct access_sink *s)
{
    *s = (struct access_sink){.fd = -1};
}

void access_sink_close(struct access_sink *s)
{
    if (s->fd >= 0)
        fd_close(&s->fd);
    access_sink_init(s);
}

enum err access_sink_open(struct access_sink *s, const struct config_log *config)
{
    struct access_sink next = {.fd = -1};
    if (config->access != ACCESS_OFF) {
        next.fd = open_named(config, &next.nonblocking);
        if (next.fd < 0)
            return ERR_IO;
        next.kind = kind_of(next.fd);
    }
    access_sink_close(s);
    *s = next;
    return ERR_OK;
}

/* The longest run of whole lines at the front of S that goes into LIMIT bytes; the rest of a line, where
 * not even one does. */
static struct span whole_lines(struct span s, size_t limit)
{
    if (s.len <= limit)
        return s;
    struct span head = span_sub(s, 0, limit);
    ptrdiff_t end = span_rchr(head, '\n');
    return end < 0 ? head : span_sub(head, 0, (size_t)end + 1);
}

static ssize_t write_piece(struct access_sink *s, struct span piece)
{
    struct pollfd p = {.fd = s->fd, .events = POLLOUT};
    if (s->kind == SINK_SOCKET)
        return send(s->fd, piece.p, piece.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (s->kind == SINK_STREAM && !s->nonblocking && poll(&p, 1, 0) != 1) {
        errno = EAGAIN;
        return -1;
    }
    return write(s->fd, piece.p, piece.len);
}

static ssize_t write_some(struct access_sink *s, struct span piece)
{
    ssize_t n;
    do
        n = write_piece(s, piece);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    if (n == 0) {
        errno = EIO;
        return -1;
    }
    return n;
}

ssize_t access_sink_write(struct access_sink *s, struct span lines)
{
    if (s->fd < 0) {
        errno = EBADF;
        return -1;
    }
    if (s->torn) {
        ssize_t n = write_some(s, SPAN_LIT("\n"));
        if (n <= 0)
            return n;
        s->torn = false;
    }
    return write_some(s, s->kind == SINK_FILE ? lines : whole_lines(lines, PIPE_BUF));
}

void access_sink_give_up(struct access_sink *s, bool begun)
{
    s->torn = s->torn || begun;
}

void access_sink_wait(const struct access_sink *s, int ms)
{
    struct pollfd p = {.fd = s->fd, .events = POLLOUT};
    (void)!poll(&p, 1, ms);
}
