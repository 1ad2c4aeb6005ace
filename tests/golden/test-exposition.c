/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A fixed sample in, exact text out
 *
 * After a change that is meant, GOLDEN_UPDATE=1 writes the golden files anew;
 * what changed is then reviewed in the diff.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "exporters/prometheus/exposition.h"
#include "suite.h"

#define TAKEN_USEC UINT64_C(1795000000123456)

/* ---- the samples ---- */

static const struct {
        int family;
        const char *address;
        uint16_t port;
        const char *device;
        uint64_t numbers[LISTENER_FIELDS]; /* as they stand in ListenerRow */
} listeners[] = {
        { AF_INET, "0.0.0.0", 22, "", { 0, 128, 0, 128, 0, 1, 0 } },
        { AF_INET, "192.0.2.7", 80, "eth0", { 129, 128, 129, 128, 7, 1, 0 } },
        { AF_INET, "127.0.0.1", 443, "\"\\\xff\xc3\xa9", { 1, 0, 1, 0, 0, 1, 0 } },
        { AF_INET6, "::", 80, "", { 5, 16384, 3, 4096, UINT64_MAX, 4, 1 } },
        { AF_INET6, "2001:db8::1", 8080, "", { 0, 4096, 0, 4096, 0, 1, 0 } },
        { AF_INET6, "fe80::1", 8443, "eth0", { 1, 2, 1, 2, 1, 1, 0 } },
};

static void sample_add_listener(Sample *sample, size_t i) {
        ListenerRow *row = &sample->listeners[sample->n_listeners++];

        *row = (ListenerRow){
                .key.family = (uint8_t)listeners[i].family,
                .key.port = { (uint8_t)(listeners[i].port >> 8), (uint8_t)listeners[i].port },
        };
        ck_assert_int_eq(inet_pton(listeners[i].family, listeners[i].address, row->key.address), 1);
        memcpy(row->key.device, listeners[i].device, strlen(listeners[i].device));
        memcpy(&row->length, listeners[i].numbers, sizeof listeners[i].numbers);

        ck_assert(i == 0 || memcmp(&row[-1].key, &row->key, sizeof row->key) < 0);
}

/* One collector of it failed and never answered, another is incomplete; all other values are there. */
static void sample_fill(Sample *sample) {
        sample_clear(sample);
        sample->number = 86400;
        sample->realtime_usec = TAKEN_USEC;
        sample->boottime_usec = 7200 * USEC_PER_SEC;

        for (unsigned id = 0; id < _VALUE_ROOM; id++)
                if (value_infos[id].name && value_infos[id].collector != COLLECTOR_FD)
                        sample_set(sample, id, UINT64_C(1000003) * id);
        sample_set(sample, VALUE_TCP_CLOSING, 0);
        sample_set(sample, VALUE_TCP_SEGMENTS_SENT, UINT64_MAX);
        sample_set(sample, VALUE_TCP_MEMORY_PRESSURE_MSEC, 1500);
        sample_set(sample, VALUE_SAMPLING_INTERVAL_USEC, USEC_PER_SEC);
        sample_set(sample, VALUE_RING_OLDEST_USEC, TAKEN_USEC - USEC_PER_HOUR);
        sample_set(sample, VALUE_PROCESS_START_USEC, TAKEN_USEC - 24 * USEC_PER_HOUR);

        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++)
                if (collector_name(id))
                        sample->reports[id] = (CollectorReport){
                                .is_present = true,
                                .duration_nsec = 120000 + id,
                                .last_success_usec = TAKEN_USEC + id,
                        };
        sample->reports[COLLECTOR_FD].error = -ENODATA;
        sample->reports[COLLECTOR_FD].n_failures = 86400;
        sample->reports[COLLECTOR_FD].last_success_usec = 0;
        sample->reports[COLLECTOR_LISTEN].is_incomplete = true;

        for (size_t i = 0; i < ELEMENTSOF(listeners); i++)
                sample_add_listener(sample, i);
}

