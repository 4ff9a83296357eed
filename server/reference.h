/* References for people, printed by --help-...: made from the tables that the program itself goes by. */
#pragma once

#include "core/buf.h"

/* All metrics as a Markdown table: name, type, labels, meaning. */
enum err reference_metrics(struct buf *out) MUST_USE;
