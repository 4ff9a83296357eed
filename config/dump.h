/* Single values as YAML: shared by dumping and comparing. */
#pragma once

#include "config/schema.h"
#include "core/buf.h"

/* The value of KEY, no map or list of maps, in the struct at BASE; nothing where it is absent. */
enum err dump_value(const struct schema_key *key, const void *base, struct buf *out) MUST_USE;
