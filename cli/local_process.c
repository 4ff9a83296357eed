#include "cli/local_process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli/tool.h"
#include "core/file.h"
#include "core/mem.h"

#define START_MS 30000
#define RELOAD_MS 15000
/* More than `drain` in its configuration. */
#define STOP_MS 10000
#define KILL_MS 5000
#define LOG_MAX ((size_t)64 << 20)
#define LOG_SHOWN 8

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int left_ms(int64_t until)
{
    int64_t left = until - now_ms();
    return left > 0 ? (int)left : 0;
}

/* --- who holds the lock -------------------------------------------------------------------------- */

static pid_t read_pid(int fd)
{
    char text[24];
    uint64_t pid = 0;
    ssize_t n = pread(fd, text, sizeof text, 0);
    if (n <= 0 || span_to_u64(span_of(text, (size_t)n), &pid) != ERR_OK || pid > INT32_MAX)
        return 0;
    return (pid_t)pid;
}

pid_t local_process_find(const struct local_place *p)
{
    int fd = open(p->lock, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return 0;
    bool held = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    pid_t pid = held ? read_pid(fd) : 0;
    close(fd);
    return pid;
}

/* --- what it says -------------------------------------------------------------------------------- */

/* The socket to which it says that it is ready; -1: errno says why not. */
static int listen_notify(const struct local_place *p)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    memcpy(at.sun_path, p->notify, strlen(p->notify) + 1); /* it fits: local_place_find */
    unlink(p->notify);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool says_ready(int notify)
{
    char text[256];
    ssize_t n = recv(notify, text, sizeof text - 1, 0);
    if (n <= 0)
        return false;
    text[n] = '\0';
    return strncmp(text, "READY=1", 7) == 0;
}

/* Waits for READY=1 on NOTIFY. ALIVE: readable or hung up when the process has ended. 1: ready, 0: ended, -1:
 * neither within MS. */
static int wait_ready(int notify, int alive, int ms)
{
    int64_t until = now_ms() + ms;
    struct pollfd fds[2] = {{.fd = notify, .events = POLLIN}, {.fd = alive, .events = POLLIN}};
    for (;;) {
        int n = poll(fds, 2, left_ms(until));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        if ((fds[0].revents & POLLIN) && says_ready(notify))
            return 1;
        if (fds[1].revents)
            return 0;
    }
}

static void show_log(struct cli *c, const struct local_place *p)
{
    char *data;
    size_t len;
    if (file_read(p->log, LOG_MAX, &data, &len) != ERR_OK)
        return;
    struct span text = span_trim(span_of(data, len)), line;
    size_t skip = 0, lines = 1;
    for (size_t i = text.len; i > 0; i--)
        if (text.p[i - 1] == '\n' && lines++ == LOG_SHOWN) {
            skip = i;
            break;
        }
    text = span_from(text, skip);
    while (span_split(&text, '\n', &line))
        cli_advise(c, SPAN_FMT, SPAN_ARG(line));
    mem_free(data);
}

/* --- start --------------------------------------------------------------------------------------- */

static const char *find_linkupd(struct cli *c, const char *given)
{
    char path[PATH_MAX];
    if (given)
        return realpath(given, path) ? cli_text(c, "%s", path) : given;
    ssize_t n = readlink("/proc/self/exe", path, sizeof path);
    struct span self = span_of(path, n > 0 && (size_t)n < sizeof path ? (size_t)n : 0);
    ptrdiff_t slash = span_rchr(self, '/');
    if (slash >= 0) {
        const char *beside = cli_text(c, SPAN_FMT "/linkupd",
                                      SPAN_ARG(span_sub(self, 0, (size_t)slash)));
        if (access(beside, X_OK) == 0)
            return beside;
    }
    if (tool_find("linkupd", path, sizeof path))
        return cli_text(c, "%s", path);
    cli_complain(c, "linkupd is not installed: it stands neither beside linkup nor in the PATH");
    cli_advise(c, "say where it is: --linkupd FILE, or LINKUP_LINKUPD");
    return NULL;
}

/* With NOTIFY_SOCKET in it, and without the flags' twins: they are of this call, a token among them. */
static char **environment(struct cli *c, const struct local_place *p)
{
    size_t n = 0, to = 0;
    while (environ[n])
        n++;
    char **out = (char **)arena_must_alloc(&c->arena, (n + 2) * sizeof *out);
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], "NOTIFY_SOCKET=", 14) != 0 &&
            strncmp(environ[i], "LINKUP_", 7) != 0)
            out[to++] = environ[i];
    out[to++] = (char *)(uintptr_t)cli_text(c, "NOTIFY_SOCKET=%s", p->notify);
    out[to] = NULL;
    return out;
}

/* LOCK and ALIVE stay open in it and say, each in its way, that it lives. */
static int spawn(struct cli *c, const struct local_place *p, const char *linkupd, int lock,
                 int alive, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addchdir_np(&files, "/"); /* it holds no folder of the project's */
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, p->log, O_WRONLY | O_CREAT | O_TRUNC,
                                     0600);
    posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&files, lock, lock); /* takes close-on-exec away */
    posix_spawn_file_actions_adddup2(&files, alive, alive);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    const char *const argv[] = {linkupd, "--config", p->config, NULL};
    /* posix_spawn does not write to the strings. */
    int e = posix_spawnp(pid, linkupd, &files, &attr, (char **)(uintptr_t)argv, environment(c, p));
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return e;
}

