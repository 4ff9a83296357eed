/* References for people, printed by --help-...: made from the tables that the program itself goes by. */
#pragma once

#include "core/buf.h"

/* The keys of the configuration as the items of linkupd.yaml(5). */
enum err reference_config_mdoc(struct buf *out) MUST_USE;
/* All metrics as a Markdown table: name, type, labels, meaning. */
enum err reference_metrics(struct buf *out) MUST_USE;