static const struct {
        const char *file;
        void (*fill)(Sample *sample);
        ExpositionFormat format;
} goldens[] = {
        { GOLDEN_FOLDER "/metrics.txt", sample_fill, EXPOSITION_TEXT },
        { GOLDEN_FOLDER "/metrics.openmetrics.txt", sample_fill, EXPOSITION_OPENMETRICS },
        { GOLDEN_FOLDER "/empty.txt", sample_clear, EXPOSITION_TEXT },
        { GOLDEN_FOLDER "/empty.openmetrics.txt", sample_clear, EXPOSITION_OPENMETRICS },
};

/* The text of one of them, with a NUL behind it. To be freed. */
static char *golden_render(size_t i) {
        static Sample sample;
        Text text = { 0 };

        memset(&sample, 0xaa, sizeof sample);
        goldens[i].fill(&sample);
        exposition_render(&sample, goldens[i].format, &text);
        text_append_bytes(&text, "", 1);
        ck_assert_int_eq(text_error(&text), 0);
        return text.data;
}

static char *file_read(const char *path) {
        char *text = calloc(1, 1 << 20);
        FILE *file = fopen(path, "r");

        ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
        ck_assert_uint_lt(fread(text, 1, (1 << 20) - 1, file), (1 << 20) - 1);
        ck_assert_int_eq(fclose(file), 0);
        return text;
}

static void file_write(const char *path, const char *text) {
        FILE *file = fopen(path, "w");

        ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
        ck_assert_int_ge(fputs(text, file), 0);
        ck_assert_int_eq(fclose(file), 0);
}

START_TEST(a_fixed_sample_gives_the_golden_text)
{
        _cleanup_(freep) char *text = golden_render((size_t)_i), *golden = NULL;
        const char *line, *golden_line;
        unsigned number = 0;
        size_t n, n_golden;

        if (getenv("GOLDEN_UPDATE"))
                file_write(goldens[_i].file, text);
        golden = file_read(goldens[_i].file);

        for (line = text, golden_line = golden; *line || *golden_line; line += n, golden_line += n_golden) {
                number++;
                n = strcspn(line, "\n") + (strchr(line, '\n') != NULL);
                n_golden = strcspn(golden_line, "\n") + (strchr(golden_line, '\n') != NULL);
                if (n != n_golden || memcmp(line, golden_line, n) != 0)
                        ck_abort_msg("%s, line %u: \"%.*s\" where \"%.*s\" is wanted; GOLDEN_UPDATE=1 "
                                     "writes what is",
                                     goldens[_i].file, number, (int)n, line, (int)n_golden, golden_line);
        }
}
END_TEST

/* ---- what is true of any text ---- */

/* Cuts off the next line. NULL at the end. */
static char *take_line(char **rest) {
        char *line = *rest && **rest ? strsep(rest, "\n") : NULL;

        ck_assert_msg(!line || *rest, "the last line does not end: %s", line);
        return line;
}

START_TEST(no_series_appears_twice)
{
        _cleanup_(freep) char *text = golden_render((size_t)_i);
        const char *series[2048];
        char *rest = text, *line;
        size_t n = 0;

        while ((line = take_line(&rest))) {
                if (line[0] != '#')
                        *strrchr(line, ' ') = '\0';
                for (size_t i = 0; i < n; i++)
                        ck_assert_str_ne(series[i], line);
                ck_assert_uint_lt(n, ELEMENTSOF(series));
                series[n++] = line;
        }
}
END_TEST

/* Whether a series, "name{labels} 1", is of the family, whose series have this suffix. */
static bool line_is_of(const char *line, const char *family, const char *suffix) {
        size_t size = strcspn(line, "{ ");

        return size == strlen(family) + strlen(suffix) && strncmp(line, family, strlen(family)) == 0 &&
               strncmp(line + strlen(family), suffix, strlen(suffix)) == 0;
}

