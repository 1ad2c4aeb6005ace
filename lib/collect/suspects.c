/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which process of a unit does not close its connections
 *
 *     idle ──▶ gather: the next walk tells inodes ──▶ search, over some samples ──▶ idle
 */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/id_map.h"
#include "collect/share.h"
#include "collect/suspects.h"
#include "kernel/proc_fd.h"

/* How often to look into the units that stand out. */
#define SUSPECTS_PERIOD_USEC (10 * USEC_PER_SEC)

/* Sockets that are searched for, of all suspects. */
#define SUSPECTS_INODES_MAX 8192

/* Descriptors read in a second, at about two microseconds each, and at once after a rest; what is begun of a
 * process is read to its end. So a process of a thousand is looked into every ten seconds. */
#define SUSPECTS_PER_SEC 100
#define SUSPECTS_BURST   8192

/* Descriptors read of one process. */
#define SUSPECTS_OF_PROCESS_MAX 4096

typedef enum SuspectsPhase {
        SUSPECTS_IDLE,
        SUSPECTS_GATHER,
        SUSPECTS_SEARCH,
} SuspectsPhase;

struct Suspects {
        const Sources *sources;
        Units *units;
        const Processes *processes;

        SuspectsPhase phase;
        usec_t began_usec; /* when this round began */
        Share share;       /* of descriptors to be read */
        pid_t last_pid;    /* of the search */
        IdMap *inodes;     /* to the index of the unit */
        uint64_t n_found;  /* in the process that is being searched */

        size_t n_units;
        Unit *looked_into[SUSPECTS_MAX];
        Suspect found[SUSPECTS_MAX]; /* by this round, so far */

        Instant gathered_at; /* the walk of this round */
        Instant told_at;     /* that of the round which told */
        size_t n_told;
        Suspect told[SUSPECTS_MAX];
};

int suspects_new(const Sources *sources, Units *units, const Processes *processes, Suspects **ret) {
        _cleanup_(suspects_freep) Suspects *suspects = NULL;
        int r;

        assert(sources && units && processes);
        assert(ret);

        suspects = calloc(1, sizeof *suspects);
        if (!suspects)
                return -ENOMEM;

        suspects->sources = sources;
        suspects->units = units;
        suspects->processes = processes;
        r = id_map_new(SUSPECTS_INODES_MAX, &suspects->inodes);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(suspects);
        return 0;
}

Suspects *suspects_free(Suspects *suspects) {
        if (!suspects)
                return NULL;

        suspects->inodes = id_map_free(suspects->inodes);
        free(suspects);
        return NULL;
}

void suspects_clear(Suspects *suspects) {
        suspects->phase = SUSPECTS_IDLE;
        suspects->began_usec = 0;
        suspects->n_told = suspects->n_units = 0;
}

size_t suspects_count(const Suspects *suspects) {
        return suspects->n_told;
}

const Suspect *suspects_get(const Suspects *suspects, size_t i) {
        assert(i < suspects->n_told);

        return &suspects->told[i];
}

Instant suspects_counted_at(const Suspects *suspects) {
        return suspects->told_at;
}

static size_t suspects_find_unit(const Suspects *suspects, const Unit *unit) {
        size_t i = 0;

        while (i < suspects->n_units && suspects->looked_into[i] != unit)
                i++;
        return i;
}

void suspects_add(Suspects *suspects, const Unit *unit, uint64_t inode) {
        size_t i = suspects_find_unit(suspects, unit);

        if (suspects->phase == SUSPECTS_GATHER && i < suspects->n_units)
                (void)id_map_put(suspects->inodes, inode, (uint32_t)i);
}

/* ---- choosing ---- */

static uint64_t unit_count_leaked(const Unit *unit) {
        return unit->row.n_close_wait_accepted;
}

static void suspects_consider(Suspects *suspects, Unit *unit) {
        size_t i = suspects->n_units;

        if (unit_count_leaked(unit) < SUSPECTS_CLOSE_WAIT_MIN)
                return;

        while (i > 0 && unit_count_leaked(suspects->looked_into[i - 1]) < unit_count_leaked(unit))
                i--;
        if (i == SUSPECTS_MAX)
                return;

        suspects->n_units = MIN(suspects->n_units + 1, (size_t)SUSPECTS_MAX);
        for (size_t k = suspects->n_units - 1; k > i; k--)
                suspects->looked_into[k] = suspects->looked_into[k - 1];
        suspects->looked_into[i] = unit;
}