static int take_lock(struct cli *c, const struct local_place *p)
{
    int fd = open(p->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    cli_complain(c, "%s: %s", p->lock, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static enum exit_code say_outcome(struct cli *c, const struct local_place *p, const char *linkupd,
                                  int outcome)
{
    if (outcome > 0)
        return EXIT_DONE;
    cli_complain(c,
                 outcome == 0 ? "the local edge (%s) does not start"
                              : "the local edge (%s) is not ready in time",
                 linkupd);
    show_log(c, p);
    return EXIT_INPUT;
}

/* ENDS: a pipe whose writing end only the process keeps. */
static enum exit_code start_with(struct cli *c, const struct local_place *p, const char *linkupd,
                                 int lock, int notify, int ends[2])
{
    pid_t pid;
    int e = spawn(c, p, linkupd, lock, ends[1], &pid);
    close(ends[1]);
    ends[1] = -1;
    if (e != 0) {
        cli_complain(c, "%s: %s", linkupd, strerror(e));
        return EXIT_INPUT;
    }
    const char *text = cli_text(c, "%d", (int)pid);
    bool kept = ftruncate(lock, 0) == 0 && pwrite(lock, text, strlen(text), 0) > 0;
    int outcome = kept ? wait_ready(notify, ends[0], START_MS) : -1;
    if (outcome < 0)
        kill(pid, SIGKILL);
    return say_outcome(c, p, linkupd, outcome);
}

enum exit_code local_process_start(struct cli *c, const struct local_place *p, const char *linkupd)
{
    int ends[2] = {-1, -1};
    linkupd = find_linkupd(c, linkupd);
    if (!linkupd)
        return EXIT_INPUT;
    int lock = take_lock(c, p);
    int notify = lock >= 0 ? listen_notify(p) : -1;
    enum exit_code code = EXIT_INPUT;
    if (notify >= 0 && pipe2(ends, O_CLOEXEC) == 0)
        code = start_with(c, p, linkupd, lock, notify, ends);
    else if (lock >= 0)
        cli_complain(c, "%s: %s", p->notify, strerror(errno));
    const int fds[] = {lock, notify, ends[0], ends[1]};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    unlink(p->notify);
    return code;
}

enum exit_code local_process_check(struct cli *c, const struct local_place *p, const char *linkupd)
{
    linkupd = find_linkupd(c, linkupd);
    if (!linkupd)
        return EXIT_INPUT;
    struct buf out;
    const char *const argv[] = {linkupd, "--check", "--config", p->config, NULL};
    buf_init(&out, 1 << 16);
    /* Once in silence, and again only to show what is wrong. */
    int status = tool_run(argv, &out);
    buf_deinit(&out);
    if (status == 0)
        return EXIT_DONE;
    if (status < 0)
        cli_complain(c, "%s: %s", linkupd, strerror(errno));
    else
        cli_complain(c, "the project does not make a configuration that linkupd takes:");
    if (status > 0)
        tool_run(argv, NULL);
    return EXIT_INPUT;
}

/* --- reload and stop ----------------------------------------------------------------------------- */

/* Readable once PID has ended. */
static int watch(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

enum exit_code local_process_reload(struct cli *c, const struct local_place *p)
{
    pid_t pid = local_process_find(p);
    int alive = pid ? watch(pid) : -1;
    int notify = alive >= 0 ? listen_notify(p) : -1;
    int outcome = -1;
    if (notify >= 0 && kill(pid, SIGHUP) == 0)
        outcome = wait_ready(notify, alive, RELOAD_MS);
    if (notify >= 0)
        close(notify);
    if (alive >= 0)
        close(alive);
    unlink(p->notify);
    if (outcome > 0)
        return EXIT_DONE;
    cli_complain(c, "the local edge does not take its new configuration");
    show_log(c, p);
    return EXIT_INPUT;
}

static bool wait_end(int alive, int ms)
{
    int64_t until = now_ms() + ms;
    struct pollfd fd = {.fd = alive, .events = POLLIN};
    int n;
    while ((n = poll(&fd, 1, left_ms(until))) < 0 && errno == EINTR)
        ;
    return n > 0;
}

enum exit_code local_process_stop(struct cli *c, const struct local_place *p)
{
    pid_t pid = local_process_find(p);
    if (!pid)
        return EXIT_DONE;
    int alive = watch(pid);
    /* Between the two calls it may have ended by itself, and the number be another's. */
    bool ended = alive < 0 ? errno == ESRCH : local_process_find(p) != pid;
    if (!ended && alive >= 0) {
        kill(pid, SIGTERM);
        ended = wait_end(alive, STOP_MS);
    }
    if (!ended && alive >= 0) {
        kill(pid, SIGKILL);
        ended = wait_end(alive, KILL_MS);
    }
    if (alive >= 0)
        close(alive);
    if (ended)
        return EXIT_DONE;
    cli_complain(c, "the local edge (process %d) does not end: %s", (int)pid, strerror(errno));
    return EXIT_INPUT;
}

bool local_process_attend(const struct local_place *p)
{
    pid_t pid = local_process_find(p);
    int alive = pid ? watch(pid) : -1;
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    int told = signalfd(-1, &ends, SFD_CLOEXEC);
    struct pollfd fds[2] = {{.fd = alive, .events = POLLIN}, {.fd = told, .events = POLLIN}};
    while (alive >= 0 && told >= 0 && poll(fds, 2, -1) < 0 && errno == EINTR)
        ;
    if (alive >= 0)
        close(alive);
    if (told >= 0)
        close(told);
    return fds[1].revents != 0;
}
