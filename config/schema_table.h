/* The shorthand of the tables, for schema*.c alone. */
#pragma once

#include "config/config.h"
#include "config/schema.h"
#include "config/values.h"
#include "core/duration.h"
#include "core/mem.h"

/* A single member; both members of a list; the {v, n} of config_strings and config_addrs. */
#define AT(type, member) .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)
#define AT_LIST(type, items, count)                                                                \
    .offset = offsetof(type, items), .count_offset = offsetof(type, count),                        \
    .size = sizeof(*((type *)0)->items)
#define AT_VN(type, member) AT_LIST(type, member.v, member.n)

#define SCHEMA(name, keys) const struct schema name = {keys, ARRAY_LEN(keys)}

/* schema_services.c */
extern const struct schema service_schema, rewrite_schema, domain_schema;
extern const struct schema certificates_schema; /* schema_certificates.c */
