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
#include "derive/ages.h"
#include "derive/freshness.h"
#include "derive/pressure.h"
#include "derive/rate.h"

#define HISTORY_SINCE_DEFAULT_USEC USEC_PER_MINUTE

typedef struct History {
        const CommandOptions *options;
        struct libscols_table *table; /* NULL: JSON */
        size_t n_time_left_out;       /* bytes of a time that are not shown, from its front on */
        Sample before;
        bool has_before;
        uint64_t n_written;
} History;

enum {
        HISTORY_TIME,
        HISTORY_ESTABLISHED,
        HISTORY_SYN_SENT,
        HISTORY_SYN_RECV,
        HISTORY_TIME_WAIT,
        HISTORY_CLOSE_WAIT,
        HISTORY_DROPS,
        HISTORY_RETRANSMITS,
        HISTORY_QUEUE,
        HISTORY_LISTENER,
        HISTORY_UNIT,
        HISTORY_PROCESS,
        HISTORY_NOTE,
        _HISTORY_COLUMNS,
};

/* A terminal that has fewer columns than this is not shown all of the table. */
#define HISTORY_WIDTH_MIN 140

static const struct {
        TableColumn column;
        const char *short_name; /* NULL: it is left out where there is no room */
} history_columns[_HISTORY_COLUMNS] = {
        [HISTORY_TIME] = { { "TIME", TABLE_TEXT }, "TIME" },
        [HISTORY_ESTABLISHED] = { { "ESTAB", TABLE_NUMBER }, "ESTAB" },
        [HISTORY_SYN_SENT] = { { "SYN-SENT", TABLE_NUMBER }, NULL },
        [HISTORY_SYN_RECV] = { { "SYN-RECV", TABLE_NUMBER }, NULL },
        [HISTORY_TIME_WAIT] = { { "TIME-WAIT", TABLE_NUMBER }, NULL },
        [HISTORY_CLOSE_WAIT] = { { "CLOSE-WAIT", TABLE_NUMBER }, "CLOSE-W" },
        [HISTORY_DROPS] = { { "DROPS/S", TABLE_NUMBER }, "DROPS/S" },
        [HISTORY_RETRANSMITS] = { { "RETRANS/S", TABLE_NUMBER }, "RETR/S" },
        [HISTORY_QUEUE] = { { "QUEUE", TABLE_NUMBER }, "QUEUE" },
        [HISTORY_LISTENER] = { { "LISTENER", TABLE_TEXT }, "LISTENER" },
        [HISTORY_UNIT] = { { "UNIT", TABLE_NAME }, "UNIT" },
        [HISTORY_PROCESS] = { { "PROCESS", TABLE_NAME }, NULL },
        [HISTORY_NOTE] = { { "NOTE", TABLE_NAME }, "NOTE" },
};

static struct libscols_table *history_new_table(bool is_narrow) {
        TableColumn columns[_HISTORY_COLUMNS];
        struct libscols_table *table;

        for (size_t i = 0; i < _HISTORY_COLUMNS; i++) {
                columns[i] = history_columns[i].column;
                if (is_narrow && history_columns[i].short_name)
                        columns[i].name = history_columns[i].short_name;
        }

        table = table_new(columns, _HISTORY_COLUMNS);
        for (size_t i = 0; table && is_narrow && i < _HISTORY_COLUMNS; i++)
                if (!history_columns[i].short_name)
                        (void)scols_column_set_flags(scols_table_get_column(table, i), SCOLS_FL_HIDDEN);

        return table;
}

/* The time for which there is no sample, just before this one; 0: there is no gap. */
static usec_t history_gap(const History *history, const Sample *sample) {
        const Sample *before = &history->before;
        usec_t since = before->boottime_usec,
               limit = freshness_limit(sample->values[VALUE_SAMPLING_INTERVAL_USEC]);

        if (!history->has_before || sample->boottime_usec <= since || sample->boottime_usec - since <= limit)
                return 0;

        return sample->boottime_usec - since;
}

static void history_set_rate(struct libscols_line *line,
                             size_t column,
                             const History *history,
                             const Sample *sample,
                             ValueId id) {
        double rate;

        if (history->has_before && history_gap(history, sample) == 0 &&
            rate_per_sec(&history->before, sample, id, &rate) == 0)
                table_set(line, column, "%.1f", rate);
        else
                table_set(line, column, "-");
}

/* How long before the sample the oldest of the states was counted that have a column. */
static usec_t history_age(const Sample *sample) {
        static const AgesPart parts[] = { AGES_ESTABLISHED, AGES_TIME_WAIT, AGES_RARE_STATES };
        usec_t oldest_usec = 0;

        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                oldest_usec = MAX(oldest_usec, ages_of(sample, parts[i]));
        return oldest_usec;
}

