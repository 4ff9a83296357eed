#include "proxy/access/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/fd.h"
#include "core/loop.h"
#include "core/mem.h"
#include "proxy/access/access_line.h"

#define HELD_MAX (64 * 1024) /* lines beyond are dropped */
#define FLUSH_AT (32 * 1024) /* flushed without waiting for the timer */
#define FLUSH_AFTER 0.1      /* seconds from the first line held */
#define FILE_MODE 0640

enum sink_kind {
    SINK_FILE,   /* appends whole writes, however long */
    SINK_STREAM, /* pipe, terminal: at most PIPE_BUF bytes go in one piece (POSIX write) */
    SINK_SOCKET,
};

struct access_log {
    struct ev_loop *loop;
    ev_timer timer;
    int fd;
    enum sink_kind kind;
    bool nonblocking;
    bool json;
    struct buf held;
    uint64_t dropped; /* lines, since it was last logged */
    struct access_clock clock;
};

/* --- the sink ------------------------------------------------------------------------------------ */

static enum sink_kind kind_of(int fd)
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
 * was dropped) or not possible (sockets), a duplicate must do, and write_some asks before it writes. */
static int open_stdout(bool *nonblocking)
{
    int fd = open("/proc/self/fd/1", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    *nonblocking = fd >= 0;
    if (fd < 0)
        fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    return fd;
}

static int open_sink(const struct config_log *config, bool *nonblocking)
{
    if (config->access == ACCESS_STDOUT)
        return open_stdout(nonblocking);
    *nonblocking = true;
    /* The name may be that of a FIFO: O_NONBLOCK keeps us from waiting for its reader. */
    return open(config->access_file,
                O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, FILE_MODE);
}

/* The longest run of whole lines at the front of S that goes into LIMIT bytes. */
static struct span whole_lines(struct span s, size_t limit)
{
    if (s.len <= limit)
        return s;
    struct span head = span_sub(s, 0, limit);
    ptrdiff_t end = span_rchr(head, '\n');
    CHECK(end >= 0); /* ACCESS_LINE_MAX is not above PIPE_BUF */
    return span_sub(head, 0, (size_t)end + 1);
}

static bool would_block(const struct access_log *l)
{
    struct pollfd p = {.fd = l->fd, .events = POLLOUT};
    return !l->nonblocking && poll(&p, 1, 0) != 1;
}

static ssize_t write_some(struct access_log *l, struct span s)
{
    if (l->kind == SINK_SOCKET)
        return send(l->fd, s.p, s.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (l->kind == SINK_FILE)
        return write(l->fd, s.p, s.len);
    if (would_block(l)) {
        errno = EAGAIN;
        return -1;
    }
    return write(l->fd, s.p, s.len);
}

/* Bytes that nobody will take: gone, and counted as the lines they are. */
static void drop_held(struct access_log *l)
{
    struct span s = buf_span(&l->held);
    for (size_t i = 0; s.p && i < s.len; i++)
        l->dropped += s.p[i] == '\n';
    buf_clear(&l->held);
}

static void tell_dropped(struct access_log *l)
{
    if (l->dropped == 0)
        return;
    LOG(LOG_WARN, "access_log_dropped", LOG_U("lines", l->dropped));
    l->dropped = 0;
}

static void flush(struct access_log *l)
{
    while (buf_len(&l->held) > 0) {
        struct span piece = buf_span(&l->held);
        if (l->kind == SINK_STREAM)
            piece = whole_lines(piece, PIPE_BUF);
        ssize_t n = write_some(l, piece);
        if (n > 0) {
            buf_consume(&l->held, (size_t)n);
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        LOG(LOG_ERROR, "access_log_failed", LOG_ERRNO(n < 0 ? errno : EIO));
        drop_held(l);
    }
    tell_dropped(l);
    buf_release(&l->held);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)revents;
    struct access_log *l = CONTAINER_OF(timer, struct access_log, timer);
    flush(l);
    if (buf_len(&l->held) == 0)
        ev_timer_stop(loop, timer);
}

/* --- life ---------------------------------------------------------------------------------------- */

struct access_log *access_log_new(struct ev_loop *loop, const struct config_log *config)
{
    if (config->access == ACCESS_OFF)
        return NULL;

    bool nonblocking = false;
    int fd = open_sink(config, &nonblocking);
    if (fd < 0) {
        int e = errno;
        LOG(LOG_ERROR, "access_log_not_opened",
            LOG_S("file", config->access == ACCESS_FILE ? config->access_file : "stdout"),
            LOG_ERRNO(e));
        return NULL;
    }
    struct access_log *l = NEW(struct access_log);
    l->loop = loop;
    l->fd = fd;
    l->kind = kind_of(fd);
    l->nonblocking = nonblocking;
    l->json = config->json;
    buf_init(&l->held, HELD_MAX);
    ev_timer_init(&l->timer, on_timer, FLUSH_AFTER, FLUSH_AFTER);
    return l;
}

void access_log_free(struct access_log *l)
{
    if (!l)
        return;
    flush(l);
    drop_held(l);
    tell_dropped(l);
    ev_timer_stop(l->loop, &l->timer);
    fd_close(&l->fd);
    buf_deinit(&l->held);
    mem_free(l);
}

struct access_log *access_log_reopen(struct access_log *l, struct ev_loop *loop,
                                     const struct config_log *config)
{
    access_log_free(l);
    return access_log_new(loop, config);
}

void access_log_write(struct access_log *l, const struct exchange *x)
{
    if (!l)
        return;
    size_t room;
    char *at = buf_reserve(&l->held, ACCESS_LINE_MAX, &room);
    if (!at) {
        l->dropped++;
        return;
    }
    int64_t wall_ms = (int64_t)(ev_now(l->loop) * 1000);
    buf_commit(&l->held, access_line_write(at, l->json, wall_ms, clock_us(), &l->clock, x));
    if (buf_len(&l->held) >= FLUSH_AT)
        flush(l);
    if (buf_len(&l->held) > 0 && !ev_is_active(&l->timer)) {
        ev_timer_set(&l->timer, FLUSH_AFTER, FLUSH_AFTER);
        ev_timer_start(l->loop, &l->timer);
    }
}
