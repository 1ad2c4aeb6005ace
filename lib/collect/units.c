/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Units: from a cgroup to a name, and what one sample counts for it
 *
 *     cgroup id ──▶ cgroups[] ──▶ units[] ◀── names[] ◀── name
 *
 * Several cgroups lead to one unit where a service has cgroups of its own below
 * it. Nothing is thrown out until there is no room; then what was not met for a
 * minute of samples is, and both ways in are filled anew.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/id_map.h"
#include "base/sort.h"
#include "collect/selection.h"
#include "collect/units.h"
#include "kernel/cgroup_tree.h"
#include "kernel/cgroup_unit.h"

/* Reading the tree may take one part in this of the time: of 5,000 cgroups it takes eleven milliseconds
 * (kernel/cgroup_tree.h), which it may every five seconds. */
#define UNITS_REFRESH_PART 400

/* Samples in which a unit is not met before it may be thrown out. */
#define UNITS_KEPT_SAMPLES 60

#define UNITS_NAME_SLOTS   (4 * UNITS_TRACKED_MAX)

/* Of units that have no room; the index behind the last one that has. */
#define UNIT_OVERFLOW UNITS_TRACKED_MAX

typedef struct Cgroup {
        uint64_t id;
        uint32_t unit;
        uint64_t last_used; /* number of the sample */
} Cgroup;

struct Units {
        const Sources *sources;
        int tree_fd; /* -1: none was found yet */
        uint64_t number;
        uint64_t full_walk;    /* number of the sample with which the last one came; 0: there was none */
        uint64_t refresh_nsec; /* CLOCK_MONOTONIC before which the tree is not read again */
        uint64_t n_truncated;  /* how often a cgroup, or a process, found no room, since the start */
        uint64_t n_too_deep;   /* cgroups that were not found, as parts of the tree are too deep to read */
        bool is_tree_cut;      /* when it was read last, it had such parts */
        bool was_tree_read;    /* it was tried */
        int tree_error;        /* of the last time */
        bool is_crowded;       /* something found no room, or had found none, in the last sample */
        bool had_other;

        Unit *unattributed;

        uint32_t n_cgroups;
        IdMap *cgroup_map; /* id to index */
        Cgroup cgroups[CGROUPS_TRACKED_MAX];

        uint64_t seed;                    /* of the hash of names */
        uint32_t names[UNITS_NAME_SLOTS]; /* index + 1, by hash of the name; 0: free */
        uint32_t n_units;                 /* slots below this were used at some time */
        uint32_t n_free;                  /* of those, the ones that have no name now */
        Unit units[UNITS_TRACKED_MAX + 1];
        Candidate candidates[UNITS_TRACKED_MAX];
};

static Unit *units_add(Units *units, const char *name);

int units_new(const Sources *sources, Units **ret) {
        _cleanup_(units_freep) Units *units = NULL;
        int r;

        assert(sources);
        assert(ret);

        units = calloc(1, sizeof *units);
        if (!units)
                return -ENOMEM;

        units->sources = sources;
        units->tree_fd = -1;
        if (getrandom(&units->seed, sizeof units->seed, 0) != sizeof units->seed)
                return -errno;

        r = id_map_new(CGROUPS_TRACKED_MAX, &units->cgroup_map);
        if (r < 0)
                return r;

        units->unattributed = units_add(units, UNIT_UNATTRIBUTED);
        strcpy(units_overflow(units)->row.key.unit, UNIT_OTHER);
        *ret = TAKE_PTR(units);
        return 0;
}

Units *units_free(Units *units) {
        if (!units)
                return NULL;

        units->cgroup_map = id_map_free(units->cgroup_map);
        units->tree_fd = close_fd(units->tree_fd);
        free(units);
        return NULL;
}

uint64_t units_number(const Units *units) {
        return units->number;
}

Unit *units_unattributed(Units *units) {
        return units->unattributed;
}

Unit *units_overflow(Units *units) {
        return &units->units[UNIT_OVERFLOW];
}

/* ---- by name ---- */

/* The slot in which a name stands, or would. */
static uint32_t *units_seek_name(Units *units, const char *name) {
        size_t at = hash_bytes(name, strlen(name), units->seed) % UNITS_NAME_SLOTS;

        while (units->names[at] > 0 && strcmp(units->units[units->names[at] - 1].row.key.unit, name) != 0)
                at = (at + 1) % UNITS_NAME_SLOTS;
        return &units->names[at];
}

