/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How long before a sample what it says was true
 *
 * A walk over all TCP sockets does not come with every sample (collect/walk.h), nor
 * does the question for UNIX or UDP sockets on a host with very many of them:
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
        AGES_UNIX,      /* UNIX sockets */
        AGES_UDP,       /* UDP sockets */
        AGES_PROCESSES, /* descriptors of processes: of the one that was come to the longest ago */
        AGES_SUSPECTS,  /* which process holds connections in CLOSE_WAIT, and how many */
        _AGES_PARTS,
} AgesPart;

/* Parts that were counted at one time. */
typedef struct AgesGroup {
        usec_t age_usec; /* before the sample; more than 0 */
        unsigned parts;  /* 1 << AgesPart each */
} AgesGroup;

/* How long before the sample a part of it was counted; 0: with it, or it is not there. */
usec_t ages_of(const Sample *sample, AgesPart part);

/**
 * ages_group() - what is older than the sample that tells it
 * @wanted:     the parts to look at, 1 << AgesPart each
 *
 * What was counted with the sample is in no group, and neither is what it does
 * not hold.
 *
 * Return: how many groups there are, the youngest first.
 */
size_t ages_group(const Sample *sample, unsigned wanted, AgesGroup ret[static _AGES_PARTS]);

/* Whether walks are turned off, so that nothing they count is there. */
bool ages_lacks_walks(const Sample *sample);
