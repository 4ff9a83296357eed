/* The internal CA as an issuer: keys and signatures are made on the job thread. */
#pragma once

#include "certs/ca.h"
#include "certs/issuer.h"
#include "core/job.h"

/* References CA. JOBS and CONTROL must outlive what has been submitted to them, not the issuer. */
struct issuer *issuer_internal_new(struct ca *ca, const char *zone, struct job_runner *jobs,
                                   struct mailbox *control);
