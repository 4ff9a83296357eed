/* What the three forms of an error answer have in common: the facts of one answer, and templates that are
 * filled with them. Private to the folder. */
#pragma once

#include "proxy/page/page.h"

/* One reason, as the table in page.c has it. In `detail` and `advice`, {host}, {session}, {service},
 * {place} and {zone} stand for the facts. */
struct page_kind {
    int status;
    const char *slug; /* of the problem's type */
    const char *title, *detail, *advice;
};

/* How bytes are put so that they mean themselves. */
enum page_escape { ESCAPE_TEXT, ESCAPE_HTML, ESCAPE_JSON };

/* Errors stick: ten puts, one look. */
struct page_writer {
    struct buf *out;
    enum page_escape escape;
    const struct page_kind *kind;
    const struct page_facts *facts;
    enum err err;
};

/* Raw, for markup. */
void page_put(struct page_writer *w, const char *markup);
void page_put_number(struct page_writer *w, unsigned long n);
/* Escaped; what is not printable ASCII becomes '?'. */
void page_put_value(struct page_writer *w, struct span value);
/* A template of ours: escaped, its names filled in. */
void page_put_template(struct page_writer *w, const char *template);
/* What happened, and since when it has been so. */
void page_put_detail(struct page_writer *w);

/* The facts; empty where they are not known. */
struct span page_session(const struct page_facts *f);
struct span page_service(const struct page_facts *f);
/* Of the session, where it is the session's own backend that was to answer. */
struct span page_owner(const struct page_facts *f);
/* "shared", "session", "tunnel"; empty when no backend was chosen. */
struct span page_place(const struct page_facts *f);
/* The services that can be asked for in this session: the shared ones and its own, sorted. Calls FN for
 * each; nothing unless the reason is that one is missing. */
void page_each_service(const struct page_writer *w, void (*fn)(void *ctx, struct span name),
                       void *ctx);

void page_write_html(struct page_writer *w);
void page_write_json(struct page_writer *w);
void page_write_text(struct page_writer *w);
