/* The zone compiled for answering: every answer that repeats is made once, as wire bytes.
 *
 * A struct dns_zone is immutable and counted (atomically: any thread may hold it). It is made by
 * control from the configuration and handed to the workers. ldns reads the static records. */
#pragma once

#include "config/config.h"
#include "core/err.h"

struct dns_zone;

/* SERIAL is the SOA's. Errors in dns.records and dns.caa are added to ERRORS with their key. */
enum err dns_zone_compile(const struct config *c, uint32_t serial, struct dns_zone **out,
                          struct config_errors *errors) MUST_USE;
struct dns_zone *dns_zone_ref(struct dns_zone *z);
void dns_zone_unref(struct dns_zone *z);
