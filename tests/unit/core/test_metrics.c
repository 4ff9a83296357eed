#include "core/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"
#include "support/test.h"

/* The whole exposition as a string. */
static char *scrape(const char *version)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    assert_ok(metrics_write(&b, version));
    char *text = mem_strndup(buf_span(&b).p, buf_len(&b));
    buf_deinit(&b);
    return text;
}

static bool has_line(const char *text, const char *line)
{
    size_t len = strlen(line);
    for (const char *at = text; (at = strstr(at, line)); at += len)
        if ((at == text || at[-1] == '\n') && at[len] == '\n')
            return true;
    return false;
}

static void assert_line(const char *line)
{
    char *text = scrape("1");
    if (!has_line(text, line))
        fail_msg("no \"%s\" in:\n%s", line, text);
    mem_free(text);
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (; (text = strstr(text, part)); text++)
        n++;
    return n;
}

static void families_have_one_head_and_stand_together(void **state)
{
    char *text = scrape("1");
    assert_int_equal(count(text, "# HELP linkup_dns_queries_total "), 1);
    assert_int_equal(count(text, "# TYPE linkup_dns_queries_total counter\n"), 1);
    assert_int_equal(count(text, "# TYPE linkup_sessions gauge\n"), 1);
    assert_true(has_line(text, "linkup_dns_queries_total{transport=\"tcp\"} 0"));

    /* Every sample belongs to the head above it, and no head comes twice. */
    char head[128] = "";
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (strncmp(line, "# ", 2) == 0) {
            assert_int_equal(sscanf(line + 7, "%127s", head), 1);
            continue;
        }
        assert_memory_equal(line, head, strlen(head));
        assert_non_null(strchr("{ _", line[strlen(head)]));
    }
    mem_free(text);
}

static void the_version_is_escaped(void **state)
{
    char *text = scrape("1.2\"\\\n");
    assert_true(has_line(text, "linkup_build_info{version=\"1.2\\\"\\\\\\n\"} 1"));
    mem_free(text);
}

static void all_registered_are_summed(void **state)
{
    struct metrics *a = NEW(struct metrics), *b = NEW(struct metrics);
    metrics_register(a);
    metrics_register(b);
    metrics_add(a, METRIC_CERTS_MADE, 3);
    metrics_add(b, METRIC_CERTS_MADE, 4);
    metrics_set(a, METRIC_SESSIONS, 10);
    assert_line("linkup_certificates_made_total 7");
    assert_line("linkup_sessions 10");

    /* Taken in by one thread, given away by the other. */
    metrics_add(a, METRIC_CONNS_OPEN, 5);
    metrics_sub(b, METRIC_CONNS_OPEN, 3);
    assert_line("linkup_connections_open 2");
    metrics_sub(b, METRIC_CONNS_OPEN, 3);
    assert_line("linkup_connections_open -1");
    metrics_unregister(a);
    metrics_unregister(b);
    mem_free(a);
    mem_free(b);
}

static void counters_outlive_their_thread_gauges_do_not(void **state)
{
    struct metrics *a = NEW(struct metrics), *b = NEW(struct metrics);
    metrics_register(a);
    metrics_register(b);
    metrics_add(a, METRIC_TLS_RESUMED, 3);
    metrics_set(a, METRIC_EXCHANGES_OPEN, 3);
    metrics_set(b, METRIC_EXCHANGES_OPEN, 1);
    metrics_unregister(a);
    mem_free(a);
    assert_line("linkup_tls_resumed_total 3");
    assert_line("linkup_http_requests_open 1");

    metrics_add(b, METRIC_TLS_RESUMED, 1);
    metrics_unregister(b);
    mem_free(b);
    assert_line("linkup_tls_resumed_total 4");
    assert_line("linkup_http_requests_open 0");
}

static void histograms_are_cumulative(void **state)
{
    struct metrics *a = NEW(struct metrics);
    metrics_register(a);
    metrics_observe_head(a, 5000);
    metrics_observe_head(a, 5001);
    metrics_observe_head(a, 60000000);
    assert_line("# TYPE linkup_http_head_seconds histogram");
    assert_line("linkup_http_head_seconds_bucket{le=\"0.005\"} 1");
    assert_line("linkup_http_head_seconds_bucket{le=\"0.025\"} 2");
    assert_line("linkup_http_head_seconds_bucket{le=\"10\"} 2");
    assert_line("linkup_http_head_seconds_bucket{le=\"+Inf\"} 3");
    assert_line("linkup_http_head_seconds_sum 60.010001");
    assert_line("linkup_http_head_seconds_count 3");
    metrics_unregister(a);
    mem_free(a);
}

static void counters_are_unsigned(void **state)
{
    struct metrics *a = NEW(struct metrics);
    metrics_register(a);
    metrics_add(a, METRIC_BACK_REUSED, UINT64_MAX);
    assert_line("linkup_back_reused_total 18446744073709551615");
    metrics_add(a, METRIC_BACK_REUSED, 1);
    metrics_unregister(a);
    mem_free(a);
}

static void a_buffer_too_small_is_an_error(void **state)
{
    for (size_t ceiling = 0; ceiling < 1000; ceiling += 33) {
        struct buf b;
        buf_init(&b, ceiling);
        assert_err(ERR_FULL, metrics_write(&b, "1\n"));
        buf_deinit(&b);
    }
}

static void unregister_a_stranger(void *arg)
{
    metrics_unregister((struct metrics *)arg);
}

static void an_unregistered_one_is_a_bug(void **state)
{
    struct metrics *a = NEW(struct metrics);
    assert_true(test_aborts(unregister_a_stranger, a));
    mem_free(a);
}

static void *count_in_thread(void *arg)
{
    struct metrics *m = NEW(struct metrics);
    metrics_register(m);
    for (int i = 0; i < 10000; i++)
        metrics_add(m, METRIC_DNS_DROPPED, 1);
    metrics_unregister(m);
    mem_free(m);
    return NULL;
}

static void threads_count_while_it_is_read(void **state)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_in_thread, NULL), 0);
    for (int i = 0; i < 20; i++)
        mem_free(scrape("1"));
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_line("linkup_dns_dropped_total 40000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_have_one_head_and_stand_together),
        cmocka_unit_test(the_version_is_escaped),
        cmocka_unit_test(all_registered_are_summed),
        cmocka_unit_test(counters_outlive_their_thread_gauges_do_not),
        cmocka_unit_test(histograms_are_cumulative),
        cmocka_unit_test(counters_are_unsigned),
        cmocka_unit_test(a_buffer_too_small_is_an_error),
        cmocka_unit_test(an_unregistered_one_is_a_bug),
        cmocka_unit_test(threads_count_while_it_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
