/* SPDX-License-Identifier: Apache-2.0 */

/* All collectors, run once per sample */

#include <assert.h>
#include <errno.h>

#include "collect/collection.h"
#include "collect/collector.h"
#include "collect/top_processes.h"

/* In the order in which they run: processes first, as owners are searched among them; the limits before all
 * that build on the range of ports; what must be true of one moment stands together; the long walk last,
 * which builds on the listeners.
 */
static const Collector *const collectors[] = {
        &processes_collector, &limits_collector, &netstat_collector, &sockstat_collector, &listen_collector,
        &unix_collector,      &udp_collector,    &fd_collector,      &self_collector,     &tcp_collector,
};

typedef struct CollectorState {
        bool is_open;
        void *state;
        CollectorReport report; /* of the last time that it asked the kernel */
        Instant success;        /* the last time that it was answered */
        usec_t asked_usec;      /* when that was, by CLOCK_BOOTTIME */
        uint64_t cpu_nsec;      /* what that took */
        uint64_t last_cpu_nsec; /* and the time before; 0: there was none */
} CollectorState;

/* Of a second: what a table of sockets may cost, other than that of TCP. */
#define TABLE_PART 0.05

/* What walks of one kind took since the start. */
typedef struct WalkTally {
        uint64_t n;
        uint64_t cpu_nsec;
} WalkTally;

struct Collection {
        CollectContext context;
        collection_before_costly_fn before_costly; /* NULL: nobody wants to know */
        sock_diag_pause_fn pause;
        void *userdata;
        bool asks_all; /* every collector in this sample, be its budget what it may */
        WalkPlan plan;
        WalkTally tallies[2]; /* of rare walks, and of all larger ones */
        CollectorState states[ELEMENTSOF(collectors)];
};

static int collection_init(Collection *collection, const Sources *sources) {
        CollectContext *context = &collection->context;
        int r;

        context->sources = sources;
        r = units_new(sources, &context->units);
        if (r < 0)
                return r;

        r = processes_new(sources, context->units, &context->processes);
        if (r < 0)
                return r;

        r = owners_new(sources, context->units, context->processes, &context->owners);
        if (r < 0)
                return r;

        r = suspects_new(sources, context->units, context->processes, &context->suspects);
        if (r < 0)
                return r;

        return listeners_new(&context->listeners);
}

int collection_new(const Sources *sources, Collection **ret) {
        _cleanup_(collection_freep) Collection *collection = NULL;
        int r;

        assert(sources);
        assert(ret);

        collection = calloc(1, sizeof *collection);
        if (!collection)
                return -ENOMEM;

        r = collection_init(collection, sources);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(collection);
        return 0;
}

static void collection_close(Collection *collection, size_t i) {
        CollectorState *state = &collection->states[i];

        if (collectors[i]->close && state->is_open)
                collectors[i]->close(state->state);
        state->state = NULL;
        state->is_open = false;
}

Collection *collection_free(Collection *collection) {
        if (!collection)
                return NULL;

        for (size_t i = 0; i < ELEMENTSOF(collectors); i++)
                collection_close(collection, i);

        collection->context.listeners = listeners_free(collection->context.listeners);
        collection->context.suspects = suspects_free(collection->context.suspects);
        collection->context.owners = owners_free(collection->context.owners);
        collection->context.processes = processes_free(collection->context.processes);
        collection->context.units = units_free(collection->context.units);
        free(collection);
        return NULL;
}

static int collection_ask(Collection *collection, size_t i, Sample *sample) {
        CollectorState *state = &collection->states[i];
        int r;

        if (!state->is_open) {
                if (collectors[i]->open) {
                        r = collectors[i]->open(&collection->context, &state->state);
                        if (r < 0)
                                return r;
                }
                state->is_open = true;
        }

        return collectors[i]->collect(state->state, sample);
}

/* Nothing of a failed answer may pass for a measurement. */
static void collection_take_back(CollectorId id, Sample *sample) {
        for (unsigned value = 0; value < _VALUE_ROOM; value++)
                if (value_infos[value].name && value_infos[value].collector == id)
                        sample_unset(sample, value);

        for (TableId table = 0; table < _TABLES; table++)
                if (table_infos[table].collector == id)
                        *sample_row_count(sample, table) = 0;
}

/* What a collector that failed had added to units before it did must not pass for all. A row of which
 * nothing is left goes. */
