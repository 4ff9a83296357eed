/* What makes a configuration wrong that only the parts that use it can see: records that are no records,
 * and what this version does not do. The same at --check, at the start and at a reload. */
#pragma once

#include "config/config.h"
#include "dns/zone.h"

/* Adds to ERRORS what is wrong. On success *ZONE (the caller's reference) is the compiled zone. */
enum err checks_run(const struct config *c, uint32_t serial, struct dns_zone **zone,
                    struct config_errors *errors) MUST_USE;
