#include "certs/sni_store.h"

#include <stdlib.h>

#include "core/mem.h"

struct sni_name {
    struct span name; /* the certificate's own */
    size_t file;
};

struct made {
    struct base_node node;
    struct cert *cert;
};

static struct made *made_of(struct base_node *n)
{
    return n ? CONTAINER_OF(n, struct made, node) : NULL;
}

void sni_store_init(struct sni_store *s, const char *zone, size_t made_max)
{
    *s = (struct sni_store){.zone = mem_strdup(zone), .made_max = made_max};
    size_t buckets = 64;
    while (buckets < made_max)
        buckets *= 2;
    base_map_init(&s->made, buckets);
}

static void remove_made(struct sni_store *s, struct made *m)
{
    base_map_remove(&s->made, &m->node);
    cert_unref(m->cert);
    mem_free(m);
}

static void clear_files(struct sni_store *s)
{
    for (size_t i = 0; i < s->n_files; i++)
        cert_unref(s->files[i]);
    mem_free(s->files);
    mem_free(s->names);
    s->files = NULL;
    s->names = NULL;
    s->n_files = s->n_names = 0;
}

void sni_store_deinit(struct sni_store *s)
{
    while (s->made.oldest)
        remove_made(s, made_of(s->made.oldest));
    base_map_deinit(&s->made);
    clear_files(s);
    cert_unref(s->zone_cert);
    mem_free(s->zone);
}

static int compare_names(const void *a, const void *b)
{
    const struct sni_name *x = a, *y = b;
    int order = span_cmp(x->name, y->name);
    if (order != 0)
        return order;
    return x->file < y->file ? -1 : x->file > y->file;
}

static void index_files(struct sni_store *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_files; i++)
        n += cert_n_names(s->files[i]);
    mem_free(s->names);
    s->names = mem_alloc((n + 1) * sizeof *s->names);
    s->n_names = 0;
    for (size_t i = 0; i < s->n_files; i++) {
        for (size_t j = 0; j < cert_n_names(s->files[i]); j++)
            s->names[s->n_names++] = (struct sni_name){cert_name(s->files[i], j), i};
    }
    qsort(s->names, s->n_names, sizeof *s->names, compare_names);
}

/* The first of the sorted names that is NAME. */
static struct cert *file_named(const struct sni_store *s, struct span name)
{
    size_t low = 0, high = s->n_names;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (span_cmp(s->names[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == s->n_names || !span_eq(s->names[low].name, name))
        return NULL;
    return s->files[s->names[low].file];
}

struct cert *sni_store_file_for(const struct sni_store *s, struct span host)
{
    if (s->n_names == 0)
        return NULL;
    struct cert *exact = file_named(s, host);
    ptrdiff_t dot = span_chr(host, '.');
    if (exact || dot <= 0)
        return exact;

    char wildcard[256];
    struct span parent = span_from(host, (size_t)dot);
    if (parent.len + 1 > sizeof wildcard)
        return NULL;
    wildcard[0] = '*';
    memcpy(wildcard + 1, parent.p, parent.len);
    return file_named(s, span_of(wildcard, parent.len + 1));
}

struct cert *sni_store_find(struct sni_store *s, struct span base)
{
    if (span_eq(base, span_str(s->zone)))
        return s->zone_cert;
    struct made *m = made_of(base_map_find(&s->made, base));
    if (!m)
        return NULL;
    base_map_touch(&s->made, &m->node);
    return m->cert;
}

static void replace(struct cert **slot, struct cert *cert)
{
    struct cert *old = *slot;
    *slot = cert_ref(cert);
    cert_unref(old);
}

/* The place of the file's certificate, n_files when there is none. */
static size_t file_at(const struct sni_store *s, const char *path)
{
    size_t i = 0;
    while (i < s->n_files && strcmp(cert_base(s->files[i]), path) != 0)
        i++;
    return i;
}

bool sni_store_holds(const struct sni_store *s, const char *base)
{
    if (strcmp(base, s->zone) == 0)
        return s->zone_cert != NULL;
    return file_at(s, base) < s->n_files || base_map_find(&s->made, span_str(base));
}

/* The key of the map is the held certificate's own text, so a successor brings its own. */
static void put_made(struct sni_store *s, struct cert *cert)
{
    sni_store_drop(s, span_str(cert_base(cert)));
    struct made *m = NEW(struct made);
    m->cert = cert_ref(cert);
    base_map_add(&s->made, &m->node, cert_base(cert));
    while (s->made.n > s->made_max)
        remove_made(s, made_of(s->made.oldest));
}

void sni_store_put(struct sni_store *s, struct cert *cert)
{
    size_t file = file_at(s, cert_base(cert));
    if (file < s->n_files) {
        replace(&s->files[file], cert);
        index_files(s);
    } else if (strcmp(cert_base(cert), s->zone) == 0) {
        replace(&s->zone_cert, cert);
    } else {
        put_made(s, cert);
    }
}

void sni_store_drop(struct sni_store *s, struct span base)
{
    struct made *m = made_of(base_map_find(&s->made, base));
    if (m)
        remove_made(s, m);
}

void sni_store_set_files(struct sni_store *s, struct cert *const *certs, size_t n)
{
    struct cert **files = mem_alloc((n + 1) * sizeof(struct cert *));
    for (size_t i = 0; i < n; i++)
        files[i] = cert_ref(certs[i]);
    clear_files(s);
    s->files = files;
    s->n_files = n;
    index_files(s);
}
