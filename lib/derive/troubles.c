/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is wrong in a sample, row by row
 *
 * Each kind is one function of one row: how bad it is, and 0 where it is not.
 */

#include <assert.h>
#include <string.h>

#include "derive/ages.h"
#include "derive/pressure.h"
#include "derive/troubles.h"

/* From which share of a limit on there is little left. */
#define TROUBLES_HIGH_RATIO 0.9

static double trouble_queue_full(const Sample *sample, const void *any) {
        const ListenerRow *row = any;

        return pressure_is_full(row->worst_length, row->worst_limit) ? (double)row->worst_length : 0;
}

static double trouble_unix_queue_full(const Sample *sample, const void *any) {
        const UnixListenerRow *row = any;

        return pressure_is_full(row->worst_length, row->worst_limit) ? (double)row->worst_length : 0;
}

/* Of several sockets on one address at least one was full, if together they held more than all limits. */
static double trouble_queue_was_full(const Sample *sample, const void *any) {
        const ListenerRow *row = any;
        bool was_full = pressure_is_full(row->peak, row->limit);

        return was_full && trouble_queue_full(sample, any) == 0 ? (double)row->peak : 0;
}

static double trouble_unix_queue_was_full(const Sample *sample, const void *any) {
        const UnixListenerRow *row = any;
        bool was_full = pressure_is_full(row->peak, row->limit);

        return was_full && trouble_unix_queue_full(sample, any) == 0 ? (double)row->peak : 0;
}

static double trouble_udp_queue_high(const Sample *sample, const void *any) {
        const UdpSocketRow *row = any;
        double ratio = row->worst_buffer_bytes > 0
                               ? (double)row->worst_queue_bytes / (double)row->worst_buffer_bytes
                               : 0;

        return ratio > TROUBLES_HIGH_RATIO ? ratio : 0;
}

/* Which share of its own limit a process has open; 0 where it has none, or none is known. */
static double trouble_fd_ratio(const ProcessRow *row) {
        if (row->fd_limit == 0 || row->fd_limit == UINT64_MAX)
                return 0;

        return (double)row->open_fds / (double)row->fd_limit;
}

static double trouble_fds_exhausted(const Sample *sample, const void *any) {
        double ratio = trouble_fd_ratio(any);

        return ratio >= 1 ? ratio : 0;
}

static double trouble_fds_high(const Sample *sample, const void *any) {
        double ratio = trouble_fd_ratio(any);

        return ratio >= TROUBLES_HIGH_RATIO && ratio < 1 ? ratio : 0;
}

/* Which process holds them is looked for every ten seconds only; the unit's own count is newer. */
static bool trouble_unit_has_close_wait(const Sample *sample, const char *unit) {
        for (uint32_t i = 0; i < sample->n_units; i++)
                if (strcmp(sample->units[i].key.unit, unit) == 0)
                        return sample->units[i].n_close_wait_accepted > 0;

        return false;
}

static double trouble_close_wait(const Sample *sample, const void *any) {
        const ProcessRow *row = any;

        if (row->n_close_wait == 0 || !trouble_unit_has_close_wait(sample, row->key.unit))
                return 0;

        return (double)row->n_close_wait;
}

static bool trouble_unit_has_suspect(const Sample *sample, const char *unit) {
        for (uint32_t i = 0; i < sample->n_processes; i++)
                if (strcmp(sample->processes[i].key.unit, unit) == 0 &&
                    sample->processes[i].n_close_wait > 0)
                        return true;

        return false;
}

static double trouble_unit_close_wait(const Sample *sample, const void *any) {
        const UnitRow *row = any;

        if (row->n_close_wait_accepted < TROUBLES_CLOSE_WAIT_MIN ||
            trouble_unit_has_suspect(sample, row->key.unit))
                return 0;

        return (double)row->n_close_wait_accepted;
}

static double trouble_not_accepted(const Sample *sample, const void *any) {
        const UnitRow *row = any;
        uint64_t n_close_wait = row->states[STATE_CLOSE_WAIT],
                 n = n_close_wait - MIN(n_close_wait, row->n_close_wait_accepted);

        return n >= TROUBLES_CLOSE_WAIT_MIN ? (double)n : 0;
}

/* What is asked for at every tick has no age. */
#define TROUBLE_OF_TICK _AGES_PARTS

static const struct {
        TableId table;
        AgesPart part; /* by which it is judged */
        double (*judge)(const Sample *sample, const void *row);
} kinds[_TROUBLES] = {
        [TROUBLE_QUEUE_FULL] = { TABLE_LISTENERS, TROUBLE_OF_TICK, trouble_queue_full },
        [TROUBLE_UNIX_QUEUE_FULL] = { TABLE_UNIX_LISTENERS, AGES_UNIX, trouble_unix_queue_full },
        [TROUBLE_FDS_EXHAUSTED] = { TABLE_PROCESSES, AGES_PROCESSES, trouble_fds_exhausted },
        [TROUBLE_QUEUE_WAS_FULL] = { TABLE_LISTENERS, TROUBLE_OF_TICK, trouble_queue_was_full },
        [TROUBLE_UNIX_QUEUE_WAS_FULL] = { TABLE_UNIX_LISTENERS, AGES_UNIX, trouble_unix_queue_was_full },
        [TROUBLE_UDP_QUEUE_HIGH] = { TABLE_UDP_SOCKETS, AGES_UDP, trouble_udp_queue_high },
        [TROUBLE_FDS_HIGH] = { TABLE_PROCESSES, AGES_PROCESSES, trouble_fds_high },
        [TROUBLE_CLOSE_WAIT] = { TABLE_PROCESSES, AGES_SUSPECTS, trouble_close_wait },
        [TROUBLE_UNIT_CLOSE_WAIT] = { TABLE_UNITS, AGES_RARE_STATES, trouble_unit_close_wait },
        [TROUBLE_NOT_ACCEPTED] = { TABLE_UNITS, AGES_RARE_STATES, trouble_not_accepted },
};

TableId trouble_table(TroubleKind kind) {
        return kinds[kind].table;
}

usec_t trouble_age(const Sample *sample, TroubleKind kind) {
        assert(sample);

        return kinds[kind].part == TROUBLE_OF_TICK ? 0 : ages_of(sample, kinds[kind].part);
}

static double trouble_judge(const Sample *sample, TroubleKind kind, uint32_t i) {
        return kinds[kind].judge(sample, sample_get_row(sample, kinds[kind].table, i));
}

void troubles_find(const Sample *sample, TroubleKind kind, Troubles *ret) {
        double badness[TROUBLES_NAMED_MAX];
        Troubles found = { 0 };

        assert(sample);
        assert(ret);

        for (uint32_t i = 0; i < sample_count_rows(sample, kinds[kind].table); i++) {
                double bad = trouble_judge(sample, kind, i);
                uint32_t at = MIN(found.n, (uint32_t)TROUBLES_NAMED_MAX);

                if (bad <= 0)
                        continue;

                found.n++;
                for (; at > 0 && badness[at - 1] < bad; at--)
                        if (at < TROUBLES_NAMED_MAX) {
                                badness[at] = badness[at - 1];
                                found.rows[at] = found.rows[at - 1];
                        }
                if (at < TROUBLES_NAMED_MAX) {
                        badness[at] = bad;
                        found.rows[at] = i;
                }
        }

        *ret = found;
}

bool troubles_has_certain(const Sample *sample) {
        Troubles troubles;

        for (TroubleKind kind = 0; kind < _TROUBLES_CERTAIN; kind++) {
                troubles_find(sample, kind, &troubles);
                if (troubles.n > 0)
                        return true;
        }

        return false;
}
