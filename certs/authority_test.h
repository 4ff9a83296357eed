/* For tests of the authority: its clock and its issuer, which tests bring themselves. */
#pragma once

#include "certs/authority.h"
#include "certs/issuer.h"

/* Seconds since 1970 from NOW instead of the clock. */
void authority_test_clock(struct authority *a, int64_t (*now)(void *ctx), void *ctx);
/* Takes over ISSUER in place of the one there is. Nothing may be in the making. */
void authority_test_issuer(struct authority *a, struct issuer *issuer);
/* What the timer does. */
void authority_test_tick(struct authority *a);
