/* SPDX-License-Identifier: Apache-2.0 */

/* sockwatch status: the newest sample; where there is no ring file, one taken now */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/moments.h"
#include "cli/reading.h"
#include "cli/table.h"
#include "collect/collection.h"
#include "derive/freshness.h"
#include "derive/pressure.h"

static const struct {
        const char *name;
        ValueId id;
} status_states[] = {
        { "ESTABLISHED", VALUE_TCP_ESTABLISHED },
        { "SYN-SENT", VALUE_TCP_SYN_SENT },
        { "SYN-RECV", VALUE_TCP_SYN_RECV },
        { "FIN-WAIT-1", VALUE_TCP_FIN_WAIT1 },
        { "FIN-WAIT-2", VALUE_TCP_FIN_WAIT2 },
        { "TIME-WAIT", VALUE_TCP_TIME_WAIT },
        { "CLOSE", VALUE_TCP_CLOSE },
        { "CLOSE-WAIT", VALUE_TCP_CLOSE_WAIT },
        { "LAST-ACK", VALUE_TCP_LAST_ACK },
        { "LISTEN", VALUE_TCP_LISTEN },
        { "CLOSING", VALUE_TCP_CLOSING },
        { "BOUND", VALUE_TCP_BOUND_INACTIVE },
};

static int status_print_states(const Sample *sample) {
        static const TableColumn columns[] = { { "STATE", false }, { "SOCKETS", true } };
        _cleanup_(table_unrefp) struct libscols_table *table = NULL;

        table = table_new(columns, ELEMENTSOF(columns));
        if (!table)
                return -ENOMEM;

        for (size_t i = 0; i < ELEMENTSOF(status_states); i++) {
                struct libscols_line *line = scols_table_new_line(table, NULL);

                if (!line)
                        return -ENOMEM;
                table_set(line, 0, "%s", status_states[i].name);
                table_set_value(line, 1, sample, status_states[i].id);
        }

        return scols_print_table(table);
}

static int status_print_listeners(const Sample *sample) {
        static const TableColumn columns[] = {
                { "ADDRESS", false }, { "PORT", true },  { "QUEUE", true },
                { "LIMIT", true },    { "DROPS", true },
        };
        _cleanup_(table_unrefp) struct libscols_table *table = NULL;

        table = table_new(columns, ELEMENTSOF(columns));
        if (!table)
                return -ENOMEM;

        for (uint32_t i = 0; i < sample->n_listeners; i++) {
                const ListenerRow *row = &sample->listeners[i];
                struct libscols_line *line = scols_table_new_line(table, NULL);
                char address[LISTENER_ADDRESS_SIZE];

                if (!line)
                        return -ENOMEM;
                listener_format_address(&row->key, address);
                table_set(line, 0, "%s", address);
                table_set(line, 1, "%u", listener_port(&row->key));
                table_set(line, 2, "%" PRIu64, row->length);
                table_set(line, 3, "%" PRIu64, row->limit);
                table_set(line, 4, "%" PRIu64, row->drops);
        }

        return scols_print_table(table);
}

/* By the clock that cannot be set, unless the host was started since; then by the other. */
static usec_t status_age(const Sample *sample) {
        usec_t now = clock_usec(CLOCK_REALTIME), now_boottime = clock_usec(CLOCK_BOOTTIME);
        usec_t age = now > sample->realtime_usec ? now - sample->realtime_usec : 0;

        return now_boottime > sample->boottime_usec ? MAX(age, now_boottime - sample->boottime_usec) : age;
}

/* Older than a daemon that works would leave it, or of a host that was started since. */
static bool status_is_stale(const Sample *sample) {
        return status_age(sample) > freshness_limit(sample->values[VALUE_SAMPLING_INTERVAL_USEC]) ||
               sample->boottime_usec > clock_usec(CLOCK_BOOTTIME);
}

static bool status_has_full_queue(const Sample *sample) {
        for (uint32_t i = 0; i < sample->n_listeners; i++)
                if (pressure_is_full(&sample->listeners[i]))
                        return true;

        return false;
}

static void status_print_full_queues(const Sample *sample) {
        for (uint32_t i = 0; i < sample->n_listeners; i++) {
                const ListenerRow *row = &sample->listeners[i];
                char name[LISTENER_NAME_SIZE];

                if (!pressure_is_full(row))
                        continue;

                listener_format_name(&row->key, name);
                printf("accept queue of %s is full: %" PRIu64 " wait, above its limit of %" PRIu64
                       " new ones are dropped\n",
                       name, row->worst_length, row->worst_limit);
        }
}

