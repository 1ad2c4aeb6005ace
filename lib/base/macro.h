/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The few macros everything shares: attributes, cleanup, sizes.
 *
 * A resource is held in a local marked _cleanup_(x_freep), and handed out with
 * TAKE_PTR() or TAKE_FD() once nothing can fail any more.
 */

#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f)      __attribute__((cleanup(f)))
#define _warn_unused_     __attribute__((warn_unused_result))
#define _printf_(a, b)    __attribute__((format(printf, a, b)))
#define _noreturn_        __attribute__((noreturn))
#define _public_          __attribute__((visibility("default")))

#define ELEMENTSOF(array) (sizeof(array) / sizeof((array)[0]))

#define MIN(a, b)                                  \
        ({                                         \
                const __typeof__(a) min_a_ = (a);  \
                const __typeof__(b) min_b_ = (b);  \
                min_a_ < min_b_ ? min_a_ : min_b_; \
        })

#define MAX(a, b)                                  \
        ({                                         \
                const __typeof__(a) max_a_ = (a);  \
                const __typeof__(b) max_b_ = (b);  \
                max_a_ > max_b_ ? max_a_ : max_b_; \
        })

#define TAKE_PTR(pointer)                               \
        ({                                              \
                __typeof__(pointer) taken_ = (pointer); \
                (pointer) = NULL;                       \
                taken_;                                 \
        })

#define TAKE_FD(fd)                \
        ({                         \
                int taken_ = (fd); \
                (fd) = -1;         \
                taken_;            \
        })

/* Defines x_freep() for _cleanup_(); the destructor takes NULL. */
#define DEFINE_CLEANUP(type, destroy)                  \
        static inline void destroy##p(type *pointer) { \
                if (*pointer)                          \
                        destroy(*pointer);             \
        }

static inline void freep(void *pointer) {
        free(*(void **)pointer);
}

/* Closes fd unless it is negative. Returns -1, to be stored where fd stood. */
static inline int close_fd(int fd) {
        if (fd >= 0)
                (void)close(fd);
        return -1;
}

static inline void close_fdp(int *fd) {
        (void)close_fd(*fd);
}
