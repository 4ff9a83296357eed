/* The book: what an engineer has decided about sessions on this machine, in sessions.json of the state folder
 * (0600). It is why a project has the same session's name at every start, and the same services local.
 *
 * An entry is a JSON object:
 *
 *     {"project": "/home/p/shop/linkup.yaml", "edge": "https://edge.dev.example.com",
 *      "session": "slim-gecko", "on": true, "local": {"web": "http://localhost:3000"},
 *      "urls": {"web": "https://web.slim-gecko..."}, "domain_urls": {...}}
 *
 * "project" is "" where `linkup http` made it. A project's own session is its first one; others are asked for
 * by their name. "on": it was started and not stopped; "alone": as `start --local` does it, on this machine's own
 * edge. */
#pragma once

#include "cli/cli.h"

struct book {
    struct cli *c;
    const char *path;
    json_t *entries; /* a list */
    int lock;        /* -1: only read */
};

/* Reads it, kept by the run. */
enum exit_code book_read(struct cli *c, struct book *b) MUST_USE;
/* Reads it to change it: nobody else does until book_close. */
enum exit_code book_open(struct cli *c, struct book *b) MUST_USE;
enum exit_code book_save(struct book *b) MUST_USE;
void book_close(struct book *b);

/* All of these are borrowed from the book; NULL: there is none. */
json_t *book_find(const struct book *b, const char *edge, const char *session);
/* The first of PROJECT at EDGE (NULL: any). */
json_t *book_own(const struct book *b, const char *project, const char *edge);
/* The one of that name if only one edge has it, be it on or not. */
json_t *book_named(const struct book *b, const char *session);
json_t *book_add(struct book *b, const char *project, const char *edge, const char *session);
void book_remove(struct book *b, const json_t *entry);

bool entry_is_on(const json_t *entry);
/* It lives on this machine alone (local_edge.h). */
bool entry_is_alone(const json_t *entry);
/* Where SERVICE is on this machine, NULL: it is not local. */
const char *entry_local(const json_t *entry, const char *service);
/* URL NULL: it is local no more. */
void entry_set_local(json_t *entry, const char *service, const char *url);
/* What the edge says where the session is. */
void entry_take_urls(json_t *entry, const json_t *session);
