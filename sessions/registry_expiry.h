/* What is due first: a binary heap of deadlines whose owners know their place in it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define EXPIRY_NONE SIZE_MAX

struct expiry_item {
    int64_t due_ms; /* wall clock */
    size_t place;   /* EXPIRY_NONE when it is in no heap */
};

struct expiry {
    struct expiry_item **v;
    size_t n, cap;
};

void expiry_init(struct expiry *x);
void expiry_deinit(struct expiry *x);
void expiry_item_init(struct expiry_item *item);
/* Adds ITEM, or moves it. */
void expiry_set(struct expiry *x, struct expiry_item *item, int64_t due_ms);
/* May be in none. */
void expiry_remove(struct expiry *x, struct expiry_item *item);
/* What is due first, or NULL. */
struct expiry_item *expiry_first(const struct expiry *x);
