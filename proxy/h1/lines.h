/* Field lines of HTTP/1 heads and trailer sections, and what they say about framing and the connection.
 * RFC 9112 5, 6. Private to the folder. */
#pragma once

#include "proxy/h1/parse.h"

/* Unread input, in memory that may be lower-cased in place. */
struct h1_cursor {
    char *at, *end;
};

/* What was said along the way. */
struct h1_facts {
    unsigned lines;
    unsigned hosts, lengths; /* how often */
    struct span host, length;
    /* transfer-encoding, all its lines read as one list */
    bool coded;          /* there is one */
    bool chunked_last;   /* the last coding so far is chunked */
    bool coding_unknown; /* one of them is neither chunked nor malformed */
    bool coding_broken;  /* chunked twice, not last, with parameters; empty elements */
    bool close, keep_alive, names_upgrade; /* connection options */
    bool expect_continue, expect_other;
    bool asks_websocket; /* upgrade */
};

/* Takes CRLF; false when something else is there. */
bool h1_take_crlf(struct h1_cursor *c);
/* Reads field lines and the empty line behind them, which must end the input. Fields that FACTS tells in
 * another way (host, content-length, transfer-encoding) and http2-settings are not added to OUT. */
enum err h1_read_lines(struct h1_cursor *c, struct arena *arena, struct fields *out,
                       struct h1_facts *facts, struct h1_fault *fault) MUST_USE;
/* The same for a trailer section: what may not stand in one is left out. */
enum err h1_read_trailers(struct h1_cursor *c, struct arena *arena, struct fields *out,
                          struct h1_fault *fault) MUST_USE;

/* Sets FAULT and returns E. */
enum err h1_refuse(struct h1_fault *fault, enum err e, int status, const char *text) MUST_USE;
