/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How long before a sample what walks counted was true
 *
 * A walk over all TCP sockets does not come with every sample (collect/walk.h):
 * between two of them a sample says again what the last one found, and when that
 * was. Pure functions over samples.
 */

#include <stdbool.h>
#include <stddef.h>

#include "store/sample.h"

/* What may be of different times. */
typedef enum AgesPart {
        AGES_ESTABLISHED, /* the host's */
        AGES_TIME_WAIT,   /* the host's */
        AGES_RARE_STATES, /* all other states but the next, the host's, of units and of listeners */
        AGES_BOUND,       /* bound and nothing more */
        AGES_FULL_WALK, /* ESTABLISHED and TIME_WAIT of units and listeners, bytes in queues, destinations */
        _AGES_PARTS,
} AgesPart;

/* Parts that were counted at one time. */
typedef struct AgesGroup {
        usec_t age_usec; /* before the sample; more than 0 */
        unsigned parts;  /* 1 << AgesPart each */
} AgesGroup;

/**
 * ages_group() - what is older than the sample that tells it
 * @wanted:     the parts to look at, 1 << AgesPart each
 *
 * What was counted with the sample is in no group, and neither is what it does
 * not hold, or is of a time to come as the clock was set back.
 *
 * Return: how many groups there are, the youngest first.
 */
size_t ages_group(const Sample *sample, unsigned wanted, AgesGroup ret[static _AGES_PARTS]);

/* Whether walks are turned off, so that nothing they count is there. */
bool ages_lacks_walks(const Sample *sample);