/* A gap before this sample, how old its states are, and the collectors that it lacks, so that no dash goes
 * unexplained. */
static void
history_set_note(struct libscols_line *line, size_t column, const History *history, const Sample *sample) {
        usec_t gap_usec = history_gap(history, sample), age_usec = history_age(sample);
        char text[224] = "";
        size_t n = 0;

        if (gap_usec > 0)
                n = (size_t)snprintf(text, sizeof text, "no samples for %" PRIu64 " s before",
                                     gap_usec / USEC_PER_SEC);
        if (age_usec > 0)
                n += (size_t)snprintf(text + n, sizeof text - n, "%sstates up to %.1f s old",
                                      n > 0 ? ", " : "", (double)age_usec / (double)USEC_PER_SEC);

        for (unsigned id = 0; id < _COLLECTOR_ROOM && n < sizeof text; id++) {
                const CollectorReport *report = &sample->reports[id];

                if (report->is_present && (report->error < 0 || report->is_incomplete) && collector_name(id))
                        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s %s", n > 0 ? ", " : "",
                                              report->is_incomplete ? "only part of" : "no",
                                              collector_name(id));
        }

        table_set(line, column, "%s", text);
}

/* A sample without listeners, or of another time, would make of all drops ever those of one second. */
static bool history_can_compare_listeners(const History *history, const Sample *sample) {
        const CollectorReport *before = &history->before.reports[COLLECTOR_LISTEN];

        return history->has_before && before->is_present && before->error == 0 &&
               history_gap(history, sample) == 0;
}

/* The one that dropped the most since the sample before; where none dropped, whose queue is the fullest;
 * NULL where all are empty. */
static const ListenerRow *history_find_listener(const History *history, const Sample *sample) {
        const ListenerRow *row = NULL;

        if (history_can_compare_listeners(history, sample))
                row = pressure_most_dropping_listener(&history->before, sample);
        if (row)
                return row;

        row = pressure_fullest_listener(sample);
        return row && row->worst_length > 0 ? row : NULL;
}

static void history_set_listener(struct libscols_line *line, const History *history, const Sample *sample) {
        const ListenerRow *row = history_find_listener(history, sample);
        char name[ENDPOINT_NAME_SIZE] = "";

        if (row && row->worst_length > 0)
                table_set(line, HISTORY_QUEUE, "%" PRIu64 "/%" PRIu64, row->worst_length, row->worst_limit);
        else
                table_set(line, HISTORY_QUEUE, sample->reports[COLLECTOR_LISTEN].error < 0 ? "-" : "0");

        if (row)
                endpoint_format_name(&row->key.endpoint, name);
        table_set(line, HISTORY_LISTENER, "%s", name);
        table_set(line, HISTORY_UNIT, "%s", row ? row->key.unit : "");
        table_set(line, HISTORY_PROCESS, "%s", row ? row->key.process : "");
}

/* Where there is little room the day is told only if it is not today. */
static void history_set_time(struct libscols_line *line, const History *history, const Sample *sample) {
        char time[MOMENT_SIZE];

        moment_format(sample->realtime_usec, time);
        table_set(line, HISTORY_TIME, "%s", time + history->n_time_left_out);
}

static int history_add_line(History *history, const Sample *sample) {
        struct libscols_line *line;

        line = scols_table_new_line(history->table, NULL);
        if (!line)
                return -ENOMEM;

        history_set_time(line, history, sample);
        table_set_value(line, HISTORY_ESTABLISHED, sample, VALUE_TCP_ESTABLISHED);
        table_set_value(line, HISTORY_SYN_SENT, sample, VALUE_TCP_SYN_SENT);
        table_set_value(line, HISTORY_SYN_RECV, sample, VALUE_TCP_SYN_RECV);
        table_set_value(line, HISTORY_TIME_WAIT, sample, VALUE_TCP_TIME_WAIT);
        table_set_value(line, HISTORY_CLOSE_WAIT, sample, VALUE_TCP_CLOSE_WAIT);
        history_set_rate(line, HISTORY_DROPS, history, sample, VALUE_TCP_LISTEN_DROPS);
        history_set_rate(line, HISTORY_RETRANSMITS, history, sample, VALUE_TCP_SEGMENTS_RETRANSMITTED);
        history_set_listener(line, history, sample);
        history_set_note(line, HISTORY_NOTE, history, sample);
        return 0;
}