static void suspects_begin(Suspects *suspects, usec_t now_usec) {
        suspects->began_usec = now_usec;
        suspects->n_units = 0;
        for (size_t i = 0; i < units_count(suspects->units); i++) {
                Unit *unit = units_get(suspects->units, i);

                unit->is_suspect = false;
                if (unit != units_unattributed(suspects->units))
                        suspects_consider(suspects, unit);
        }

        id_map_clear(suspects->inodes);
        memset(suspects->found, 0, sizeof suspects->found);
        for (size_t i = 0; i < suspects->n_units; i++) {
                suspects->looked_into[i]->is_suspect = true;
                suspects->found[i].key = (ProcessKey){ 0 };
                memcpy(suspects->found[i].key.unit, suspects->looked_into[i]->row.key.unit, UNIT_NAME_SIZE);
        }
        suspects->phase = suspects->n_units > 0 ? SUSPECTS_GATHER : SUSPECTS_IDLE;
}

/* ---- searching ---- */

static int suspects_on_socket(unsigned fd, uint64_t inode, void *userdata) {
        Suspects *suspects = userdata;

        suspects->n_found += id_map_find(suspects->inodes, inode) != ID_MAP_NONE;
        return 0;
}

static void suspects_note(Suspects *suspects, size_t i, const Process *process, uint64_t n_close_wait) {
        Suspect *suspect = &suspects->found[i];

        if (n_close_wait <= suspect->n_close_wait)
                return;

        suspect->pid = process->pid;
        suspect->n_close_wait = n_close_wait;
        memcpy(suspect->key.process, process->name, sizeof suspect->key.process);
}

/* Returns how many descriptors were read. One that may not be looked at is passed over. */
static size_t suspects_look(Suspects *suspects, const Process *process) {
        size_t i = suspects_find_unit(suspects, process->unit), n_read = 0;
        const Unit *unit = process->unit;
        int r;

        if (i == suspects->n_units)
                return 0;

        if (unit->row.n_processes == 1 && !processes_are_hidden(suspects->processes)) {
                suspects_note(suspects, i, process, unit_count_leaked(unit));
                return 0;
        }

        suspects->n_found = 0;
        r = proc_fd_list_sockets(suspects->sources->proc_fd, process->pid, SUSPECTS_OF_PROCESS_MAX,
                                 suspects_on_socket, suspects, &n_read);
        if (r == 0)
                suspects_note(suspects, i, process, suspects->n_found);
        return n_read + 1;
}

static void suspects_tell(Suspects *suspects) {
        suspects->told_at = suspects->gathered_at;
        suspects->n_told = 0;
        for (size_t i = 0; i < suspects->n_units; i++)
                if (suspects->found[i].n_close_wait > 0)
                        suspects->told[suspects->n_told++] = suspects->found[i];
}

static void suspects_search(Suspects *suspects) {
        for (size_t i = 0; i < processes_count(suspects->processes); i++) {
                const Process *process = processes_get(suspects->processes, i);

                if (process->pid <= suspects->last_pid || !process->unit)
                        continue;
                if (!share_has_left(&suspects->share))
                        return;
                share_take(&suspects->share, suspects_look(suspects, process));
                suspects->last_pid = process->pid;
        }

        suspects_tell(suspects);
        suspects->phase = SUSPECTS_IDLE;
}

/* What was told of a unit that has let go of its connections since is no longer true. */
static void suspects_forget(Suspects *suspects) {
        size_t n = 0;

        for (size_t i = 0; i < suspects->n_told; i++) {
                const Unit *unit = units_get_named(suspects->units, suspects->told[i].key.unit);

                if (unit && unit_count_leaked(unit) >= SUSPECTS_CLOSE_WAIT_MIN)
                        suspects->told[n++] = suspects->told[i];
        }
        suspects->n_told = n;
}

void suspects_step(Suspects *suspects, bool was_walked, Instant now) {
        usec_t now_usec = now.boottime_usec;

        assert(suspects);

        /* A unit may have one process that is known and many that are not, until then. */
        if (!processes_is_complete(suspects->processes))
                return;

        share_begin(&suspects->share, now_usec, SUSPECTS_PER_SEC, SUSPECTS_BURST);
        suspects_forget(suspects);
        for (size_t i = 0; i < suspects->n_units; i++)
                units_touch(suspects->looked_into[i], units_number(suspects->units));
        switch (suspects->phase) {
        case SUSPECTS_IDLE:
                if (suspects->n_units == 0 || now_usec - suspects->began_usec >= SUSPECTS_PERIOD_USEC)
                        suspects_begin(suspects, now_usec);
                break;
        case SUSPECTS_GATHER:
                if (!was_walked)
                        break;
                suspects->gathered_at = now;
                suspects->last_pid = 0;
                suspects->phase = SUSPECTS_SEARCH;
                suspects_search(suspects);
                break;
        case SUSPECTS_SEARCH:
                suspects_search(suspects);
                break;
        }
}
