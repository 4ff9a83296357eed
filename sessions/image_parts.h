/* What the edge's image and a session's are both made of: compiled rewrites, domains, cache routes.
 * Private to image.c and image_session.c. */
#pragma once

#include "sessions/image.h"

/* Where compiled parts go, and what refused to compile. */
struct image_maker {
    struct arena *arena;
    bool trusted;                /* patterns of the configuration */
    struct session_fault *fault; /* unless trusted */
};

/* N zeroed elements of SIZE bytes; NULL for none. */
void *image_array(struct arena *arena, size_t n, size_t size);

/* Each compiles into *OUT what it is given. On ERR_SYNTAX *OUT holds what was compiled before, to be
 * dropped with the functions below; FIELD is the path of the list ("services.web.rewrites"). */
enum err image_rewrites(struct image_maker *m, const struct config_rewrite *v, size_t n,
                        const char *field, struct rewrite_set *out) MUST_USE;
enum err image_domains(struct image_maker *m, const struct config_domain *v, size_t n,
                       struct image_domain **out, size_t *n_out) MUST_USE;
enum err image_regexes(struct image_maker *m, const struct config_strings *v, const char *field,
                       struct regex ***out, size_t *n_out) MUST_USE;

void image_rewrites_drop(struct rewrite_set *set);
void image_domains_drop(struct image_domain *v, size_t n);
void image_regexes_drop(struct regex **v, size_t n);

/* TO is copied as it is: its texts stay with the configuration or the session. */
void image_backend(const struct config_backend *to, struct route_backend *out);
/* What checks find is about this service, and not about others that are at the same address. */
void image_checked_backend(const struct config_service *s, struct route_backend *out);