START_TEST(openmetrics_tells_type_unit_and_help_in_this_order_before_the_series)
{
        _cleanup_(freep) char *text = golden_render((size_t)_i);
        char *rest = text, *line, family[128] = "", type[16] = "", unit[16] = "", last[16] = "";

        while ((line = take_line(&rest)) && strcmp(line, "# EOF") != 0) {
                if (sscanf(line, "# TYPE %127s %15s", family, type) == 2) {
                        ck_assert_str_ne(last, "TYPE");
                        unit[0] = '\0';
                        strcpy(last, "TYPE");
                } else if (sscanf(line, "# UNIT %*s %15s", unit) == 1) {
                        ck_assert_str_eq(last, "TYPE");
                        ck_assert(line_is_of(line + strlen("# UNIT "), family, ""));
                        strcpy(last, "UNIT");
                } else if (strncmp(line, "# HELP ", 7) == 0) {
                        ck_assert_str_eq(last, unit[0] ? "UNIT" : "TYPE");
                        ck_assert(line_is_of(line + strlen("# HELP "), family, ""));
                        ck_assert_str_eq(family + strlen(family) - strlen(unit), unit);
                        strcpy(last, "HELP");
                } else {
                        ck_assert_msg(strcmp(last, "HELP") == 0 || strcmp(last, "series") == 0, "%s", line);
                        ck_assert_msg(line_is_of(line, family,
                                                 strcmp(type, "counter") == 0 ? "_total"
                                                 : strcmp(type, "info") == 0  ? "_info"
                                                                              : ""),
                                      "%s is not of %s", line, family);
                        strcpy(last, "series");
                }
        }
        ck_assert_str_eq(line, "# EOF");
        ck_assert_str_eq(rest, "");
}
END_TEST

START_TEST(text_tells_help_and_type_in_this_order_before_the_series)
{
        _cleanup_(freep) char *text = golden_render((size_t)_i);
        char *rest = text, *line, family[128] = "", last[16] = "";

        while ((line = take_line(&rest))) {
                if (sscanf(line, "# HELP %127s", family) == 1) {
                        ck_assert_str_ne(last, "HELP");
                        strcpy(last, "HELP");
                } else if (strncmp(line, "# TYPE ", 7) == 0) {
                        ck_assert_str_eq(last, "HELP");
                        ck_assert(line_is_of(line + strlen("# TYPE "), family, ""));
                        strcpy(last, "TYPE");
                } else {
                        ck_assert_msg(strcmp(last, "TYPE") == 0 || strcmp(last, "series") == 0, "%s", line);
                        ck_assert_msg(line_is_of(line, family, ""), "%s is not of %s", line, family);
                        strcpy(last, "series");
                }
        }
}
END_TEST

START_TEST(rendering_appends_to_what_is_there)
{
        static Sample sample;
        Text text = { 0 };

        text_append(&text, "before\n");
        exposition_render(&sample, EXPOSITION_OPENMETRICS, &text);

        ck_assert_mem_eq(text.data, "before\n# TYPE ", strlen("before\n# TYPE "));
        text_done(&text);
}
END_TEST

START_TEST(a_format_has_a_content_type_with_its_version)
{
        ck_assert_str_eq(exposition_content_type(EXPOSITION_TEXT),
                         "text/plain; version=0.0.4; charset=utf-8");
        ck_assert_str_eq(exposition_content_type(EXPOSITION_OPENMETRICS),
                         "application/openmetrics-text; version=1.0.0; charset=utf-8");
}
END_TEST

/* ---- numbers and label values ---- */

static const struct {
        ValueId id;
        uint64_t number;
        const char *line;
} decimals[] = {
        { VALUE_PROCESS_CPU_USEC, 0, "\nprocess_cpu_seconds_total 0\n" },
        { VALUE_PROCESS_CPU_USEC, 1, "\nprocess_cpu_seconds_total 0.000001\n" },
        { VALUE_PROCESS_CPU_USEC, 1500000, "\nprocess_cpu_seconds_total 1.5\n" },
        { VALUE_PROCESS_CPU_USEC, 2000000, "\nprocess_cpu_seconds_total 2\n" },
        { VALUE_PROCESS_CPU_USEC, UINT64_MAX, "\nprocess_cpu_seconds_total 18446744073709.551615\n" },
        { VALUE_TCP_MEMORY_PRESSURE_MSEC, 1, "\nsockwatch_tcp_memory_pressure_seconds_total 0.001\n" },
        { VALUE_TCP_MEMORY_PRESSURE_MSEC, 10, "\nsockwatch_tcp_memory_pressure_seconds_total 0.01\n" },
        { VALUE_TCP_LISTEN_DROPS, UINT64_MAX, "\nsockwatch_tcp_listen_drops_total 18446744073709551615\n" },
        { VALUE_TCP_LISTEN_DROPS, 100, "\nsockwatch_tcp_listen_drops_total 100\n" },
};

