/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A file mapped for writing that may be cut short by somebody else
 *
 * Touching a mapped page whose file has shrunk, or whose disk is full, raises
 * SIGBUS. A handler then puts zeroed memory in the place of the whole mapping
 * and marks it lost; the code that was writing goes on without noticing and its
 * owner looks at the mark afterwards.
 *
 * The handler and its table of mappings are the only state of this process that
 * is not owned by an object. Mappings are made, used and unmapped on one thread.
 */

#include <signal.h>
#include <stddef.h>

#include "base/macro.h"

typedef struct Mapping {
        void *data; /* NULL: not mapped */
        size_t size;
        volatile sig_atomic_t is_lost; /* what is written now goes nowhere */
} Mapping;

/**
 * mapping_init() - map the first @size bytes of a file, for reading and writing
 *
 * @fd may be closed afterwards. @mapping must not move while it is mapped.
 *
 * Return: 0, -EMFILE if too many are mapped already, or the errno of mmap(2)
 * or sigaction(2).
 */
_warn_unused_ int mapping_init(Mapping *mapping, int fd, size_t size);

/* May be called twice. */
void mapping_done(Mapping *mapping);