static int history_write(History *history, const Sample *sample) {
        history->n_written++;
        if (history->table)
                return history_add_line(history, sample);

        if (fputs(history->n_written == 1 ? "[\n" : ",\n", stdout) == EOF)
                return -EIO;
        return json_write_sample(sample, JSON_ALL, stdout);
}

/* Writes what is wanted of the samples from the reader's place on. */
static int history_walk(History *history, RingReader *reader, Reading *reading) {
        const Sample *sample;
        int r;

        for (;;) {
                r = reading_next(reading, reader, &sample);
                if (r <= 0)
                        return r;

                if (sample->realtime_usec >= history->options->since_usec) {
                        r = history_write(history, sample);
                        if (r < 0)
                                return r;
                }
                sample_copy(&history->before, sample);
                history->has_before = true;
        }
}

static int history_show_at(History *history, RingReader *reader, Reading *reading) {
        _cleanup_(freep) Sample *sample = malloc(sizeof *sample);
        int r;

        if (!sample)
                return -ENOMEM;

        r = reading_find(reading, reader, history->options->at_usec, sample);
        if (r <= 0)
                return r;

        r = reading_find_before(reading, reader, sample, &history->before);
        if (r < 0)
                return r;

        history->has_before = r > 0;
        return history_write(history, sample);
}

/* By default the last minute that there is, which for a daemon that is dead is not the last one of the
 * clock. */
static int
history_show_since(History *history, CommandOptions *options, RingReader *reader, Reading *reading) {
        const Sample *newest;
        int r;

        if (!options->has_since) {
                r = ring_reader_last(reader, &newest);
                if (r <= 0)
                        return r == -EBADMSG ? 0 : r;
                options->since_usec =
                        newest->realtime_usec - MIN(newest->realtime_usec, HISTORY_SINCE_DEFAULT_USEC);
        }

        r = ring_reader_seek(reader, options->since_usec);
        return r < 0 ? r : history_walk(history, reader, reading);
}

static CommandStatus history_run(CommandOptions *options, History *history) {
        _cleanup_(ring_reader_closep) RingReader *reader = NULL;
        Reading reading = { 0 };
        CommandStatus status;
        int r;

        status = reading_open(options->ring_file, &reader);
        if (status != COMMAND_FINE)
                return status;

        r = options->has_at ? history_show_at(history, reader, &reading)
                            : history_show_since(history, options, reader, &reading);
        /* What cannot be written is told at the end, for all commands. */
        if (r < 0 && r != -EIO) {
                fprintf(stderr, "sockwatch: cannot go on reading %s: %s\n", options->ring_file,
                        strerror(-r));
                return COMMAND_BLIND;
        }

        if (history->table && history->n_written > 0 && table_print(history->table) < 0)
                return COMMAND_BLIND;
        if (!history->table)
                printf("%s]\n", history->n_written > 0 ? "\n" : "[");
        if (history->n_written == 0) {
                reading_explain_range(&reading, reader, options->has_at ? &options->at_usec : NULL);
                return COMMAND_BLIND;
        }

        return reading_report(&reading, options->ring_file);
}

/* "2026-11-25 " if all is of today, else "2026-". */
static size_t history_count_left_out(const CommandOptions *options) {
        usec_t now_usec = clock_usec(CLOCK_REALTIME), from_usec = now_usec;
        char from[MOMENT_SIZE], now[MOMENT_SIZE];

        if (options->has_since || options->has_at)
                from_usec = options->has_at ? options->at_usec : options->since_usec;
        moment_format(from_usec, from);
        moment_format(now_usec, now);
        return memcmp(from, now, strlen("2026-11-25")) == 0 ? strlen("2026-11-25 ") : strlen("2026-");
}

CommandStatus command_history(const CommandOptions *options) {
        _cleanup_(table_unrefp) struct libscols_table *table = NULL;
        _cleanup_(freep) History *history = NULL;
        CommandOptions filled = *options;
        unsigned width = table_terminal_width();
        bool is_narrow = width > 0 && width < HISTORY_WIDTH_MIN;

        if (options->has_at && options->has_since) {
                fprintf(stderr, "sockwatch: --at and --since exclude each other\n");
                return COMMAND_USAGE;
        }
        history = calloc(1, sizeof *history);
        table = options->json ? NULL : history_new_table(is_narrow);
        if (!history || (!options->json && !table)) {
                fprintf(stderr, "sockwatch: out of memory\n");
                return COMMAND_BLIND;
        }

        history->options = &filled;
        history->table = table;
        history->n_time_left_out = is_narrow ? history_count_left_out(options) : 0;
        return history_run(&filled, history);
}
