/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is wrong in a sample, row by row
 *
 * Told by this one sample alone: what was so over time, and what it most likely
 * means, is more than is judged here. Pure functions over samples.
 */

#include <stdbool.h>

#include "store/sample.h"

typedef enum TroubleKind {
        /* Certain: somebody is refused at this moment. */
        TROUBLE_QUEUE_FULL,      /* of a TCP listener */
        TROUBLE_UNIX_QUEUE_FULL, /* of a UNIX listener */
        TROUBLE_FDS_EXHAUSTED,   /* of a process, all that it may have */

        /* Worth a look. */
        TROUBLE_QUEUE_WAS_FULL, /* within the window of peaks, and is not now */
        TROUBLE_UNIX_QUEUE_WAS_FULL,
        TROUBLE_UDP_QUEUE_HIGH,  /* more than 90% of the buffer is not read */
        TROUBLE_FDS_HIGH,        /* 90% of what a process may have, or more */
        TROUBLE_CLOSE_WAIT,      /* a process holds connections that it accepted and does not close */
        TROUBLE_UNIT_CLOSE_WAIT, /* a unit does, and which process of it is not known */
        TROUBLE_NOT_ACCEPTED, /* a unit has connections whose peers have closed, and never accepted them */
        _TROUBLES,
        _TROUBLES_CERTAIN = TROUBLE_FDS_EXHAUSTED + 1,
} TroubleKind;

/* With fewer connections in CLOSE_WAIT a unit does not stand out: they pass through it. */
#define TROUBLES_CLOSE_WAIT_MIN 16

/* So many of a kind are named; of the others it is told how many they are. */
#define TROUBLES_NAMED_MAX 5

typedef struct Troubles {
        uint32_t n;                        /* rows that are in this trouble */
        uint32_t rows[TROUBLES_NAMED_MAX]; /* indices of the worst of them, the worst first */
} Troubles;

/* The table whose rows may be in this trouble. */
TableId trouble_table(TroubleKind kind);

/* How long before the sample that was counted, at most, by which it is judged; 0: with it. */
usec_t trouble_age(const Sample *sample, TroubleKind kind);

/* Finds the rows of a sample that are in this trouble. */
void troubles_find(const Sample *sample, TroubleKind kind, Troubles *ret);

/* Whether any row is in a trouble that is certain. */
bool troubles_has_certain(const Sample *sample);
