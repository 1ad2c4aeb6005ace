/* SPDX-License-Identifier: Apache-2.0 */

/* Which walk over all TCP sockets comes with this sample */

#include <assert.h>

#include "collect/walk.h"

/* Parts of the budget. The rare walk costs a seventh of the full one, so it comes about ten
 * times as often: a leak or a flood shows in the rare states. */
static const double walk_parts[_WALKS] = {
        [WALK_RARE] = 0.6,
        [WALK_FULL] = 0.4,
};

static bool walk_is_due(const WalkPlan *plan, Walk walk, usec_t now_usec, uint32_t budget_millionths) {
        double share = (double)budget_millionths / WALK_BUDGET_ONE * walk_parts[walk];
        double wait_usec = (double)plan->cost_nsec[walk] / (double)NSEC_PER_USEC / share;

        return plan->made_usec[walk] == 0 || now_usec < plan->made_usec[walk] ||
               (double)(now_usec - plan->made_usec[walk]) >= wait_usec;
}

Walk walk_plan_choose(const WalkPlan *plan, usec_t now_usec, uint32_t budget_millionths) {
        assert(plan);
        assert(budget_millionths <= WALK_BUDGET_ONE);

        if (budget_millionths == 0)
                return WALK_NONE;
        if (walk_is_due(plan, WALK_FULL, now_usec, budget_millionths))
                return WALK_FULL;
        return walk_is_due(plan, WALK_RARE, now_usec, budget_millionths) ? WALK_RARE : WALK_NONE;
}

void walk_plan_charge(WalkPlan *plan, Walk walk, usec_t now_usec, uint64_t cost_nsec) {
        assert(plan);
        assert(walk == WALK_RARE || walk == WALK_FULL);

        plan->made_usec[walk] = now_usec;
        plan->cost_nsec[walk] = cost_nsec;

        /* It told the rare states too. What a rare walk alone would have cost stays as it was. */
        if (walk == WALK_FULL && plan->cost_nsec[WALK_RARE] > 0)
                plan->made_usec[WALK_RARE] = now_usec;
}
