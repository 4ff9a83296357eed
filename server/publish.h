/* Changes on their way from control to the workers: sessions, certificates, keys, the configuration. */
#pragma once

#include "server/control.h"

/* registry_ops.publish. */
void publish_session(void *ctx, struct span name, struct session_image *image,
                     void (*done)(void *done_ctx), void *done_ctx);
/* authority_events.on_replaced. */
void publish_certificate(void *ctx, struct cert *cert);
/* The PEM files' certificates, as they are now. */
void publish_files(struct control *c);
/* Fresh ticket and cookie keys, now and every few hours. */
void publish_keys_start(struct control *c);
/* C's config, edge image and zone, to everyone who works by them. */
void publish_config(struct control *c);
