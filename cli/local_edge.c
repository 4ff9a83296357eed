#include "cli/local_edge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "cli/edge.h"
#include "cli/folders.h"
#include "cli/local_beyond.h"
#include "cli/local_process.h"
#include "config/names.h"
#include "core/file.h"
#include "core/mem.h"

#define CONFIG_MAX ((size_t)16 << 20)
#define LOCAL_TIMEOUT_S 30L

/* --- speaking to one of the two ------------------------------------------------------------------ */

void local_edge_enter(struct cli *c, const struct local_place *p, struct settings *before)
{
    *before = c->settings;
    c->settings = (struct settings){
        .edge = cli_text(c, "unix:%s", p->socket),
        .origin = "http://localhost",
        .zone = p->zone,
        .unix_path = p->socket,
        .timeout_s = LOCAL_TIMEOUT_S,
    };
}

void local_edge_leave(struct cli *c, const struct settings *before)
{
    c->settings = *before;
}

static enum exit_code call_local(struct cli *c, const struct local_place *p,
                                 const struct edge_request *r, struct edge_reply *out)
{
    struct settings before;
    local_edge_enter(c, p, &before);
    enum exit_code code = edge_call(c, r, out);
    local_edge_leave(c, &before);
    return code;
}

/* --- one at a time ------------------------------------------------------------------------------- */

