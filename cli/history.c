/* SPDX-License-Identifier: Apache-2.0 */

/*
 * sockwatch history: samples of the ring, one a line
 *
 * Rates are taken between a sample and the one before it. Nothing is kept but
 * those two, so an hour costs no more memory than a second; the table alone,
 * whose columns have to fit all of its lines, grows.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/moments.h"
#include "cli/reading.h"
#include "cli/table.h"
#include "derive/pressure.h"
#include "derive/rate.h"

#define HISTORY_SINCE_DEFAULT_USEC USEC_PER_MINUTE

typedef struct History {
        const CommandOptions *options;
        struct libscols_table *table; /* NULL: JSON */
        Sample before;
        bool has_before;
        uint64_t n_written;
} History;

static const TableColumn history_columns[] = {
        { "TIME", false },     { "ESTAB", true },      { "SYN-RECV", true },
        { "TIME-WAIT", true }, { "CLOSE-WAIT", true }, { "QUEUE", true },
        { "DROPS/S", true },   { "RETRANS/S", true },  { "MISSING", false },
};

static void history_set_rate(struct libscols_line *line,
                             size_t column,
                             const History *history,
                             const Sample *sample,
                             ValueId id) {
        double rate;

        if (history->has_before && rate_per_sec(&history->before, sample, id, &rate) == 0)
                table_set(line, column, "%.1f", rate);
        else
                table_set(line, column, "-");
}

/* Names the collectors that this sample lacks, so that no dash goes unexplained. */
static void history_set_missing(struct libscols_line *line, size_t column, const Sample *sample) {
        char text[128] = "";
        size_t n = 0;

        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++) {
                const CollectorReport *report = &sample->reports[id];

                if (report->is_present && (report->error < 0 || report->is_incomplete) &&
                    collector_name(id) && n < sizeof text)
                        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s%s", n > 0 ? "," : "",
                                              report->is_incomplete ? "part of " : "", collector_name(id));
        }

        table_set(line, column, "%s", text);
}

static int history_add_line(History *history, const Sample *sample) {
        const ListenerRow *fullest = pressure_fullest_listener(sample);
        struct libscols_line *line;
        char time[MOMENT_SIZE];

        line = scols_table_new_line(history->table, NULL);
        if (!line)
                return -ENOMEM;

        moment_format(sample->realtime_usec, time);
        table_set(line, 0, "%s", time);
        table_set_value(line, 1, sample, VALUE_TCP_ESTABLISHED);
        table_set_value(line, 2, sample, VALUE_TCP_SYN_RECV);
        table_set_value(line, 3, sample, VALUE_TCP_TIME_WAIT);
        table_set_value(line, 4, sample, VALUE_TCP_CLOSE_WAIT);
        if (fullest)
                table_set(line, 5, "%" PRIu64 "/%" PRIu64, fullest->worst_length, fullest->worst_limit);
        else
                table_set(line, 5, "-");
        history_set_rate(line, 6, history, sample, VALUE_TCP_LISTEN_DROPS);
        history_set_rate(line, 7, history, sample, VALUE_TCP_SEGMENTS_RETRANSMITTED);
        history_set_missing(line, 8, sample);
        return 0;
}

static int history_write(History *history, const Sample *sample) {
        history->n_written++;
        if (history->table)
                return history_add_line(history, sample);

        if (fputs(history->n_written == 1 ? "[\n" : ",\n", stdout) == EOF)
                return -EIO;
        return json_write_sample(sample, stdout);
}

static bool history_wants(const History *history, const Sample *sample) {
        return sample->realtime_usec >= history->options->since_usec && !history->options->has_at;
}

/* Walks the ring. For --at, what is wanted is the last sample up to that time. */
static int history_walk(History *history, RingReader *reader, Reading *reading) {
        const Sample *sample;
        int r;

        for (;;) {
                r = reading_next(reading, reader, &sample);
                if (r <= 0)
                        break;
                if (history->options->has_at &&
                    sample->realtime_usec > history->options->at_usec + USEC_PER_SEC - 1)
                        break;

                if (history_wants(history, sample)) {
                        r = history_write(history, sample);
                        if (r < 0)
                                return r;
                }
                sample_copy(&history->before, sample);
                history->has_before = true;
        }
        if (r < 0)
                return r;

        if (history->options->has_at && history->has_before &&
            history->before.realtime_usec + READING_GAP_USEC >= history->options->at_usec &&
            history->before.realtime_usec <= history->options->at_usec + USEC_PER_SEC - 1) {
                history->has_before = false;
                return history_write(history, &history->before);
        }

        return 0;
}

static CommandStatus history_run(const CommandOptions *options, History *history) {
        _cleanup_(ring_reader_closep) RingReader *reader = NULL;
        Reading reading = { 0 };
        CommandStatus status;
        int r;

        status = reading_open(options->ring_file, &reader);
        if (status != COMMAND_FINE)
                return status;

        r = ring_reader_seek(reader, options->has_at ? options->at_usec : options->since_usec);
        if (r == 0)
                r = history_walk(history, reader, &reading);
        if (r < 0) {
                fprintf(stderr, "sockwatch: cannot go on reading %s: %s\n", options->ring_file,
                        strerror(-r));
                return COMMAND_BLIND;
        }

        if (history->table && history->n_written > 0 && scols_print_table(history->table) < 0)
                return COMMAND_BLIND;
        if (!history->table)
                printf("%s]\n", history->n_written > 0 ? "\n" : "[");
        if (history->n_written == 0) {
                reading_explain_range(&reading, reader);
                return COMMAND_BLIND;
        }

        return reading_report(&reading, options->ring_file);
}

CommandStatus command_history(const CommandOptions *options) {
        _cleanup_(table_unrefp) struct libscols_table *table = NULL;
        _cleanup_(freep) History *history = NULL;
        CommandOptions filled = *options;

        if (options->has_at && options->has_since) {
                fprintf(stderr, "sockwatch: --at and --since exclude each other\n");
                return COMMAND_USAGE;
        }
        if (!options->has_since)
                filled.since_usec = clock_usec(CLOCK_REALTIME) - HISTORY_SINCE_DEFAULT_USEC;

        history = calloc(1, sizeof *history);
        table = options->json ? NULL : table_new(history_columns, ELEMENTSOF(history_columns));
        if (!history || (!options->json && !table)) {
                fprintf(stderr, "sockwatch: out of memory\n");
                return COMMAND_BLIND;
        }

        history->options = &filled;
        history->table = table;
        return history_run(&filled, history);
}
