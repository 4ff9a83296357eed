/* The project file, and whether somebody listens where it says that services run on this machine. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "cli/project_find.h"
#include "core/fd.h"

#define CONNECT_MS 2000
#define FILE_CHECK "file"
#define LOCAL_CHECK "local"

/* --- the file ------------------------------------------------------------------------------------ */

static void find_errors(struct doctor *d, const char *file, const struct config_errors *errors)
{
    struct cli *c = d->cli;
    for (size_t i = 0; i < errors->n; i++) {
        const struct config_error *e = &errors->v[i];
        const char *at = e->line ? cli_text(c, "%s:%u", file, e->line) : file;
        doctor_find(d, FILE_CHECK, ILL,
                    cli_text(c, "%s: %s%s%s", at, e->key, *e->key ? ": " : "", e->text), NULL);
    }
}

/* --- who listens --------------------------------------------------------------------------------- */

static bool is_connected(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int why = 0;
    socklen_t len = sizeof why;
    return poll(&p, 1, CONNECT_MS) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &len) == 0 &&
           why == 0;
}

static bool takes_connections(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool there = connect(fd, at->ai_addr, at->ai_addrlen) == 0 ||
                 (errno == EINPROGRESS && is_connected(fd));
    fd_close(&fd);
    return there;
}

/* At any address of HOST. NULL: somebody does. */
static const char *why_nobody_at(const char *host, unsigned port)
{
    char text[12];
    struct addrinfo *found = NULL, hints = {.ai_socktype = SOCK_STREAM};
    snprintf(text, sizeof text, "%u", port);
    int e = getaddrinfo(host, text, &hints, &found);
    if (e != 0)
        return gai_strerror(e);
    bool there = false;
    for (const struct addrinfo *a = found; a && !there; a = a->ai_next)
        there = takes_connections(a);
    freeaddrinfo(found);
    return there ? NULL : "nobody listens there";
}

/* For agents "localhost" is both loopback addresses, whatever the system makes of it. */
static const char *why_nobody(const struct config_backend *b)
{
    const char *why = why_nobody_at(b->host, b->port);
    return why && strcmp(b->host, "localhost") == 0 ? why_nobody_at("::1", b->port) : why;
}

static void check_service(struct doctor *d, const struct project_service *s)
{
    struct cli *c = d->cli;
    if (!s->local.url)
        return;
    const char *why = why_nobody(&s->local);
    const char *text = cli_text(c, "%s: %s%s%s", s->name, s->local.url, why ? ": " : "",
                                why ? why : "");
    /* That a service is not started is no fault of anything. */
    doctor_find(d, LOCAL_CHECK, why ? DOUBTFUL : WELL, text,
                why ? cli_text(c, "start %s, or leave it to the shared copy", s->name) : NULL);
}

void doctor_check_project(struct doctor *d)
{
    struct cli *c = d->cli;
    const char *file = project_file(c);
    struct project *p = NULL;
    struct config_errors errors = {0};
    if (!file) {
        doctor_find(d, FILE_CHECK, UNCHECKED, "no linkup.yaml here or above", NULL);
        return;
    }
    if (project_load(file, &p, &errors) != ERR_OK) {
        find_errors(d, file, &errors);
        config_errors_deinit(&errors);
        return;
    }
    doctor_find(d, FILE_CHECK, WELL, cli_text(c, "%s", file), NULL);
    for (size_t i = 0; i < p->n_services; i++)
        check_service(d, &p->services[i]);
    project_free(p);
}
