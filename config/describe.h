/* The reference of a schema's keys, for people; private to config/. */
#pragma once

#include "config/schema.h"
#include "core/buf.h"

enum err describe_schema(const struct schema *schema, struct buf *out) MUST_USE;
