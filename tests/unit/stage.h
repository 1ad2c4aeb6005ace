/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a single collector plays on: a context, over a host that has cgroups alone
 *
 * Its sockets are those of fake_kernel.h. No process can be seen, so nobody holds
 * a socket.
 */

#include "collect/context.h"
#include "unit/folder.h"

typedef struct Stage {
        Folder folder; /* /proc and /sys in one */
        Sources sources;
        Bounds bounds; /* the default ones, until the test says otherwise */
        CollectContext context;
        Sample sample;
} Stage;

extern Stage stage;

void stage_init(void);
void stage_done(void);

/* Makes a cgroup of a service: "a.service". Returns its id. */
uint64_t stage_add_service(const char *name);

/* Begins a sample at this time, as the collection does. */
void stage_begin(usec_t boottime_usec);