static void collection_take_back_units(Sample *sample) {
        bool has_tcp = sample->reports[COLLECTOR_TCP].error == 0,
             has_processes = sample->reports[COLLECTOR_PROCESSES].error == 0;
        uint32_t n = 0;

        if (has_tcp && has_processes)
                return;

        for (uint32_t i = 0; i < sample->n_units; i++) {
                UnitRow *row = &sample->units[n];

                *row = sample->units[i];
                if (!has_tcp)
                        unit_row_forget_sockets(row, WALK_ALL);
                if (!has_processes)
                        unit_row_forget_processes(row);
                n += unit_row_count_sockets(row) > 0 || row->n_processes > 0;
        }
        sample->n_units = n;
}

/* What walks found before they were turned off would grow old and never be renewed. */
static void collection_end_walks(Collection *collection) {
        for (size_t i = 0; i < ELEMENTSOF(collectors); i++)
                if (collectors[i]->cost == COLLECTOR_COST_WALK) {
                        uint64_t n_failures = collection->states[i].report.n_failures;

                        collection_close(collection, i);
                        collection->states[i].report = (CollectorReport){ .n_failures = n_failures };
                        collection->states[i].success = (Instant){ 0 };
                }

        collection->plan = (WalkPlan){ 0 };
        units_begin_walk(collection->context.units, WALK_ALL);
        listeners_begin_walk(collection->context.listeners, WALK_ALL);
        suspects_clear(collection->context.suspects);
}

static void collection_begin(Collection *collection, const Bounds *bounds, Walk walk, Sample *sample) {
        CollectContext *context = &collection->context;

        sample_clear(sample);
        sample->realtime_usec = clock_usec(CLOCK_REALTIME);
        sample->boottime_usec = clock_usec(CLOCK_BOOTTIME);

        context->bounds = bounds;
        context->walk = walk;
        context->now_usec = sample->boottime_usec;
        units_begin(context->units);
        owners_begin(context->owners, context->now_usec, context->is_hurried);
}

/* What several collectors have a part in. */
static void collection_end(const Collection *collection, Sample *sample) {
        const CollectContext *context = &collection->context;

        units_make_rows(context->units, context->bounds, sample);
        collection_take_back_units(sample);
        if (sample->reports[COLLECTOR_PROCESSES].error == 0)
                top_processes_make_rows(context->processes, context->suspects, context->bounds, sample);
        owners_report(context->owners, sample);
        sample_set(sample, VALUE_WALKS_RARE, collection->tallies[0].n);
        sample_set(sample, VALUE_WALKS_FULL, collection->tallies[1].n);
        sample_set(sample, VALUE_WALKS_RARE_CPU_USEC, collection->tallies[0].cpu_nsec / NSEC_PER_USEC);
        sample_set(sample, VALUE_WALKS_FULL_CPU_USEC, collection->tallies[1].cpu_nsec / NSEC_PER_USEC);
        sample_set(sample, VALUE_WALK_BUDGET, context->bounds->walk_budget_millionths);
        sample_set(sample, VALUE_NETLINK_REOPENS, sock_diag_reopens(context->sources->sock_diag));
}

/* Asks one collector, and keeps what is to be reported of that. */
static void collection_run_collector(Collection *collection, size_t i, Sample *sample) {
        CollectorState *state = &collection->states[i];
        uint64_t begin_nsec = clock_nsec(CLOCK_MONOTONIC);
        Instant begin = { clock_usec(CLOCK_REALTIME), clock_usec(CLOCK_BOOTTIME) };
        int r;

        r = collection_ask(collection, i, sample);
        if (r < 0)
                collection_take_back(collectors[i]->id, sample);

        state->report = (CollectorReport){
                .is_present = true,
                .is_incomplete = r > 0,
                .error = MIN(r, 0),
                .n_failures = state->report.n_failures + (r < 0),
                .duration_nsec = clock_nsec(CLOCK_MONOTONIC) - begin_nsec,
        };
        if (r >= 0)
                state->success = begin;
}

/* What it found the last time is told again; or nothing, if it failed, and why stands in its report. */
static void collection_repeat_collector(Collection *collection, size_t i, Sample *sample) {
        CollectorState *state = &collection->states[i];

        if (!state->report.is_present || state->report.error < 0)
                return;

        collection->context.is_repeat = true;
        state->report.is_incomplete = collection_ask(collection, i, sample) > 0;
        collection->context.is_repeat = false;
}

/* CPU time of this thread, without that of searches for owners. */
static uint64_t collection_cpu_nsec(const Collection *collection) {
        return clock_nsec(CLOCK_THREAD_CPUTIME_ID) - owners_cpu_nsec(collection->context.owners);
}

