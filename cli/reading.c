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

CommandStatus reading_report(const Reading *reading, const char *path) {
        if (reading->is_overwritten)
                fprintf(stderr, "sockwatch: samples were overwritten while being read and are left out\n");
        if (reading->is_damaged)
                fprintf(stderr, "sockwatch: %s is damaged, samples are left out\n", path);

        return reading->is_damaged ? COMMAND_FOUND : COMMAND_FINE;
}

void reading_explain_range(const Reading *reading, RingReader *reader) {
        char first[MOMENT_SIZE], last[MOMENT_SIZE];
        const Sample *sample;

        if (ring_reader_seek(reader, 0) < 0 || ring_reader_next(reader, &sample) <= 0) {
                fprintf(stderr, "sockwatch: the ring file holds no sample %s\n",
                        reading->is_damaged ? "that can be read, it is damaged" : "yet");
                return;
        }
        moment_format(sample->realtime_usec, first);

        if (ring_reader_last(reader, &sample) <= 0)
                return;
        moment_format(sample->realtime_usec, last);
        fprintf(stderr, "sockwatch: no sample of that time; the ring file holds %s to %s\n", first, last);
}
