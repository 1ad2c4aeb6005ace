/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A file mapped for writing that may be cut short by somebody else
 *
 * mmap(2) is not on the list of signal-safety(7), but it is a bare system call,
 * and SIGBUS from touching memory is synchronous: it interrupts the very
 * instruction that touched it and nothing else.
 */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

#include "store/mapping.h"

#define MAPPINGS_MAX 4

static Mapping *volatile mappings[MAPPINGS_MAX];

static bool mapping_replace(Mapping *mapping) {
        if (mmap(mapping->data, mapping->size, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED)
                return false;

        mapping->is_lost = 1;
        return true;
}

static void mapping_on_sigbus(int number, siginfo_t *info, void *context) {
        struct sigaction fallback = { .sa_handler = SIG_DFL };
        int saved_errno = errno;

        for (size_t i = 0; i < MAPPINGS_MAX; i++) {
                Mapping *mapping = mappings[i];

                if (mapping && (uintptr_t)info->si_addr - (uintptr_t)mapping->data < mapping->size &&
                    mapping_replace(mapping)) {
                        errno = saved_errno;
                        return;
                }
        }

        /* Not ours: let the instruction fault again and end the process as it should. */
        (void)sigaction(SIGBUS, &fallback, NULL);
        errno = saved_errno;
}

int mapping_init(Mapping *mapping, int fd, size_t size) {
        struct sigaction action = { .sa_sigaction = mapping_on_sigbus, .sa_flags = SA_SIGINFO };
        void *data;
        size_t i;

        assert(mapping);
        assert(size > 0);

        for (i = 0; i < MAPPINGS_MAX && mappings[i];)
                i++;
        if (i == MAPPINGS_MAX)
                return -EMFILE;

        if (sigaction(SIGBUS, &action, NULL) < 0)
                return -errno;

        data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (data == MAP_FAILED)
                return -errno;

        *mapping = (Mapping){ .data = data, .size = size };
        mappings[i] = mapping;
        return 0;
}

void mapping_done(Mapping *mapping) {
        if (!mapping->data)
                return;

        for (size_t i = 0; i < MAPPINGS_MAX; i++)
                if (mappings[i] == mapping)
                        mappings[i] = NULL;

        (void)munmap(mapping->data, mapping->size);
        *mapping = (Mapping){ 0 };
}
