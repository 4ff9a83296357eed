#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log_line.h"
#include "core/loop.h"
#include "core/mem.h"

#define REPEATS_A_WINDOW 10
#define REPEAT_WINDOW_US 1000000
#define REPEAT_SLOTS 64

static _Atomic int least_level = LOG_INFO;
static bool as_json;

/* Where lines go; set before threads start. */
static int log_fd = STDERR_FILENO;
static bool never_wait, is_socket;
static _Atomic uint64_t dropped;

void log_setup(enum log_level least, bool json)
{
    as_json = json;
    log_set_level(least);
}

/* As with standard output (access_sink.c): the flags of what we share with who started us stay as they
 * are. A socket can be told with each message, and what cannot be opened anew is asked first. */
void log_never_wait(void)
{
    struct stat st;
    never_wait = true;
    is_socket = fstat(STDERR_FILENO, &st) == 0 && S_ISSOCK(st.st_mode);
    int fd = open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0)
        log_fd = fd;
}

void log_set_level(enum log_level least)
{
    atomic_store_explicit(&least_level, (int)least, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&least_level, memory_order_relaxed);
}

const char *log_errno_text(int e)
{
    const char *text = strerrordesc_np(e);
    return text ? text : "unknown error";
}

/* How often an event was written in its present window, and how many more there were. */
struct repeat {
    const char *event; /* NULL: a free slot */
    uint64_t window_start_us;
    unsigned written;
    uint64_t held_back;
};

static _Thread_local struct repeat repeats[REPEAT_SLOTS];

/* The slot of EVENT, its own or a free one; else that with the oldest window, whose count, if it
 * has one, is lost. There are fewer events in the program than slots, so this hardly happens. */
static struct repeat *repeat_slot(const char *event)
{
    struct repeat *oldest = &repeats[0];
    for (size_t i = 0; i < REPEAT_SLOTS; i++) {
        struct repeat *r = &repeats[i];
        if (!r->event || r->event == event || strcmp(r->event, event) == 0)
            return r;
        if (r->window_start_us < oldest->window_start_us)
            oldest = r;
    }
    oldest->event = NULL;
    return oldest;
}

/* Whether EVENT may be written now; then *HELD_BACK is how many were not since the last time. */
static bool repeat_allows(const char *event, uint64_t *held_back)
{
    uint64_t now = clock_us();
    struct repeat *r = repeat_slot(event);
    if (!r->event || now - r->window_start_us >= REPEAT_WINDOW_US) {
        uint64_t before = r->event ? r->held_back : 0;
        *r = (struct repeat){.event = event, .window_start_us = now, .held_back = before};
    }
    if (r->written >= REPEATS_A_WINDOW) {
        r->held_back++;
        return false;
    }
    r->written++;
    *held_back = r->held_back;
    r->held_back = 0;
    return true;
}

static ssize_t write_once(const struct log_line *l)
{
    struct pollfd p = {.fd = log_fd, .events = POLLOUT};
    if (is_socket)
        return send(log_fd, l->text, l->len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (never_wait && log_fd == STDERR_FILENO && poll(&p, 1, 0) != 1) {
        errno = EAGAIN;
        return -1;
    }
    return write(log_fd, l->text, l->len);
}

/* One write a line, so that lines of several threads do not mix. There is nobody to tell when it
 * fails, and a line is not worth waiting for. */
static bool write_line(const struct log_line *l)
{
    ssize_t n;
    do
        n = write_once(l);
    while (n < 0 && errno == EINTR);
    return n > 0;
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
    int errno_before = errno;
    uint64_t held_back;
    if (!repeat_allows(event, &held_back))
        return;

    struct log_line line;
    log_line_begin(&line, as_json, clock_wall_ms(), level, event);
    if (held_back > 0)
        log_line_field(&line, &LOG_U("repeats", held_back));
    uint64_t lost = atomic_exchange_explicit(&dropped, 0, memory_order_relaxed);
    if (lost > 0)
        log_line_field(&line, &LOG_U("dropped", lost));
    for (size_t i = 0; i < n; i++)
        log_line_field(&line, &fields[i]);
    log_line_end(&line);
    if (!write_line(&line))
        atomic_fetch_add_explicit(&dropped, lost + 1, memory_order_relaxed);
    errno = errno_before;
}
