/* The certificates that one worker holds, found by host or by base.
 *
 * The ones from PEM files are held for good and found by the names they cover; the zone's is held
 * for good; of the others the least recently used one gives way. Its worker's thread only. */
#pragma once

#include "certs/base_map.h"
#include "certs/cert.h"

struct sni_name; /* one name of a PEM file's certificate */

struct sni_store {
    char *zone;
    struct cert *zone_cert; /* NULL until it has come */
    struct base_map made;
    size_t made_max;
    struct cert **files;
    size_t n_files;
    struct sni_name *names; /* sorted */
    size_t n_names;
};

void sni_store_init(struct sni_store *s, const char *zone, size_t made_max);
void sni_store_deinit(struct sni_store *s);

/* A PEM file's certificate that covers HOST: by its exact name before a wildcard, the file listed
 * first among equals; NULL when there is none. Borrowed. */
struct cert *sni_store_file_for(const struct sni_store *s, struct span host);
/* What is held under BASE, NULL when nothing is. Borrowed; counts as a use. */
struct cert *sni_store_find(struct sni_store *s, struct span base);
/* Whether a certificate, made or from a file, is held under BASE. No use of it. */
bool sni_store_holds(const struct sni_store *s, const char *base);
/* Holds CERT under its base, in place of what was there; a PEM file's takes the place of the one
 * from the same path. */
void sni_store_put(struct sni_store *s, struct cert *cert);
void sni_store_drop(struct sni_store *s, struct span base);
void sni_store_set_files(struct sni_store *s, struct cert *const *certs, size_t n);
