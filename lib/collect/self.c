/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What sockwatchd itself costs: /proc/self
 *
 * The same figures that every Prometheus client tells of its process. They go
 * through the ring like all else, so that what it cost is on record too.
 */

#include <errno.h>

#include "base/kept_file.h"
#include "collect/collector.h"
#include "kernel/proc_fd.h"
#include "kernel/proc_stat.h"

typedef struct Self {
        const Sources *sources;
        KeptFile stat;
        KeptFile limits;
        uint64_t ticks_per_sec;
        uint64_t page_bytes;
        usec_t boot_usec; /* CLOCK_REALTIME when the host started */
} Self;

static int self_open(CollectContext *context, void **ret_state) {
        Self *self;

        self = calloc(1, sizeof *self);
        if (!self)
                return -ENOMEM;

        self->sources = context->sources;
        self->stat = KEPT_FILE(value_infos[VALUE_PROCESS_START_USEC].source);
        self->limits = KEPT_FILE(value_infos[VALUE_PROCESS_MAX_FDS].source);
        self->ticks_per_sec = (uint64_t)sysconf(_SC_CLK_TCK);
        self->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
        /* Taken once: the start of a process must not move when the clock is set. */
        self->boot_usec = clock_usec(CLOCK_REALTIME) - clock_usec(CLOCK_BOOTTIME);

        *ret_state = self;
        return 0;
}

static usec_t self_ticks_to_usec(const Self *self, uint64_t ticks) {
        return ticks / self->ticks_per_sec * USEC_PER_SEC +
               ticks % self->ticks_per_sec * USEC_PER_SEC / self->ticks_per_sec;
}

static int self_collect_stat(Self *self, Sample *sample) {
        char text[1024];
        ProcStat stat;
        size_t length;
        int r;

        r = kept_file_read(&self->stat, self->sources->proc_fd, text, sizeof text, &length);
        if (r < 0)
                return r;
        r = proc_stat_parse(text, length, &stat);
        if (r < 0)
                return r;

        sample_set(sample, VALUE_PROCESS_START_USEC,
                   self->boot_usec + self_ticks_to_usec(self, stat.start_ticks));
        sample_set(sample, VALUE_PROCESS_VIRTUAL_BYTES, stat.virtual_bytes);
        sample_set(sample, VALUE_PROCESS_RESIDENT_BYTES, stat.resident_pages * self->page_bytes);
        return 0;
}

static int self_collect(void *state, Sample *sample) {
        Self *self = state;
        uint64_t limit, n_fds;
        char text[4096];
        size_t length;
        int r;

        /* As /proc/self/stat has it, but not in steps of 10 ms. */
        sample_set(sample, VALUE_PROCESS_CPU_USEC, clock_usec(CLOCK_PROCESS_CPUTIME_ID));

        r = self_collect_stat(self, sample);
        if (r < 0)
                return r;

        r = proc_fd_count(self->sources->proc_fd, value_infos[VALUE_PROCESS_OPEN_FDS].source, &n_fds);
        if (r < 0)
                return r;
        sample_set(sample, VALUE_PROCESS_OPEN_FDS, n_fds);

        r = kept_file_read(&self->limits, self->sources->proc_fd, text, sizeof text, &length);
        if (r < 0)
                return r;
        r = proc_limits_parse_open_files(text, length, &limit);
        if (r < 0)
                return r;
        sample_set(sample, VALUE_PROCESS_MAX_FDS, limit);
        return 0;
}

static void self_close(void *state) {
        Self *self = state;

        if (!self)
                return;

        kept_file_done(&self->stat);
        kept_file_done(&self->limits);
        free(self);
}

const Collector self_collector = {
        .id = COLLECTOR_SELF,
        .cost = COLLECTOR_COST_TICK,
        .open = self_open,
        .collect = self_collect,
        .close = self_close,
};