START_TEST(numbers_are_written_exactly)
{
        static Sample sample;
        Text text = { 0 };

        sample_set(&sample, decimals[_i].id, decimals[_i].number);
        exposition_render(&sample, EXPOSITION_TEXT, &text);

        ck_assert_ptr_nonnull(memmem(text.data, text.length, decimals[_i].line, strlen(decimals[_i].line)));
        text_done(&text);
}
END_TEST

#define BAD "\xef\xbf\xbd"

static const struct {
        const char *value;
        const char *escaped;
} label_values[] = {
        { "", "" },
        { "0.0.0.0", "0.0.0.0" },
        { "a\\b", "a\\\\b" },
        { "a\"b", "a\\\"b" },
        { "a\nb", "a\\nb" },
        { "\\n", "\\\\n" },
        { "\t\r\x01\x7f", "\t\r\x01\x7f" },
        /* the first and the last sequence of each length */
        { "\xc2\x80\xdf\xbf", "\xc2\x80\xdf\xbf" },
        { "\xe0\xa0\x80\xef\xbf\xbf", "\xe0\xa0\x80\xef\xbf\xbf" },
        { "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
        /* around the surrogates */
        { "\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80" },
        { "\xed\xa0\x80", BAD BAD BAD },
        { "\xed\xbf\xbf", BAD BAD BAD },
        /* longer than need be */
        { "\xc0\x80", BAD BAD },
        { "\xc1\xbf", BAD BAD },
        { "\xe0\x9f\xbf", BAD BAD BAD },
        { "\xf0\x8f\xbf\xbf", BAD BAD BAD BAD },
        /* beyond U+10FFFF */
        { "\xf4\x90\x80\x80", BAD BAD BAD BAD },
        { "\xf5\x80\x80\x80", BAD BAD BAD BAD },
        { "\xfe\xff", BAD BAD },
        /* cut short, or a rest */
        { "\x80", BAD },
        { "\xc3", BAD },
        { "\xe2\x82", BAD BAD },
        { "\xf0\x9f\x98", BAD BAD BAD },
        { "\xe2\x82x", BAD BAD "x" },
        { "\xc3\"", BAD "\\\"" },
        { "\xc3\\", BAD "\\\\" },
        { "\xe2\xc3\xa9", BAD "\xc3\xa9" },
};

START_TEST(label_values_are_escaped_and_always_utf8)
{
        /* On the heap and no longer than it has to be, so that a step too far is seen. */
        _cleanup_(freep) char *value = strdup(label_values[_i].value);
        Text text = { 0 };

        exposition_append_escaped(&text, value);

        ck_assert_uint_eq(text.length, strlen(label_values[_i].escaped));
        if (text.length > 0)
                ck_assert_mem_eq(text.data, label_values[_i].escaped, text.length);
        text_done(&text);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("exposition");
        TCase *golden = tcase_create("golden"), *values = tcase_create("values");

        tcase_add_loop_test(golden, a_fixed_sample_gives_the_golden_text, 0, ELEMENTSOF(goldens));
        tcase_add_loop_test(golden, no_series_appears_twice, 0, ELEMENTSOF(goldens));
        for (int i = 0; i < (int)ELEMENTSOF(goldens); i++)
                if (goldens[i].format == EXPOSITION_OPENMETRICS)
                        tcase_add_loop_test(
                                golden, openmetrics_tells_type_unit_and_help_in_this_order_before_the_series,
                                i, i + 1);
                else
                        tcase_add_loop_test(golden, text_tells_help_and_type_in_this_order_before_the_series,
                                            i, i + 1);
        tcase_add_test(golden, rendering_appends_to_what_is_there);
        tcase_add_test(golden, a_format_has_a_content_type_with_its_version);
        suite_add_tcase(suite, golden);

        tcase_add_loop_test(values, numbers_are_written_exactly, 0, ELEMENTSOF(decimals));
        tcase_add_loop_test(values, label_values_are_escaped_and_always_utf8, 0, ELEMENTSOF(label_values));
        suite_add_tcase(suite, values);

        return suite_main(suite);
}
