/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reading a ring for a person: what goes wrong is told once, in words
 */

#include "cli/command.h"
#include "store/ring_reader.h"

/* A sample stands for the time until the next one; longer gaps are gaps. */
#define READING_GAP_USEC (10 * USEC_PER_SEC)

typedef struct Reading {
        bool is_damaged;     /* samples were left out: their bytes are damaged */
        bool is_overwritten; /* samples were left out: the writer was faster */
} Reading;

/* Opens a ring file, or says on stderr why not and what to do. */
CommandStatus reading_open(const char *path, RingReader **ret);

/* The next sample that can be read. Return: 1, 0 at the end, or a negative errno. */
_warn_unused_ int reading_next(Reading *reading, RingReader *reader, const Sample **ret);

/* Keeps in @ret the last sample of the second at a time. Return: 1, 0 if there is none, or a negative errno.
 */
_warn_unused_ int reading_find(Reading *reading, RingReader *reader, usec_t at_usec, Sample *ret);

/* Keeps in @ret the sample that was taken before another one of the same ring. Return: 1, 0 if there is
 * none, or a negative errno. */
_warn_unused_ int
reading_find_before(Reading *reading, RingReader *reader, const Sample *sample, Sample *ret);

/* Says on stderr what was left out. COMMAND_FOUND if it was for damage. */
CommandStatus reading_report(const Reading *reading, const char *path);

/* Says on stderr why there is no sample of what was asked for: the time that it was is between others, or
 * the ring has samples from when to when. @at_usec: NULL if no single time was asked for. */
void reading_explain_range(const Reading *reading, RingReader *reader, const usec_t *at_usec);
