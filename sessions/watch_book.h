/* Which traces are watched, for whom and until when. A watch is a token's own: others can neither read nor
 * end it. Bounded in number, all together and for one token, and in time. Pure: no clock, no threads. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/span.h"
#include "sessions/session.h"
#include "sessions/tokens.h"

#define WATCHES_MAX 32
#define WATCHES_OF_TOKEN_MAX 4
#define WATCH_LIFE_MS 60000
#define WATCH_ID_MAX 33 /* a trace-id in hexadecimal, terminated (Trace Context 3.2.2.3) */

struct watch_entry {
    char id[WATCH_ID_MAX];
    char token[TOKEN_ID_MAX]; /* "" over the admin socket */
    char session[SESSION_NAME_MAX + 1];
    int64_t ends_ms;
};

struct watch_book {
    struct watch_entry v[WATCHES_MAX];
    size_t n;
};

/* A watch for TOKEN (its id) from NOW_MS on, of a trace that nobody can guess; valid until the next
 * change. NULL: there are too many, of this token or in all. */
const struct watch_entry *watch_book_add(struct watch_book *b, struct span token,
                                         struct span session, int64_t now_ms);
/* The watch ID if it is TOKEN's; NULL when there is none, or it is another's. */
const struct watch_entry *watch_book_find(const struct watch_book *b, struct span id,
                                          struct span token);
/* Takes it out; false when it is not there. */
bool watch_book_remove(struct watch_book *b, struct span id);
/* One whose time is over, or NULL. */
const struct watch_entry *watch_book_over(const struct watch_book *b, int64_t now_ms);
/* When the first is over; -1 when there is none. */
int64_t watch_book_next_ms(const struct watch_book *b);
