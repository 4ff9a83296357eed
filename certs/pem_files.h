/* Certificates from PEM files, watched: a file that changes is read again, and what it held before
 * stays in use until the new content is good. Control thread. */
#pragma once

#include <ev.h>
#include <stdint.h>

#include "certs/cert.h"
#include "config/config.h"

struct pem_files;

/* CERT (borrowed) is what a changed file holds now. */
typedef void pem_files_changed(void *ctx, struct cert *cert);

/* Reads all and watches them. CERT_FILES is copied. On failure *WHY (heap, caller frees) names the
 * file and what is wrong with it. An expired certificate is no failure: it is logged. */
enum err pem_files_new(struct ev_loop *loop, const struct config_cert_file *cert_files, size_t n,
                       pem_files_changed *changed, void *ctx, struct pem_files **out,
                       char **why) MUST_USE;
void pem_files_free(struct pem_files *p);
/* In the order of the configuration; lives until the next change. */
size_t pem_files_certs(const struct pem_files *p, struct cert *const **certs);
/* Reads all of them again now, as if each had just changed. */
void pem_files_check(struct pem_files *p);
