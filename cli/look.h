/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The one sample that a command is about
 *
 * The newest of the ring; with --at, the one that was true at that time; and where
 * there is no ring file and none was named, one taken now.
 */

#include "cli/command.h"
#include "cli/remarks.h"
#include "store/sample.h"

typedef struct Look {
        bool is_live; /* taken now */
        bool is_past; /* asked for by its time: being old is no fault of it */
} Look;

/* A command's own part: what stands below when the sample was taken and what is to be said of it. */
typedef struct LookPart {
        RemarksView remarks;

        /* Writes the sample to stdout. Return: 0, or a negative errno if that failed. */
        int (*show)(const CommandOptions *options, const Sample *sample);
} LookPart;

/**
 * look_show() - find the sample and show it
 *
 * Return: COMMAND_FOUND if the sample is stale, some of it is missing, or a row
 * of it is in a trouble that is certain; else COMMAND_FINE, or why it could not
 * be looked at.
 */
CommandStatus look_show(const CommandOptions *options, const LookPart *part);
