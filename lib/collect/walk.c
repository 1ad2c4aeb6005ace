/* SPDX-License-Identifier: Apache-2.0 */

/* Which walk over all TCP sockets comes with this sample */

#include <assert.h>

#include "collect/walk.h"

/* After so many failures the pause is no longer doubled: eight and a half minutes. */
#define WALK_RETRIES_DOUBLED 10U

/* A rare walk is taken for that part of a larger one before the first is made: with cold caches, as then. */
#define WALK_RARE_DIVISOR 2

/* Parts of the budget. A leak or a flood shows in the rare states, so these are counted the most often: for
 * a seventh to a half of the cost, three to nine times as often as all that is in a full walk. The tables of
 * UNIX and UDP have the rest (collection.c). */
static const double walk_parts[_WALKS] = {
        [WALK_RARE] = 0.45,
        [WALK_FULL] = 0.35,
        [WALK_ALL] = 0.1,
};

/* How much of its part a rare walk has while the first one is not made up for. */
#define WALK_PART_OWING 0.5

/* How long it takes that share of a core to pay for that. */
static double walk_payment_usec(uint64_t cost_nsec, double share) {
        return (double)cost_nsec / (double)NSEC_PER_USEC / share;
}

/* For how much of the time between these the first walk is not made up for. */
static double walk_owing_usec(const WalkPlan *plan, usec_t begin_usec, usec_t end_usec, double budget) {
        double owing_usec =
                walk_payment_usec(plan->first_nsec, budget) - (double)(begin_usec - plan->first_usec);

        return MIN(MAX(owing_usec, 0.0), (double)(end_usec - begin_usec));
}

static bool walk_is_due(const WalkPlan *plan, Walk walk, usec_t now_usec, uint32_t budget_millionths) {
        double budget = (double)budget_millionths / WALK_BUDGET_ONE, share = budget * walk_parts[walk],
               since_usec;

        if (plan->first_usec == 0)
                return walk == WALK_FULL;
        if (now_usec < plan->made_usec[walk] || now_usec < plan->first_usec)
                return true;
        if (walk == WALK_ALL && plan->made_usec[walk] == 0)
                return (double)(now_usec - plan->first_usec) >=
                       walk_payment_usec(plan->cost_nsec[WALK_FULL], share);

        since_usec = (double)(now_usec - plan->made_usec[walk]);
        if (walk == WALK_RARE)
                since_usec -= (1 - WALK_PART_OWING) *
                              walk_owing_usec(plan, plan->made_usec[walk], now_usec, budget);
        return since_usec >= walk_payment_usec(plan->cost_nsec[walk], share);
}

Walk walk_plan_choose(const WalkPlan *plan, usec_t now_usec, uint32_t budget_millionths) {
        assert(plan);
        assert(budget_millionths <= WALK_BUDGET_ONE);

        if (budget_millionths == 0)
                return WALK_NONE;
        if (plan->failed != WALK_NONE && now_usec >= plan->retry_usec)
                return plan->failed;

        for (Walk walk = WALK_ALL; walk > WALK_NONE; walk--)
                if (walk_is_due(plan, walk, now_usec, budget_millionths) && walk >= plan->failed)
                        return walk;
        return WALK_NONE;
}

void walk_plan_charge(WalkPlan *plan, Walk walk, usec_t now_usec, uint64_t cost_nsec) {
        assert(plan);
        assert(walk > WALK_NONE && walk < _WALKS);

        plan->failed = WALK_NONE;
        plan->n_failed = 0;
        if (plan->first_usec == 0) {
                plan->first_usec = now_usec;
                plan->first_nsec = cost_nsec;
        }
        plan->made_usec[walk] = now_usec;
        plan->cost_nsec[walk] = cost_nsec;

        /* It answered what smaller ones ask too. What these cost stays as it was, or is guessed. */
        for (Walk smaller = WALK_RARE; smaller < walk; smaller++) {
                if (plan->cost_nsec[smaller] == 0)
                        plan->cost_nsec[smaller] =
                                smaller == WALK_RARE ? cost_nsec / WALK_RARE_DIVISOR : cost_nsec;
                plan->made_usec[smaller] = now_usec;
        }
}

void walk_plan_fail(WalkPlan *plan, Walk walk, usec_t now_usec, uint64_t cost_nsec) {
        unsigned n_failed = plan->n_failed;

        /* What it cost until then says little of what a whole one does. */
        walk_plan_charge(plan, walk, now_usec, MAX(cost_nsec, plan->cost_nsec[walk]));
        plan->failed = walk;
        plan->n_failed = MIN(n_failed + 1, WALK_RETRIES_DOUBLED);
        plan->retry_usec = now_usec + (USEC_PER_SEC << (plan->n_failed - 1));
}
