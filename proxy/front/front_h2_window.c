#include "proxy/front/front.h"
#include "proxy/front/front_h2.h"

/* A window lets at most its size through in the time that a byte and its acknowledgement take: 128 KiB over 50 ms
 * are 2.6 MB a second. A stream whose back takes all that comes, whenever it comes, holds nothing here, however
 * large its window is; one whose back does not keeps the small one. The connection's window bounds them
 * all, so that one stream can never have taken all of it when its back comes to a halt. */
void front_h2_widen(struct front *f, struct exchange *x, size_t n)
{
    size_t window = x->h2.body.ceiling;
    if (buf_len(&x->h2.body) > 0) {
        x->h2.kept_up = 0;
        return;
    }
    x->h2.kept_up += n;
    if (x->h2.kept_up < window || window >= STREAM_WINDOW_MOST || x->h2.body_ended)
        return;
    size_t wider = window * 2 < STREAM_WINDOW_MOST ? window * 2 : STREAM_WINDOW_MOST;
    if (nghttp2_session_set_local_window_size(f->h2.session, NGHTTP2_FLAG_NONE, x->h2.stream,
                                              (int32_t)wider) != 0)
        return;
    x->h2.body.ceiling = wider;
    x->h2.kept_up = 0;
}
