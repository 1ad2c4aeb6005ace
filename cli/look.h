/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The one sample that a command is about
 *
 * The newest of the ring; with --at, the one that was true at that time; and where
 * there is no ring file and none was named, one taken now.
 */

#include "cli/command.h"
#include "store/sample.h"

typedef struct Look {
        bool is_live; /* taken now */
        bool is_past; /* asked for by its time: being old is no fault of it */
} Look;

/* Writes a sample to stdout. Return: 0, or a negative errno if that failed. */
typedef int (*look_fn)(const CommandOptions *options, const Sample *sample);

/**
 * look_show() - find the sample and show it
 * @show:       the command's own part, after a line on when and how it was taken
 *
 * Return: COMMAND_FOUND if the sample is stale, some of it is missing, or an
 * accept queue is full; else COMMAND_FINE, or why it could not be looked at.
 */
CommandStatus look_show(const CommandOptions *options, look_fn show);
