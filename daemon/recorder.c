/* SPDX-License-Identifier: Apache-2.0 */

/* Keeping the flight recorder running */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/recorder.h"
#include "exporters/journal/log.h"
#include "store/ring.h"

struct Recorder {
        char path[RING_PATH_MAX];
        uint64_t bytes;
        Ring *ring; /* NULL while there is none to be had */
        bool is_failing;
        uint64_t n_errors;
        uint64_t last_number; /* for samples that no ring numbers */
};

static int recorder_open(Recorder *recorder) {
        RingFinding finding;
        int r;

        r = ring_open(recorder->path, recorder->bytes, &recorder->ring, &finding);
        if (finding.fault != RING_FAULT_NONE)
                log_warning("ring file %s %s; set aside as %s%s", recorder->path,
                            ring_fault_describe(finding.fault), finding.set_aside,
                            r < 0 ? "" : ", beginning a new one");
        if (r < 0)
                return r;

        if (finding.n_continued > 0)
                log_info("ring file %s continues after sample %" PRIu64, recorder->path,
                         finding.n_continued);
        else if (finding.fault == RING_FAULT_NONE)
                log_info("ring file %s begins, %" PRIu64 " bytes", recorder->path,
                         ring_bytes(recorder->ring));

        return 0;
}

int recorder_new(const char *path, uint64_t bytes, Recorder **ret) {
        _cleanup_(recorder_freep) Recorder *recorder = NULL;
        int n, r;

        assert(path);
        assert(ret);

        recorder = calloc(1, sizeof *recorder);
        if (!recorder)
                return -ENOMEM;

        n = snprintf(recorder->path, sizeof recorder->path, "%s", path);
        if (n < 0 || (size_t)n >= sizeof recorder->path)
                return -ENAMETOOLONG;
        recorder->bytes = bytes;

        r = recorder_open(recorder);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(recorder);
        return 0;
}

Recorder *recorder_free(Recorder *recorder) {
        if (!recorder)
                return NULL;

        recorder->ring = ring_close(recorder->ring);
        free(recorder);
        return NULL;
}

static int recorder_try(Recorder *recorder, Sample *sample) {
        int r;

        if (!recorder->ring) {
                r = recorder_open(recorder);
                if (r < 0)
                        return r;
        }

        sample_set(sample, VALUE_RING_BYTES, ring_bytes(recorder->ring));
        if (ring_oldest_usec(recorder->ring) > 0)
                sample_set(sample, VALUE_RING_OLDEST_USEC, ring_oldest_usec(recorder->ring));

        r = ring_append(recorder->ring, sample);
        if (r < 0)
                recorder->ring = ring_close(recorder->ring);

        return r;
}

void recorder_append(Recorder *recorder, Sample *sample) {
        int r;

        assert(recorder);
        assert(sample);

        sample_set(sample, VALUE_RING_ERRORS, recorder->n_errors);
        r = recorder_try(recorder, sample);
        if (r == -ESTALE) {
                log_warning("ring file %s was changed by somebody else, opening it anew", recorder->path);
                sample_set(sample, VALUE_RING_ERRORS, ++recorder->n_errors);
                r = recorder_try(recorder, sample);
        }

        if (r < 0) {
                sample_unset(sample, VALUE_RING_BYTES);
                sample_unset(sample, VALUE_RING_OLDEST_USEC);
                sample_set(sample, VALUE_RING_ERRORS, ++recorder->n_errors);
                sample->number = recorder->last_number + 1;
                if (!recorder->is_failing)
                        log_warning("ring file %s cannot be written, serving without a history: %s",
                                    recorder->path, strerror(-r));
        } else if (recorder->is_failing)
                log_notice("ring file %s is written again", recorder->path);

        recorder->is_failing = r < 0;
        recorder->last_number = sample->number;
}