/* Runs one that is not asked at every tick, and keeps what it costs. @expected_nsec: 0 if nobody knows. */
static void collection_run_costly(Collection *collection, size_t i, uint64_t expected_nsec, Sample *sample) {
        CollectorState *state = &collection->states[i];
        uint64_t cpu_nsec;

        if (collection->before_costly)
                collection->before_costly(expected_nsec > 0 ? expected_nsec : UINT64_MAX,
                                          collection->userdata);

        cpu_nsec = collection_cpu_nsec(collection);
        sock_diag_set_pause(collection->context.sources->sock_diag, collection->pause, collection->userdata);
        collection_run_collector(collection, i, sample);
        sock_diag_set_pause(collection->context.sources->sock_diag, NULL, NULL);
        state->last_cpu_nsec = state->cpu_nsec;
        state->cpu_nsec = collection_cpu_nsec(collection) - cpu_nsec;
        state->asked_usec = collection->context.now_usec;
}

/* Whether its part of the budget has paid for it: the less of the last two times, as the first one touches
 * memory that no other does. It has the default's where there are no walks.
 */
static bool collection_pays_table(const Collection *collection, const CollectorState *state) {
        uint32_t budget = collection->context.bounds->walk_budget_millionths;
        double share = (double)(budget > 0 ? budget : bounds_default.walk_budget_millionths) /
                       WALK_BUDGET_ONE * TABLE_PART;
        usec_t now = collection->context.now_usec;

        return collection->asks_all || now < state->asked_usec ||
               (double)(now - state->asked_usec) * share >=
                       (double)MIN(state->cpu_nsec, state->last_cpu_nsec) / (double)NSEC_PER_USEC;
}

static void collection_run_table(Collection *collection, size_t i, Sample *sample) {
        const CollectorState *state = &collection->states[i];

        if (collection_pays_table(collection, state))
                collection_run_costly(collection, i, state->cpu_nsec, sample);
        else
                collection_repeat_collector(collection, i, sample);
}

static void collection_run_walker(Collection *collection, size_t i, Sample *sample) {
        const CollectContext *context = &collection->context;
        const CollectorState *state = &collection->states[i];
        WalkTally *tally = &collection->tallies[walk_is_full(context->walk)];

        if (context->walk == WALK_NONE) {
                collection_repeat_collector(collection, i, sample);
                return;
        }

        collection_run_costly(collection, i, collection->plan.cost_nsec[context->walk], sample);
        if (state->report.error < 0)
                walk_plan_fail(&collection->plan, context->walk, context->now_usec, state->cpu_nsec);
        else
                walk_plan_charge(&collection->plan, context->walk, context->now_usec, state->cpu_nsec);
        tally->cpu_nsec += state->cpu_nsec;
        tally->n++;
}

static void (*const run_by_cost[])(Collection *collection, size_t i, Sample *sample) = {
        [COLLECTOR_COST_TICK] = collection_run_collector,
        [COLLECTOR_COST_TABLE] = collection_run_table,
        [COLLECTOR_COST_WALK] = collection_run_walker,
};

static void collection_report(const CollectorState *state, const Sample *sample, CollectorReport *ret) {
        *ret = state->report;
        ret->last_success_usec = instant_tell(state->success, sample_instant(sample));
}

static void collection_take_sample(Collection *collection, const Bounds *bounds, Walk walk, Sample *sample) {
        collection_begin(collection, bounds, walk, sample);

        for (size_t i = 0; i < ELEMENTSOF(collectors); i++) {
                run_by_cost[collectors[i]->cost](collection, i, sample);
                collection_report(&collection->states[i], sample, &sample->reports[collectors[i]->id]);
        }

        collection_end(collection, sample);
}

void collection_run(Collection *collection, const Bounds *bounds, Sample *sample) {
        Walk walk;

        assert(collection);
        assert(bounds);
        assert(sample);

        walk = walk_plan_choose(&collection->plan, clock_usec(CLOCK_BOOTTIME),
                                bounds->walk_budget_millionths);
        if (bounds->walk_budget_millionths == 0)
                collection_end_walks(collection);

        collection->asks_all = false;
        collection_take_sample(collection, bounds, walk, sample);
}

void collection_run_walk(Collection *collection, const Bounds *bounds, Walk walk, Sample *sample) {
        assert(collection);
        assert(bounds);
        assert(sample);

        collection->asks_all = true;
        collection_take_sample(collection, bounds, walk, sample);
}

void collection_set_costly(Collection *collection,
                           collection_before_costly_fn before_costly,
                           sock_diag_pause_fn pause,
                           void *userdata) {
        assert(collection);

        collection->before_costly = before_costly;
        collection->pause = pause;
        collection->userdata = userdata;
}

void collection_hurry(Collection *collection) {
        collection->context.is_hurried = true;
}

bool collection_is_settled(const Collection *collection) {
        const CollectContext *context = &collection->context;

        return processes_is_complete(context->processes) && !owners_is_searching(context->owners);
}