/* Its descriptor; -1: said why not. */
static int hold(struct cli *c, const struct local_place *p)
{
    int fd = open(p->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX) == 0)
        return fd;
    cli_complain(c, "%s: %s", p->folder, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* --- the sessions' files ------------------------------------------------------------------------- */

/* All parts that there are, in the order of their sessions' names, so that the same give the same. */
static json_t *all_parts(struct cli *c, const struct local_place *p)
{
    json_t *parts = cli_keep(c, json_array()), *name;
    size_t i;
    json_array_foreach(local_place_sessions(c, p), i, name)
    {
        json_t *part = local_read_json(c, local_place_session(c, p, json_string_value(name)));
        if (part)
            json_array_append(parts, part);
    }
    return parts;
}

static enum exit_code need_own(struct cli *c, const struct local_place *p,
                               const struct local_wish *w, bool *is_new)
{
    const json_t *part = local_read_json(c, local_place_session(c, p, w->session));
    const char *file = json_text(part, "file");
    *is_new = part == NULL;
    if (!*file || strcmp(file, w->project->file) == 0 || access(file, F_OK) != 0)
        return EXIT_DONE;
    cli_complain(c, "the local session \"%s\" is that of %s", w->session, file);
    cli_advise(c, "end that one there (linkup stop), or take another name: --session NAME");
    return EXIT_MISSING;
}

/* --- its configuration --------------------------------------------------------------------------- */

static bool is_same_file(const char *path, const char *text)
{
    char *data;
    size_t len;
    if (file_read(path, CONFIG_MAX, &data, &len) != ERR_OK)
        return false;
    bool same = span_eq(span_of(data, len), span_str(text));
    mem_free(data);
    return same;
}

/* *CHANGED: it is another than before. */
static enum exit_code write_config(struct cli *c, const struct local_place *p,
                                   const struct local_beyond *beyond, const json_t *known,
                                   bool *changed)
{
    const char *text = local_config_text(c, p, beyond, all_parts(c, p), known);
    *changed = !is_same_file(p->config, text);
    return *changed ? local_write(c, p->config, text) : EXIT_DONE;
}

static enum exit_code bring_up(struct cli *c, const struct local_place *p,
                               const struct local_wish *w, const json_t *known, bool restart)
{
    struct local_beyond beyond;
    bool changed;
    enum exit_code code = local_beyond_find(c, p, &beyond);
    if (code == EXIT_DONE)
        code = write_config(c, p, &beyond, known, &changed);
    if (code == EXIT_DONE && changed)
        code = local_process_check(c, p, w->linkupd);
    if (code == EXIT_DONE && restart)
        code = local_process_stop(c, p);
    if (code != EXIT_DONE)
        return code;
    if (!local_process_find(p))
        return local_process_start(c, p, w->linkupd);
    return changed ? local_process_reload(c, p) : EXIT_DONE;
}

/* --- ending -------------------------------------------------------------------------------------- */

/* What is trusted by the system, and where resolvers point, stays what it is. */
static void forget(const struct local_place *p)
{
    const char *const gone[] = {p->config, p->log, p->notify,  p->socket,
                                p->lock,   p->ca,  p->services};
    for (size_t i = 0; i < ARRAY_LEN(gone); i++)
        unlink(gone[i]);
    rmdir(p->sessions);
}

static enum exit_code delete_session(struct cli *c, const struct local_place *p,
                                     const char *session)
{
    struct settings before;
    struct http_reply reply;
    char why[HTTP_WHY_MAX];
    local_edge_enter(c, p, &before);
    struct http_target target = edge_target(c);
    struct http_request request = {.method = "DELETE",
                                   .path = edge_path(c, "/v1/sessions/", session)};
    enum http_failure failure = http_exchange(&target, &request, &c->arena, &reply, why);
    enum exit_code code = EXIT_DONE;
    if (failure != HTTP_DONE) {
        edge_tell_failure(c, failure, why);
        code = EXIT_UNREACHABLE;
    } else if (reply.status != 404 && edge_exit_code(reply.status) != EXIT_DONE) {
        edge_tell_problem(c, &reply);
        code = edge_exit_code(reply.status);
    }
    local_edge_leave(c, &before);
    return code;
}

static enum exit_code drop(struct cli *c, const struct local_place *p, const char *session)
{
    const char *file = local_place_session(c, p, session);
    enum exit_code code = EXIT_DONE;
    /* One that does not run has the session in its store, still. */
    if (local_process_find(p))
        code = delete_session(c, p, session);
    if (code != EXIT_DONE)
        return code;
    if (unlink(file) != 0 && errno != ENOENT) {
        cli_complain(c, "%s: %s", file, strerror(errno));
        return EXIT_INPUT;
    }
    if (json_array_size(all_parts(c, p)) > 0)
        return EXIT_DONE;
    code = local_process_stop(c, p);
    if (code == EXIT_DONE)
        forget(p);
    return code;
}

enum exit_code local_edge_drop(struct cli *c, const char *zone, const char *session)
{
    struct local_place p;
    enum exit_code code = local_place_find(c, zone, &p);
    if (code != EXIT_DONE || access(p.folder, F_OK) != 0)
        return code;
    int held = hold(c, &p);
    if (held < 0)
        return EXIT_INPUT;
    code = drop(c, &p, session);
    close(held);
    return code;
}

/* --- beginning ----------------------------------------------------------------------------------- */

/* Sessions that ended while the edge did not run have left their records in its store. */
static enum exit_code sweep(struct cli *c, const struct local_place *p)
{
    struct edge_reply reply;
    size_t i;
    json_t *s;
    enum exit_code code = call_local(
        c, p, &(struct edge_request){.method = "GET", .path = "/v1/sessions?limit=1000"}, &reply);
    json_array_foreach(json_object_get(reply.json, "sessions"), i, s)
    {
        const char *name = json_text(s, "name");
        if (code == EXIT_DONE && access(local_place_session(c, p, name), F_OK) != 0)
            code = delete_session(c, p, name);
    }
    return code;
}

static enum exit_code put_session(struct cli *c, const struct local_place *p,
                                  const struct local_wish *w, const json_t *known, json_t **session)
{
    struct edge_reply reply;
    const json_t *body = local_session_body(c, w->project, p->zone, w->local, known);
    enum exit_code code = sweep(c, p);
    if (code == EXIT_DONE)
        code = call_local(c, p,
                          &(struct edge_request){.method = "PUT",
                                                 .path = edge_path(c, "/v1/sessions/", w->session),
                                                 .body = body},
                          &reply);
    if (code == EXIT_DONE)
        *session = reply.json;
    return code;
}

static enum exit_code put(struct cli *c, struct local_place *p, const struct local_wish *w,
                          json_t **session)
{
    bool is_new, runs = local_process_find(p) != 0;
    uint16_t before = p->https;
    enum exit_code code = local_place_prepare(c, p, w->https, !runs);
    if (code == EXIT_DONE)
        code = need_own(c, p, w, &is_new);
    if (code == EXIT_DONE && is_new)
        code = local_beyond_need_free(c, w->session);
    if (code == EXIT_DONE)
        code = local_write_json(c, local_place_session(c, p, w->session),
                                local_part(c, w->project, p->zone));
    if (code != EXIT_DONE)
        return code;
    const json_t *known = local_beyond_services(c, p);
    code = bring_up(c, p, w, known, runs && before != p->https);
    if (code == EXIT_DONE)
        code = put_session(c, p, w, known, session);
    if (code == EXIT_DONE || !is_new)
        return code;
    enum exit_code undone = drop(c, p, w->session);
    (void)undone;
    return code;
}

static void tell_domains(struct cli *c, const struct project *project, const char *zone)
{
    for (size_t i = 0; i < project->n_domains; i++)
        if (!name_below(span_str(project->domains[i].domain), span_str(zone), NULL))
            cli_say(c, "%s lies outside %s: it is not there in local mode",
                    project->domains[i].domain, zone);
}

enum exit_code local_edge_put(struct cli *c, const struct local_wish *w, json_t **session)
{
    struct local_place p;
    enum exit_code code = local_beyond_need_zone(c);
    if (code == EXIT_DONE)
        code = local_place_find(c, c->settings.zone, &p);
    if (code != EXIT_DONE)
        return code;
    if (!folder_make(p.folder, &c->arena)) {
        cli_complain(c, "cannot make the folder %s: %s", p.folder, strerror(errno));
        return EXIT_INPUT;
    }
    int held = hold(c, &p);
    if (held < 0)
        return EXIT_INPUT;
    code = put(c, &p, w, session);
    close(held);
    if (code == EXIT_DONE)
        tell_domains(c, w->project, p.zone);
    return code;
}

enum exit_code local_edge_look(struct cli *c, const char *zone, const char *session,
                               struct local_view *out)
{
    *out = (struct local_view){0};
    enum exit_code code = local_place_find(c, zone, &out->place);
    if (code != EXIT_DONE)
        return code;
    out->pid = local_process_find(&out->place);
    if (!out->pid || access(local_place_session(c, &out->place, session), F_OK) != 0)
        return EXIT_DONE;
    struct edge_reply reply;
    code = call_local(
        c, &out->place,
        &(struct edge_request){.method = "GET", .path = edge_path(c, "/v1/sessions/", session)},
        &reply);
    if (code == EXIT_DONE)
        out->session = reply.json;
    return code;
}
