/* SPDX-License-Identifier: Apache-2.0 */

/* Reading a ring for a person: what goes wrong is told once, in words */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/moments.h"
#include "cli/reading.h"

CommandStatus reading_open(const char *path, RingReader **ret) {
        RingFault fault;
        int r;

        r = ring_reader_open(path, ret, &fault);
        if (r == 0)
                return COMMAND_FINE;

        if (r == -EBADMSG)
                fprintf(stderr, "sockwatch: %s %s\n", path, ring_fault_describe(fault));
        else
                fprintf(stderr, "sockwatch: cannot read ring file %s: %s; %s\n", path, strerror(-r),
                        r == -ENOENT   ? "start sockwatchd, or name its file with --ring.file"
                        : r == -EACCES ? "only root and the daemon may read it"
                                       : "name another with --ring.file");
        return COMMAND_BLIND;
}

int reading_next(Reading *reading, RingReader *reader, const Sample **ret) {
        for (;;) {
                int r;

                r = ring_reader_next(reader, ret);
                if (r == -ESTALE)
                        reading->is_overwritten = true;
                else if (r == -EBADMSG)
                        reading->is_damaged = true;
                else
                        return r;
        }
}

/* Whether a sample stands for the second that begins at that time. */
static bool reading_is_of(const Sample *sample, usec_t at_usec) {
        return sample->realtime_usec + READING_GAP_USEC >= at_usec &&
               sample->realtime_usec < at_usec + USEC_PER_SEC;
}

typedef enum ReadingPlace {
        READING_NOWHERE,
        READING_NEAR, /* the last before that time, and it is not known how long it stands for */
        READING_THERE,
} ReadingPlace;

/*
 * Looks from where the reader is. Behind the time it stops, but where the clock was
 * set back there may be more: then all is looked through.
 */
static int reading_look(
        Reading *reading, RingReader *reader, usec_t at_usec, bool stops, ReadingPlace *place, Sample *ret) {
        const Sample *sample;
        int r;

        while ((r = reading_next(reading, reader, &sample)) > 0)
                if (reading_is_of(sample, at_usec)) {
                        if (*place == READING_NOWHERE || sample->realtime_usec >= ret->realtime_usec)
                                sample_copy(ret, sample);
                        *place = ret->realtime_usec >= at_usec ? READING_THERE : READING_NEAR;
                } else if (stops && sample->realtime_usec > at_usec) {
                        *place = *place == READING_NEAR ? READING_THERE : *place;
                        break;
                }

        return MIN(r, 0);
}

/* The first look goes to where the sample should be and ends behind it. */
int reading_find(Reading *reading, RingReader *reader, usec_t at_usec, Sample *ret) {
        ReadingPlace place = READING_NOWHERE;
        int r = 0;

        for (unsigned look = 0; look < 2 && r == 0 && place != READING_THERE; look++) {
                r = ring_reader_seek(reader, look == 0 ? at_usec : 0);
                if (r == 0)
                        r = reading_look(reading, reader, at_usec, look == 0, &place, ret);
        }

        return r < 0 ? r : place != READING_NOWHERE;
}

/* From the segment on that has it, or where the clock was set back, from the first one on. */
int reading_find_before(Reading *reading, RingReader *reader, const Sample *sample, Sample *ret) {
        for (unsigned look = 0; look < 2; look++) {
                bool has_before = false;
                const Sample *next;
                int r;

                r = ring_reader_seek(reader, look == 0 ? sample->realtime_usec - 1 : 0);
                while (r >= 0 && (r = reading_next(reading, reader, &next)) > 0 &&
                       next->number < sample->number) {
                        sample_copy(ret, next);
                        has_before = true;
                }
                if (r < 0 || (r > 0 && has_before))
                        return r < 0 ? r : 1;
        }

        return 0;
}

CommandStatus reading_report(const Reading *reading, const char *path) {
        if (reading->is_overwritten)
                fprintf(stderr, "sockwatch: samples were overwritten while being read and are left out\n");
        if (reading->is_damaged)
                fprintf(stderr, "sockwatch: %s is damaged, samples are left out\n", path);

        return reading->is_damaged ? COMMAND_FOUND : COMMAND_FINE;
}

/* The last time before another at which a sample was taken, and the first one after; 0: there is none. */
static void
reading_find_neighbours(RingReader *reader, usec_t at_usec, usec_t *ret_before, usec_t *ret_after) {
        usec_t before = 0, after = 0;
        Reading reading = { 0 };
        const Sample *sample;
        int r;

        r = ring_reader_seek(reader, 0);
        while (r >= 0 && (r = reading_next(&reading, reader, &sample)) > 0)
                if (sample->realtime_usec < at_usec)
                        before = MAX(before, sample->realtime_usec);
                else if (after == 0 || sample->realtime_usec < after)
                        after = sample->realtime_usec;

        *ret_before = before;
        *ret_after = after;
}

/* True if the time lies in a gap, and that was said. */
static bool reading_explain_gap(const Reading *reading, RingReader *reader, usec_t at_usec) {
        char first[MOMENT_SIZE], last[MOMENT_SIZE], before[MOMENT_SIZE], after[MOMENT_SIZE];
        usec_t before_usec, after_usec;

        reading_find_neighbours(reader, at_usec, &before_usec, &after_usec);
        if (before_usec == 0 || after_usec == 0)
                return false;

        moment_format(before_usec + USEC_PER_SEC, first);
        moment_format(after_usec - USEC_PER_SEC, last);
        moment_format(before_usec, before);
        moment_format(after_usec, after);
        fprintf(stderr, "sockwatch: %s from %s to %s; the nearest are of %s and %s\n",
                reading->is_damaged ? "samples cannot be read, or were not taken,"
                                    : "sockwatchd took no samples",
                first, last, before, after);
        return true;
}

void reading_explain_range(const Reading *reading, RingReader *reader, const usec_t *at_usec) {
        char first[MOMENT_SIZE], last[MOMENT_SIZE];
        const Sample *sample;

        if (ring_reader_seek(reader, 0) < 0 || ring_reader_next(reader, &sample) <= 0) {
                fprintf(stderr, "sockwatch: the ring file holds no sample %s\n",
                        reading->is_damaged ? "that can be read, it is damaged" : "yet");
                return;
        }
        moment_format(sample->realtime_usec, first);

        if (at_usec && reading_explain_gap(reading, reader, *at_usec))
                return;

        if (ring_reader_last(reader, &sample) <= 0)
                return;
        moment_format(sample->realtime_usec, last);
        fprintf(stderr, "sockwatch: no sample of that time; the ring file holds %s to %s\n", first, last);
}
