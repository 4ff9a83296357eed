/* Where certificates come from: the control thread's side.
 *
 * The authority holds the issuers (the internal CA, PEM files; ACME later) behind one interface,
 * and what they have made, bounded and renewed in time. All functions run on the control thread;
 * keys are made on the job thread. */
#pragma once

#include <ev.h>

#include "certs/cert.h"
#include "config/config.h"
#include "core/job.h"

struct authority;

struct authority_events {
    void *ctx;
    /* A certificate that workers may hold has a successor (renewed, or its file changed): CERT is
     * borrowed. Workers replace what they hold under cert_base(CERT). */
    void (*on_replaced)(void *ctx, struct cert *cert);
    /* Whether somebody means BASE: it is the zone, a domain, or a live session's. NULL: always. What
     * nobody wants is made with half of the room only, and let go instead of renewed, so that what
     * scanners ask for neither crowds out nor stays. */
    bool (*wanted)(void *ctx, const char *base);
};

/* Certificates held at most (the least recently used one gives way), and in the making at once. */
#define AUTHORITY_HELD_MAX 20000
#define AUTHORITY_MAKING_MAX 256

/* Loads the internal CA from the state folder, or makes and writes it (0600) when there is none;
 * reads the PEM files. On failure *WHY (heap, caller frees) says what is wrong and what to do: an
 * unreadable or damaged CA is refused, never replaced. */
enum err authority_new(struct ev_loop *loop, struct config *c, struct job_runner *jobs,
                       struct mailbox *control, const struct authority_events *events,
                       struct authority **out, char **why) MUST_USE;
/* Requests not answered yet are dropped: their DONE is not called. JOBS and CONTROL may still hold
 * jobs of ours; they clean up after themselves. */
void authority_free(struct authority *a);
/* After a reload; the old config may go. A file that cannot be read: ERR and *WHY, nothing changed.
 * Afterwards workers need server_tls_set_files(authority_files()). */
enum err authority_set_config(struct authority *a, struct config *c, char **why) MUST_USE;

/* The certificate for BASE (naming.h), made now if there is none: DONE is called once, possibly
 * before this returns. CERT is borrowed (NULL with E set when it cannot be made: ERR_NOT_FOUND
 * not a base of this edge, ERR_DENIED outside the name constraint, ERR_FULL too many in the
 * making). */
void authority_request(struct authority *a, const char *base,
                       void (*done)(void *ctx, const char *base, struct cert *cert, enum err e),
                       void *ctx);
/* Forgets BASE's certificate: its session has ended. */
void authority_forget(struct authority *a, const char *base);
/* The certificates from PEM files: every worker holds all of them from the start. */
size_t authority_files(const struct authority *a, struct cert *const **certs);
/* The internal CA's certificate in PEM, NULL without one. Lives as long as the authority. */
const char *authority_ca_pem(const struct authority *a);
/* How many certificates are held, and how many have been made. */
void authority_counts(const struct authority *a, size_t *held, uint64_t *made);
