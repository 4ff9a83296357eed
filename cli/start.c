#include "cli/start.h"

#include <string.h>

#include "cli/edge.h"
#include "cli/start_local.h"

enum exit_code start_end(struct cli *c, const char *session)
{
    struct edge_reply reply;
    enum exit_code code = edge_call(c,
                                    &(struct edge_request){
                                        .method = "DELETE",
                                        .path = edge_path(c, "/v1/sessions/", session),
                                        .missing_ok = true,
                                    },
                                    &reply);
    return reply.http.status == 404 ? EXIT_DONE : code;
}

/* An empty one: a name of two words, which no other folder with the same content gets. */
static enum exit_code name_from_edge(struct cli *c, const char **name)
{
    struct edge_reply reply;
    enum exit_code code = edge_call(c,
                                    &(struct edge_request){.method = "POST",
                                                           .path = "/v1/sessions",
                                                           .body = cli_keep(c, json_object())},
                                    &reply);
    if (code != EXIT_DONE)
        return code;
    *name = json_text(reply.json, "name");
    if (**name)
        return EXIT_DONE;
    cli_complain(c, "%s answers a session without a name", c->settings.edge);
    return EXIT_UNREACHABLE;
}

static enum exit_code name_in(struct cli *c, struct book *b, struct place *p, enum start_name *how)
{
    const char *name = p->asked, *edge = c->settings.edge;
    json_t *e = name ? book_find(b, edge, name) : book_own(b, p->project, edge);
    enum exit_code code = EXIT_DONE;
    *how = e ? START_KNOWN : name ? START_ASKED : START_MADE;
    if (*how == START_MADE && p->alone)
        name = start_local_name(c);
    else if (*how == START_MADE)
        code = name_from_edge(c, &name);
    if (code == EXIT_DONE && !e) {
        e = book_add(b, p->project, edge, name);
        code = book_save(b);
    }
    p->entry = e;
    return code;
}

enum exit_code start_name(struct cli *c, struct place *p, enum start_name *how)
{
    struct book b;
    *how = START_KNOWN;
    if (p->entry)
        return EXIT_DONE;
    /* Under the lock: two starts in one folder get one name. */
    enum exit_code code = book_open(c, &b);
    if (code != EXIT_DONE)
        return code;
    code = name_in(c, &b, p, how);
    book_close(&b);
    return code;
}

static void advise(struct cli *c, const struct place *p, enum exit_code why)
{
    if (why != EXIT_REFUSED && why != EXIT_MISSING)
        return;
    const char *name = json_text(p->entry, "session");
    if (p->asked)
        cli_advise(c, "is %s somebody else's? Choose another name: --session NAME", name);
    else
        cli_advise(c, "has somebody else the name %s now? Get another one: linkup stop --forget",
                   name);
}

enum exit_code start_forget(struct cli *c, const struct place *p)
{
    struct book b;
    enum exit_code code = book_open(c, &b);
    if (code != EXIT_DONE)
        return code;
    json_t *e = book_find(&b, json_text(p->entry, "edge"), json_text(p->entry, "session"));
    if (e) {
        book_remove(&b, e);
        code = book_save(&b);
    }
    book_close(&b);
    return code;
}

void start_undo(struct cli *c, const struct place *p, enum start_name how, enum exit_code why)
{
    const char *name = json_text(p->entry, "session");
    bool gone = how == START_ASKED || (how == START_MADE && start_end(c, name) == EXIT_DONE);
    if (gone)
        (void)!start_forget(c, p);
    advise(c, p, why);
}

enum exit_code start_register(struct cli *c, struct place *p, enum start_name how,
                              const json_t *body)
{
    struct edge_reply reply;
    enum exit_code code = edge_call(
        c,
        &(struct edge_request){
            .method = "PUT",
            .path = edge_path(c, "/v1/sessions/", json_text(p->entry, "session")),
            .body = body,
        },
        &reply);
    if (code != EXIT_DONE) {
        start_undo(c, p, how, code);
        return code;
    }
    entry_take_urls(p->entry, reply.json);
    json_object_set_new(p->entry, "on", json_true());
    return start_keep(c, p);
}

enum exit_code start_keep(struct cli *c, const struct place *p)
{
    struct book b;
    enum exit_code code = book_open(c, &b);
    if (code != EXIT_DONE)
        return code;
    json_t *e = book_find(&b, json_text(p->entry, "edge"), json_text(p->entry, "session"));
    if (!e)
        e = book_add(&b, json_text(p->entry, "project"), json_text(p->entry, "edge"),
                     json_text(p->entry, "session"));
    json_object_update(e, p->entry);
    code = book_save(&b);
    book_close(&b);
    return code;
}