/* True if some of the sample is missing or incomplete. */
static bool status_is_partial(const Sample *sample) {
        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++) {
                const CollectorReport *report = &sample->reports[id];

                if (report->is_present && (report->error < 0 || report->is_incomplete))
                        return true;
        }

        return false;
}

static void status_print_collectors(const Sample *sample) {
        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++) {
                const CollectorReport *report = &sample->reports[id];

                if (!report->is_present || !collector_name(id))
                        continue;
                if (report->error < 0)
                        printf("collector %s fails: %s\n", collector_name(id), strerror(-report->error));
                if (report->is_incomplete)
                        printf("collector %s is incomplete: it saw more than it has room for\n",
                               collector_name(id));
        }
}

static void status_print_time(const Sample *sample, bool is_live) {
        char time[MOMENT_SIZE];

        moment_format(sample->realtime_usec, time);
        if (is_live)
                printf("Taken now, %s; there is no ring file, so there is no history\n", time);
        else
                printf("Sample %" PRIu64 " of %s, %.1f s ago%s\n", sample->number, time,
                       (double)status_age(sample) / (double)USEC_PER_SEC,
                       status_is_stale(sample) ? "; sockwatchd does not run, or is stuck" : "");
}

static int status_print_text(const Sample *sample, bool is_live) {
        int r;

        status_print_time(sample, is_live);
        status_print_collectors(sample);
        status_print_full_queues(sample);
        printf("\n");
        r = status_print_states(sample);
        if (r == 0 && sample->n_listeners > 0) {
                printf("\n");
                r = status_print_listeners(sample);
        }

        return r;
}

static int status_print_json(const Sample *sample) {
        int r;

        r = json_write_sample(sample, stdout);
        printf("\n");
        return r;
}

/* The exit status is the same in each form: what a script asks for is the verdict. */
static CommandStatus status_print(const CommandOptions *options, const Sample *sample, bool is_live) {
        int r;

        r = options->json ? status_print_json(sample) : status_print_text(sample, is_live);
        if (r < 0)
                return COMMAND_BLIND;

        if ((!is_live && status_is_stale(sample)) || status_is_partial(sample) ||
            status_has_full_queue(sample))
                return COMMAND_FOUND;

        return COMMAND_FINE;
}

static CommandStatus status_live(const CommandOptions *options) {
        _cleanup_(collection_freep) Collection *collection = NULL;
        _cleanup_(sources_done) Sources sources = SOURCES_NULL;
        _cleanup_(freep) Sample *sample = NULL;
        const char *what;
        int r;

        r = sources_init(&sources, options->proc_root, options->sys_root, &what);
        if (r < 0) {
                fprintf(stderr, "sockwatch: cannot open %s: %s\n", what, strerror(-r));
                return COMMAND_BLIND;
        }

        sample = malloc(sizeof *sample);
        if (!sample || collection_new(&sources, &collection) < 0) {
                fprintf(stderr, "sockwatch: out of memory\n");
                return COMMAND_BLIND;
        }

        collection_run(collection, &bounds_default, sample);
        return status_print(options, sample, /* is_live= */ true);
}

CommandStatus command_status(const CommandOptions *options) {
        _cleanup_(ring_reader_closep) RingReader *reader = NULL;
        const Sample *sample;
        CommandStatus status;
        int r;

        if (options->has_at || options->has_since) {
                fprintf(stderr, "sockwatch: --at and --since are of history, not of status\n");
                return COMMAND_USAGE;
        }

        /* Not where a file was named: that is a mistake to be told of. */
        if (!options->has_ring_file && access(options->ring_file, F_OK) < 0 && errno == ENOENT)
                return status_live(options);

        status = reading_open(options->ring_file, &reader);
        if (status != COMMAND_FINE)
                return status;

        r = ring_reader_last(reader, &sample);
        if (r <= 0) {
                fprintf(stderr, "sockwatch: no sample in %s: %s\n", options->ring_file,
                        r == -EBADMSG ? "the file is damaged"
                        : r < 0       ? strerror(-r)
                                      : "none was taken yet");
                return COMMAND_BLIND;
        }

        return status_print(options, sample, /* is_live= */ false);
}