size_t units_count(const Units *units) {
        return units->n_units;
}

Unit *units_get(Units *units, size_t i) {
        assert(i < units->n_units);

        return &units->units[i];
}

Unit *units_get_named(Units *units, const char *name) {
        uint32_t slot = *units_seek_name(units, name);

        return slot > 0 ? &units->units[slot - 1] : NULL;
}

/* A slot without a name, or NULL. */
static Unit *units_take_slot(Units *units) {
        if (units->n_units < UNITS_TRACKED_MAX)
                return &units->units[units->n_units++];

        for (uint32_t i = 0; i < units->n_units && units->n_free > 0; i++)
                if (units->units[i].row.key.unit[0] == '\0') {
                        units->n_free--;
                        return &units->units[i];
                }

        return NULL;
}

/* "init.scope" and "user@1000.service/init.scope"; paths that are no units begin with "/". */
static bool name_is_manager(const char *name) {
        const char *unit = strchr(name, '/');

        return strcmp(unit ? unit + 1 : name, "init.scope") == 0 && unit != name;
}

static bool name_is_socket(const char *name) {
        size_t size = strlen(name), n_suffix = strlen(".socket");

        return size > n_suffix && name[0] != '/' && strcmp(name + size - n_suffix, ".socket") == 0;
}

/* The unit of that name, or that of units that have no room. */
static Unit *units_add(Units *units, const char *name) {
        uint32_t *slot = units_seek_name(units, name);
        Unit *unit;

        if (*slot > 0)
                return &units->units[*slot - 1];

        unit = units_take_slot(units);
        if (!unit) {
                units->is_crowded = true;
                units->n_truncated++;
                return units_overflow(units);
        }

        memset(unit, 0, sizeof *unit);
        memcpy(unit->row.key.unit, name, strnlen(name, sizeof unit->row.key.unit - 1));
        unit->id = hash_bytes(name, strlen(name), units->seed);
        unit->is_manager = name_is_manager(name);
        unit->is_socket = name_is_socket(name);
        unit->last_used = units->number;
        *slot = (uint32_t)(unit - units->units) + 1;
        return unit;
}

Unit *units_find_path(Units *units, const char *path, size_t size) {
        char name[UNIT_NAME_SIZE];
        Unit *unit;

        assert(units);
        assert(path);

        cgroup_unit_name(path, size, name);
        unit = units_add(units, name);
        units_touch(unit, units->number);
        return unit;
}

/* ---- by cgroup ---- */

/* False if there is no room. */
static bool units_add_cgroup(Units *units, uint64_t id, const Unit *unit) {
        bool has_room = units->n_cgroups < CGROUPS_TRACKED_MAX &&
                        id_map_put(units->cgroup_map, id, units->n_cgroups);

        if (!has_room) {
                units->is_crowded = true;
                units->n_truncated++;
                return false;
        }

        units->cgroups[units->n_cgroups++] = (Cgroup){
                .id = id,
                .unit = (uint32_t)(unit - units->units),
                .last_used = units->number,
        };
        return true;
}

static int units_on_cgroup(uint64_t id, const char *path, size_t size, void *userdata) {
        Units *units = userdata;
        uint32_t index = id_map_find(units->cgroup_map, id);
        char name[UNIT_NAME_SIZE];
        const Unit *unit;

        if (index != ID_MAP_NONE && units->cgroups[index].unit != UNIT_OVERFLOW)
                return 0;

        cgroup_unit_name(path, size, name);
        unit = units_add(units, name);
        if (index == ID_MAP_NONE)
                (void)units_add_cgroup(units, id, unit);
        else
                units->cgroups[index].unit = (uint32_t)(unit - units->units);
        return 0;
}

/* Reads the tree, unless that was done just now. Returns whether it was read to its end. */
static bool units_refresh(Units *units) {
        uint64_t begin_nsec = clock_nsec(CLOCK_MONOTONIC), end_nsec;
        int r = -ENOENT;

        if (begin_nsec < units->refresh_nsec)
                return false;

        if (units->tree_fd < 0)
                r = cgroup_tree_open(units->sources->proc_fd, units->sources->sys_fd, &units->tree_fd);
        if (units->tree_fd >= 0)
                r = cgroup_tree_walk(units->tree_fd, units_on_cgroup, units);
        units->is_tree_cut = r > 0;
        units->was_tree_read = true;
        units->tree_error = MIN(r, 0);

        end_nsec = clock_nsec(CLOCK_MONOTONIC);
        units->refresh_nsec = end_nsec + UNITS_REFRESH_PART * (end_nsec - begin_nsec);
        return r >= 0;
}

