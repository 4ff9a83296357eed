#include "cli/agent_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/agent/agent_log.h"
#include "cli/agent_client.h"
#include "cli/file_lock.h"
#include "core/fd.h"

/* It waits for the one before to end first. */
#define READY_MS 20000
#define HEED_S 3 /* of a signal */

/* --- in the child --------------------------------------------------------------------------------- */

/* Flags' twins are of this call, a token among them; they are not the agent's. */
static void forget_twins(void)
{
    for (char **e = environ; *e;) {
        char name[256];
        size_t len = strcspn(*e, "=");
        if (strncmp(*e, "LINKUP_", 7) != 0 || len >= sizeof name) {
            e++;
            continue;
        }
        memcpy(name, *e, len);
        name[len] = '\0';
        if (unsetenv(name) != 0)
            e++;
    }
}

static void become_agent(int log, int ready)
{
    static const char *const argv[] = {"linkup", "agent", "--ready", NULL};
    int none = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sigset_t all;
    sigemptyset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    /* Duplicates first, so that none of them lies where another is put. */
    int to_log = fcntl(log, F_DUPFD_CLOEXEC, 10), to_ready = fcntl(ready, F_DUPFD_CLOEXEC, 10);
    bool set = none >= 0 && to_log >= 0 && to_ready >= 0 && dup2(none, STDIN_FILENO) >= 0 &&
               dup2(to_log, STDOUT_FILENO) >= 0 && dup2(to_log, STDERR_FILENO) >= 0 &&
               dup2(to_ready, AGENT_READY_FD) >= 0 && chdir("/") == 0;
    forget_twins();
    if (set)
        execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* Twice, so that the agent is nobody's child, nor of this terminal's session. */
static void detach(int log, int ready)
{
    (void)setsid();
    pid_t pid = fork();
    if (pid == 0)
        become_agent(log, ready);
    _exit(pid > 0 ? 0 : 127);
}

/* --- in the parent -------------------------------------------------------------------------------- */

static enum exit_code cannot(struct cli *c, const char *what, int why)
{
    cli_complain(c, "cannot start the agent: %s: %s", what, strerror(why));
    return EXIT_INPUT;
}

static bool is_ready(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char byte;
    int r;
    do
        r = poll(&p, 1, READY_MS);
    while (r < 0 && errno == EINTR);
    return r == 1 && read(fd, &byte, 1) == 1;
}

static enum exit_code fork_agent(struct cli *c, int log, int ready)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        return cannot(c, "fork", errno);
    if (pid == 0)
        detach(log, ready);
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return EXIT_DONE;
}

enum exit_code agent_spawn(struct cli *c, const struct agent_files *f)
{
    int ends[2];
    int log = agent_log_open(f->log);
    if (log < 0)
        return cannot(c, f->log, errno);
    if (pipe2(ends, O_CLOEXEC) != 0) {
        int why = errno;
        fd_close(&log);
        return cannot(c, "pipe", why);
    }
    enum exit_code code = fork_agent(c, log, ends[1]);
    fd_close(&log);
    fd_close(&ends[1]);
    bool ready = code == EXIT_DONE && is_ready(ends[0]);
    fd_close(&ends[0]);
    if (code != EXIT_DONE || ready)
        return code;
    cli_complain(c, "the agent did not start");
    agent_tell_log(c);
    return EXIT_INPUT;
}

static bool is_free(const struct agent_files *f, unsigned seconds)
{
    int fd;
    if (file_lock(f->lock, seconds, &fd) != ERR_OK)
        return false;
    fd_close(&fd);
    return true;
}

void agent_make_room(struct cli *c, const struct agent_files *f, unsigned seconds)
{
    if (is_free(f, seconds))
        return;
    pid_t pid = file_lock_holder(f->lock);
    if (pid == 0)
        return;
    cli_say(c, "the agent (process %ld) does not answer; it is replaced", (long)pid);
    (void)kill(pid, SIGTERM);
    if (is_free(f, HEED_S))
        return;
    (void)kill(pid, SIGKILL);
    (void)is_free(f, HEED_S);
}
