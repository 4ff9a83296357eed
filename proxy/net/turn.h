/* The end of a loop's turn: what is put off until all events at hand have been handled.
 *
 * Output is written then, so that what many events produced for one connection leaves in one record
 * and one system call; and what has ended is freed then, so that no function up the stack holds a
 * dead pointer. One per worker. */
#pragma once

#include <ev.h>
#include <stdbool.h>

struct turn_item {
    struct turn_item *next;
    bool queued;
    void (*run)(struct turn_item *i);
};

struct turn {
    ev_prepare prepare;
    struct turn_item *flush_first, **flush_last; /* in order of arrival */
    struct turn_item *reap_first;
};

void turn_init(struct turn *t, struct ev_loop *loop);
/* Runs what is left. */
void turn_deinit(struct turn *t, struct ev_loop *loop);
/* I->run is called once at the end of the turn, however often this is said. */
void turn_flush(struct turn *t, struct turn_item *i);
void turn_unflush(struct turn *t, struct turn_item *i);
/* I->run is called after all flushes: it frees what holds I. */
void turn_reap(struct turn *t, struct turn_item *i);
