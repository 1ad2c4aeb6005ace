/* SPDX-License-Identifier: Apache-2.0 */

/* The one sample that a command is about */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/look.h"
#include "cli/moments.h"
#include "cli/reading.h"
#include "collect/collection.h"
#include "derive/freshness.h"
#include "derive/troubles.h"

/* Samples that are taken at most until everything is known of processes and owners. */
#define LOOK_LIVE_SAMPLES_MAX 100

/* By the clock that cannot be set, unless the host was started since; then by the other. */
static usec_t look_age(const Sample *sample) {
        usec_t now = clock_usec(CLOCK_REALTIME), now_boottime = clock_usec(CLOCK_BOOTTIME);
        usec_t age = now > sample->realtime_usec ? now - sample->realtime_usec : 0;

        return now_boottime > sample->boottime_usec ? MAX(age, now_boottime - sample->boottime_usec) : age;
}

/* Older than a daemon that works would leave it, or of a host that was started since. */
static bool look_is_stale(const Look *look, const Sample *sample) {
        if (look->is_live || look->is_past)
                return false;

        return look_age(sample) > freshness_limit(sample->values[VALUE_SAMPLING_INTERVAL_USEC]) ||
               sample->boottime_usec > clock_usec(CLOCK_BOOTTIME);
}

/* True if some of the sample is missing or incomplete. */
static bool look_is_partial(const Sample *sample) {
        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++) {
                const CollectorReport *report = &sample->reports[id];

                if (report->is_present && (report->error < 0 || report->is_incomplete))
                        return true;
        }

        return false;
}

static void look_print_time(const Look *look, const Sample *sample) {
        char time[MOMENT_SIZE];

        moment_format(sample->realtime_usec, time);
        if (look->is_live)
                printf("Taken now, %s; there is no ring file, so there is no history\n", time);
        else if (look->is_past)
                printf("Sample %" PRIu64 " of %s\n", sample->number, time);
        else
                printf("Sample %" PRIu64 " of %s, %.1f s ago%s\n", sample->number, time,
                       (double)look_age(sample) / (double)USEC_PER_SEC,
                       look_is_stale(look, sample) ? "; sockwatchd does not run, or is stuck" : "");
}

/* The exit status is the same in each form: what a script asks for is the verdict. */
static CommandStatus
look_print(const Look *look, const CommandOptions *options, const Sample *sample, const LookPart *part) {
        if (!options->json) {
                look_print_time(look, sample);
                remarks_write(sample, part->remarks, stdout);
                printf("\n");
        }
        if (part->show(options, sample) < 0)
                return COMMAND_BLIND;

        if (look_is_stale(look, sample) || look_is_partial(sample) || troubles_has_certain(sample))
                return COMMAND_FOUND;

        return COMMAND_FINE;
}

static CommandStatus look_live(const CommandOptions *options, const LookPart *part) {
        static const Look look = { .is_live = true };
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

        collection_hurry(collection);

        /* The first walk tells which owners are to be searched, the last one makes use of them. */
        collection_run_walk(collection, &bounds_default, WALK_ALL, sample);
        for (unsigned i = 0; i < LOOK_LIVE_SAMPLES_MAX && !collection_is_settled(collection); i++)
                collection_run_walk(collection, &bounds_default, WALK_NONE, sample);
        collection_run_walk(collection, &bounds_default, WALK_ALL, sample);
        return look_print(&look, options, sample, part);
}

static CommandStatus look_at(const CommandOptions *options, RingReader *reader, const LookPart *part) {
        static const Look look = { .is_past = true };
        _cleanup_(freep) Sample *sample = malloc(sizeof *sample);
        Reading reading = { 0 };
        CommandStatus status, damage;
        int r;

        if (!sample) {
                fprintf(stderr, "sockwatch: out of memory\n");
                return COMMAND_BLIND;
        }

        r = reading_find(&reading, reader, options->at_usec, sample);
        if (r < 0) {
                fprintf(stderr, "sockwatch: cannot go on reading %s: %s\n", options->ring_file,
                        strerror(-r));
                return COMMAND_BLIND;
        }
        if (r == 0) {
                reading_explain_range(&reading, reader, &options->at_usec);
                return COMMAND_BLIND;
        }

        status = look_print(&look, options, sample, part);
        damage = reading_report(&reading, options->ring_file);
        return status == COMMAND_FINE ? damage : status;
}

static CommandStatus look_newest(const CommandOptions *options, RingReader *reader, const LookPart *part) {
        static const Look look = { 0 };
        const Sample *sample;
        int r;

        r = ring_reader_last(reader, &sample);
        if (r <= 0) {
                fprintf(stderr, "sockwatch: no sample in %s: %s\n", options->ring_file,
                        r == -EBADMSG ? "the file is damaged"
                        : r < 0       ? strerror(-r)
                                      : "none was taken yet");
                return COMMAND_BLIND;
        }

        return look_print(&look, options, sample, part);
}

CommandStatus look_show(const CommandOptions *options, const LookPart *part) {
        _cleanup_(ring_reader_closep) RingReader *reader = NULL;
        CommandStatus status;

        if (options->has_since) {
                fprintf(stderr, "sockwatch: --since is of history; a single time is given with --at\n");
                return COMMAND_USAGE;
        }

        /* Not where a file was named: that is a mistake to be told of. */
        if (!options->has_ring_file && !options->has_at && access(options->ring_file, F_OK) < 0 &&
            errno == ENOENT)
                return look_live(options, part);

        status = reading_open(options->ring_file, &reader);
        if (status != COMMAND_FINE)
                return status;

        return options->has_at ? look_at(options, reader, part) : look_newest(options, reader, part);
}
