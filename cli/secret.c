#include "cli/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"
#include "core/mem.h"

#define TOKEN_MAX 4096

enum exit_code secret_check(struct cli *c, const char *token, const char *where)
{
    size_t len = strlen(token);
    bool fine = len > 0 && len < TOKEN_MAX;
    for (size_t i = 0; fine && i < len; i++)
        fine = token[i] > ' ' && token[i] < 0x7f;
    if (fine)
        return EXIT_DONE;
    cli_complain(c, "%s: this is no token: one line of visible characters is", where);
    return EXIT_INPUT;
}

static void warn_of_mode(struct cli *c, int fd, const char *path)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || !(st.st_mode & (S_IRWXG | S_IRWXO)))
        return;
    cli_complain(c, "warning: %s can be read by others; mend it with: chmod 600 %s", path, path);
}

/* Up to the first line's end; whole reads, since a pipe gives pieces. */
static ssize_t read_line(int fd, char *line, size_t size)
{
    size_t used = 0;
    while (used < size - 1) {
        ssize_t n = read(fd, line + used, size - 1 - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        used += (size_t)n;
        if (n == 0 || memchr(line + used - n, '\n', (size_t)n))
            break;
    }
    line[used] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    return (ssize_t)strlen(line);
}

static enum exit_code take_line(struct cli *c, int fd, const char *where, char **token)
{
    char line[TOKEN_MAX + 2];
    ssize_t len = read_line(fd, line, sizeof line);
    if (len < 0) {
        cli_complain(c, "%s: %s", where, strerror(errno));
        return EXIT_INPUT;
    }
    struct span text = span_trim(span_of(line, (size_t)len));
    *token = (char *)arena_must_alloc(&c->arena, text.len + 1);
    memcpy(*token, text.p, text.len);
    (*token)[text.len] = '\0';
    mem_wipe(line, sizeof line);
    return secret_check(c, *token, where);
}

enum exit_code secret_read(struct cli *c, const char *path, char **token)
{
    if (strcmp(path, "-") == 0)
        return take_line(c, STDIN_FILENO, "standard input", token);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        cli_complain(c, "--token-file %s: %s", path, strerror(errno));
        return EXIT_INPUT;
    }
    warn_of_mode(c, fd, path);
    enum exit_code code = take_line(c, fd, path, token);
    close(fd);
    return code;
}

/* --- the terminal -------------------------------------------------------------------------------- */

static struct termios loud;
static struct sigaction before_int, before_term;

static void on_end(int number)
{
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &loud);
    signal(number, SIG_DFL);
    raise(number);
}

static void echo_off(const struct termios *was)
{
    struct termios quiet = *was;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    loud = *was;
    struct sigaction end = {.sa_handler = on_end};
    sigaction(SIGINT, &end, &before_int);
    sigaction(SIGTERM, &end, &before_term);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
}

static void echo_on(void)
{
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &loud);
    sigaction(SIGINT, &before_int, NULL);
    sigaction(SIGTERM, &before_term, NULL);
}

enum exit_code secret_ask(struct cli *c, char **token)
{
    struct termios was;
    if (!c->err.tty || tcgetattr(STDIN_FILENO, &was) != 0) {
        cli_complain(c, "a token is needed");
        cli_advise(c, "give it as --token-file FILE (\"-\": standard input) or in LINKUP_TOKEN");
        cli_advise(c, "the edge wrote the first one to admin.token in its state folder");
        return EXIT_USAGE;
    }
    echo_off(&was); /* before it asks: what is typed at once is neither shown nor lost */
    fputs("Token: ", c->err.file);
    fflush(c->err.file);
    enum exit_code code = take_line(c, STDIN_FILENO, "the terminal", token);
    echo_on();
    fputc('\n', c->err.file);
    return code;
}