/* The index of an id that was not known, or ID_MAP_NONE. */
static uint32_t units_learn_cgroup(Units *units, uint64_t id) {
        uint32_t index;

        if (!units_refresh(units))
                return ID_MAP_NONE;

        index = id_map_find(units->cgroup_map, id);
        if (index != ID_MAP_NONE)
                return index;

        /* Its socket was made before the tree was read, so it is gone, or out of sight, or too deep. */
        units->n_too_deep += units->is_tree_cut;
        return units_add_cgroup(units, id, units->unattributed) ? units->n_cgroups - 1 : ID_MAP_NONE;
}

static bool units_has_room(const Units *units) {
        return units->n_units < UNITS_TRACKED_MAX || units->n_free > 0;
}

/* A cgroup whose unit found no room: now there may be some. */
static void units_settle_cgroup(Units *units, Cgroup *cgroup) {
        units->is_crowded = true;
        if (units_has_room(units) && units_refresh(units) && cgroup->unit == UNIT_OVERFLOW &&
            units_has_room(units))
                /* It is gone by now. */
                cgroup->unit = (uint32_t)(units->unattributed - units->units);
}

Unit *units_find(Units *units, uint64_t cgroup_id) {
        uint32_t index = id_map_find(units->cgroup_map, cgroup_id);
        Unit *unit;

        if (index == ID_MAP_NONE) {
                index = units_learn_cgroup(units, cgroup_id);
                if (index == ID_MAP_NONE)
                        return units->unattributed;
        }
        if (units->cgroups[index].unit == UNIT_OVERFLOW)
                units_settle_cgroup(units, &units->cgroups[index]);

        unit = &units->units[units->cgroups[index].unit];
        units->cgroups[index].last_used = units->number;
        units_touch(unit, units->number);
        units->is_crowded |= unit == units_overflow(units);
        return unit;
}

/* ---- samples ---- */

uint64_t unit_row_count_sockets(const UnitRow *row) {
        uint64_t n = 0;

        for (unsigned i = 0; i < _STATES; i++)
                n += row->states[i];
        return n;
}

void unit_row_forget_sockets(UnitRow *row, Walk walk) {
        walk_clear_states(walk, row->states);
        if (walk_counts(walk, STATE_CLOSE_WAIT))
                row->n_close_wait_accepted = 0;
        if (walk_is_full(walk))
                row->receive_queue_bytes = row->send_queue_bytes = row->n_retransmitting = 0;
}

void unit_row_forget_processes(UnitRow *row) {
        row->n_processes = row->open_fds = row->worst_open_fds = row->worst_fd_limit = 0;
}

bool units_is_recent(const Units *units, uint64_t last_used) {
        return last_used + UNITS_KEPT_SAMPLES >= units->number ||
               (units->full_walk > 0 && last_used >= units->full_walk);
}

/* Throws out what was not met for long. */
static void units_sweep(Units *units) {
        uint32_t n_cgroups = 0;

        memset(units->names, 0, sizeof units->names);
        for (uint32_t i = 0; i < units->n_units; i++) {
                Unit *unit = &units->units[i];

                if (unit->row.key.unit[0] != '\0' && !units_is_recent(units, unit->last_used)) {
                        unit->row.key.unit[0] = '\0';
                        units->n_free++;
                }
                if (unit->row.key.unit[0] != '\0')
                        *units_seek_name(units, unit->row.key.unit) = i + 1;
        }

        id_map_clear(units->cgroup_map);
        for (uint32_t i = 0; i < units->n_cgroups; i++) {
                Cgroup cgroup = units->cgroups[i];

                if (!units_is_recent(units, cgroup.last_used) ||
                    (cgroup.unit != UNIT_OVERFLOW && units->units[cgroup.unit].row.key.unit[0] == '\0'))
                        continue;
                (void)id_map_put(units->cgroup_map, cgroup.id, n_cgroups);
                units->cgroups[n_cgroups++] = cgroup;
        }
        units->n_cgroups = n_cgroups;
}

void units_begin(Units *units) {
        assert(units);

        units->number++;
        units_touch(units->unattributed, units->number);

        if (units->is_crowded)
                units_sweep(units);
        units->is_crowded = false;

        for (uint32_t i = 0; i < units->n_units; i++) {
                units->units[i].had_processes = units->units[i].row.n_processes > 0;
                unit_row_forget_processes(&units->units[i].row);
                if (unit_row_count_sockets(&units->units[i].row) > 0)
                        units_touch(&units->units[i], units->number);
        }
        units_overflow(units)->had_processes = true;
        unit_row_forget_processes(&units_overflow(units)->row);
}

