/* SPDX-License-Identifier: Apache-2.0 */

/* Which walk over all TCP sockets comes with this sample */

#include <assert.h>

#include "collect/walk.h"

/* After so many failures the pause is no longer doubled: 17 minutes. */
#define WALK_RETRIES_DOUBLED 10U

/* Parts of the budget. A leak or a flood shows in the rare states, so these are counted the most often: for
 * a seventh of the cost, nine times as often as all that is in a full walk. */
static const double walk_parts[_WALKS] = {
        [WALK_RARE] = 0.5,
        [WALK_FULL] = 0.4,
        [WALK_ALL] = 0.1,
};

static bool walk_is_due(const WalkPlan *plan, Walk walk, usec_t now_usec, uint32_t budget_millionths) {
        double share = (double)budget_millionths / WALK_BUDGET_ONE * walk_parts[walk];
        double wait_usec = (double)plan->cost_nsec[walk] / (double)NSEC_PER_USEC / share;

        if (walk == WALK_ALL && plan->made_usec[walk] == 0)
                return plan->first_usec > 0 &&
                       (double)(now_usec - plan->first_usec) >=
                               (double)plan->cost_nsec[WALK_FULL] / (double)NSEC_PER_USEC / share;

        return plan->made_usec[walk] == 0 || now_usec < plan->made_usec[walk] ||
               (double)(now_usec - plan->made_usec[walk]) >= wait_usec;
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
        plan->first_usec = plan->first_usec > 0 ? plan->first_usec : now_usec;
        plan->made_usec[walk] = now_usec;
        plan->cost_nsec[walk] = cost_nsec;

        /* It answered what smaller ones ask too. What these cost stays as it was; the full one no more than
         * this, and how little the rare one costs is found out at once. */
        for (Walk smaller = WALK_RARE; smaller < walk; smaller++) {
                if (smaller == WALK_FULL && plan->cost_nsec[smaller] == 0)
                        plan->cost_nsec[smaller] = cost_nsec;
                if (plan->cost_nsec[smaller] > 0)
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
