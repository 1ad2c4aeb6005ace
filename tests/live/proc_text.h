/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What /proc says, read in another way than the product does
 *
 * Slow and simple, to compare with.
 */

#include <stdbool.h>
#include <stdint.h>

/* All of a file below /proc, NUL-terminated, to be freed; NULL if there is none. */
char *proc_text_read(const char *path);

/* A number of such a text: @path says its layout, "net/snmp" for one. False if it is not there or negative.
 */
bool proc_text_find(const char *path, const char *text, const char *group, const char *field, uint64_t *ret);

/* Both at once; the number has to be there. */
uint64_t proc_number(const char *path, const char *group, const char *field);
uint64_t listen_drops(void);

/* The number at @index of a file of nothing but numbers. */
uint64_t proc_sys_number(const char *path, unsigned index);

/*
 * A number of the whole host, which others move at any time
 *
 * It is asked for before and after, again and again. While it mostly rests, a right
 * value is equal most of the times that it rested. While it does not, what it moved
 * by is noise, and most of the time a right value is no further off than that.
 */

#define N_BRACKETS 21

typedef struct Brackets {
        unsigned n;
        unsigned n_rests;
        unsigned n_equal; /* of the rests */
        uint64_t noise;
        uint64_t deviations[N_BRACKETS];
} Brackets;

void brackets_add(Brackets *brackets, uint64_t before, uint64_t value, uint64_t after);
bool brackets_agree(const Brackets *brackets);