void units_begin_walk(Units *units, Walk walk) {
        assert(units);

        if (walk_is_full(walk))
                units->full_walk = units->number;
        for (uint32_t i = 0; i < units->n_units; i++)
                unit_row_forget_sockets(&units->units[i].row, walk);
        unit_row_forget_sockets(&units_overflow(units)->row, walk);
}

bool units_has_overflow_sockets(const Units *units) {
        return unit_row_count_sockets(&units->units[UNIT_OVERFLOW].row) > 0;
}

/* Those that have anything, but for the one that is always kept. */
static size_t units_list_candidates(Units *units) {
        size_t n = 0;

        for (uint32_t i = 0; i < units->n_units; i++) {
                const Unit *unit = &units->units[i];
                uint64_t n_sockets = unit_row_count_sockets(&unit->row);

                if (unit->row.key.unit[0] == '\0' || unit == units->unattributed)
                        continue;
                if (n_sockets > 0 || unit->row.n_processes > 0)
                        units->candidates[n++] = (Candidate){
                                .score = n_sockets + unit->row.open_fds,
                                .index = i,
                                .was_chosen = unit->is_chosen,
                        };
        }

        return n;
}

/* Adds what a unit counted to the row of many; a process of a fuller one takes the place of the worst. */
static void units_fold(UnitRow *other, const UnitRow *row) {
        bool is_worse = row->worst_fd_limit > 0 &&
                        (other->worst_fd_limit == 0 ||
                         (double)row->worst_open_fds / (double)row->worst_fd_limit >
                                 (double)other->worst_open_fds / (double)other->worst_fd_limit);

        for (unsigned i = 0; i < _STATES; i++)
                other->states[i] += row->states[i];
        other->receive_queue_bytes += row->receive_queue_bytes;
        other->send_queue_bytes += row->send_queue_bytes;
        other->n_retransmitting += row->n_retransmitting;
        other->n_close_wait_accepted += row->n_close_wait_accepted;
        other->n_processes += row->n_processes;
        other->open_fds += row->open_fds;
        if (is_worse) {
                other->worst_open_fds = row->worst_open_fds;
                other->worst_fd_limit = row->worst_fd_limit;
        }
}

/* Of pointers to rows. */
static int units_compare_rows(const void *left, const void *right, const void *userdata) {
        const UnitRow *const *a = left, *const *b = right;

        return memcmp(*a, *b, sizeof(UnitKey));
}

void units_make_rows(Units *units, const Bounds *bounds, Sample *sample) {
        size_t n = units_list_candidates(units),
               n_kept = selection_choose(units->candidates, n, bounds->n_units), n_rows = 0;
        UnitRow other = { .key.unit = UNIT_OTHER };
        const UnitRow *rows[UNITS_MAX + 2];

        for (uint32_t i = 0; i < units->n_units; i++)
                if (&units->units[i] != units->unattributed)
                        units->units[i].is_chosen = false;

        for (size_t i = 0; i < n; i++) {
                Unit *unit = &units->units[units->candidates[i].index];

                unit->is_chosen = i < n_kept;
                if (unit->is_chosen)
                        rows[n_rows++] = &unit->row;
                else
                        units_fold(&other, &unit->row);
        }
        units_fold(&other, &units_overflow(units)->row);

        units->had_other |= n > n_kept || units->n_truncated > 0;
        if (units->had_other)
                rows[n_rows++] = &other;

        units->unattributed->is_chosen |= unit_row_count_sockets(&units->unattributed->row) > 0 ||
                                          units->unattributed->row.n_processes > 0;
        if (units->unattributed->is_chosen)
                rows[n_rows++] = &units->unattributed->row;

        sort_in_place(rows, n_rows, sizeof *rows, units_compare_rows, /* userdata= */ NULL);
        for (size_t i = 0; i < n_rows; i++)
                sample->units[sample->n_units++] = *rows[i];
        sample_set(sample, VALUE_UNITS_FOLDED, n - n_kept);
        if (units->was_tree_read)
                sample_set(sample, VALUE_CGROUPS_READABLE, units->tree_error == 0);
        sample_set(sample, VALUE_UNITS_TRUNCATED, units->n_truncated + units->n_too_deep);
}
