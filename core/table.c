#include "core/table.h"

#include "core/mem.h"

#define TABLE_FIRST_BUCKETS ((size_t)16)
/* Old buckets emptied by each insertion. From one growth to the next there are at least as many
 * insertions as old buckets, so that none is left by then. */
#define TABLE_MOVE_STEP 2

void table_init(struct table *t, struct span (*key_of)(const struct table_node *n))
{
    *t = (struct table){.key_of = key_of};
}

void table_deinit(struct table *t)
{
    mem_free(t->now.heads);
    mem_free(t->old.heads);
    *t = (struct table){.key_of = t->key_of};
}

static struct table_node **head_of(const struct table_buckets *b, uint64_t hash)
{
    return &b->heads[hash & (b->count - 1)];
}

/* The bucket in which a node with HASH is; NULL in a table that never had one. */
static struct table_node **bucket_of(const struct table *t, uint64_t hash)
{
    if (t->old.count && (hash & (t->old.count - 1)) >= t->moved)
        return head_of(&t->old, hash);
    return t->now.count ? head_of(&t->now, hash) : NULL;
}

static struct table_node *find_hashed(const struct table *t, struct span key, uint64_t hash)
{
    struct table_node **head = bucket_of(t, hash);
    if (!head)
        return NULL;
    for (struct table_node *n = *head; n; n = n->next)
        if (n->hash == hash && span_eq(t->key_of(n), key))
            return n;
    return NULL;
}

struct table_node *table_find(const struct table *t, struct span key)
{
    return t->count > 0 ? find_hashed(t, key, span_hash(key)) : NULL;
}

static void push(struct table_node **head, struct table_node *n)
{
    n->next = *head;
    *head = n;
}

static void move_bucket(struct table *t)
{
    struct table_node *n = t->old.heads[t->moved++];
    while (n) {
        struct table_node *next = n->next;
        push(head_of(&t->now, n->hash), n);
        n = next;
    }
    if (t->moved == t->old.count) {
        mem_free(t->old.heads);
        t->old = (struct table_buckets){NULL, 0};
        t->moved = 0;
    }
}

static void grow(struct table *t)
{
    CHECK(t->old.count == 0);
    size_t count = t->now.count ? t->now.count * 2 : TABLE_FIRST_BUCKETS;
    struct table_node **heads = (struct table_node **)mem_zalloc(count *
                                                                 sizeof(struct table_node *));
    t->old = t->now;
    t->now = (struct table_buckets){heads, count};
}

enum err table_insert(struct table *t, struct table_node *n)
{
    struct span key = t->key_of(n);
    uint64_t hash = span_hash(key);
    if (find_hashed(t, key, hash))
        return ERR_EXISTS;

    if (t->count == t->now.count)
        grow(t);
    for (int i = 0; i < TABLE_MOVE_STEP && t->old.count; i++)
        move_bucket(t);

    n->hash = hash;
    push(bucket_of(t, hash), n);
    t->count++;
    return ERR_OK;
}

void table_remove(struct table *t, struct table_node *n)
{
    struct table_node **link = bucket_of(t, n->hash);
    CHECK(link != NULL);
    while (*link != n) {
        CHECK(*link != NULL);
        link = &(*link)->next;
    }
    *link = n->next;
    n->next = NULL;
    t->count--;
}

/* The first node of the buckets from IT on. */
static struct table_node *next_filled(struct table_iter *it)
{
    const struct table *t = it->table;
    while (it->bucket < t->old.count + t->now.count) {
        size_t i = it->bucket++;
        struct table_node *n = i < t->old.count ? t->old.heads[i] : t->now.heads[i - t->old.count];
        if (n)
            return n;
    }
    return NULL;
}

struct table_node *table_first(const struct table *t, struct table_iter *it)
{
    /* The old buckets below are not empty but stale: their nodes are in the new ones. */
    *it = (struct table_iter){.table = t, .bucket = t->moved};
    it->ahead = next_filled(it);
    return table_next(it);
}

struct table_node *table_next(struct table_iter *it)
{
    struct table_node *n = it->ahead;
    if (n)
        it->ahead = n->next ? n->next : next_filled(it);
    return n;
}
