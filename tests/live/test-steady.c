/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Taking samples takes no memory, once the first ones are taken
 *
 * malloc(3) and its kin are counted, also where libraries call them. Not built
 * with sanitizers, which have their own.
 */

#include <stdlib.h>

#include "namespace.h"
#include "sockets.h"
#include "watch.h"

#define N_LISTENERS 300
#define N_PAIRS     200

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *memory, size_t size);

static unsigned n_allocated;

void *malloc(size_t size) {
        n_allocated++;
        return __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
        n_allocated++;
        return __libc_calloc(n, size);
}

void *realloc(void *memory, size_t size) {
        n_allocated++;
        return __libc_realloc(memory, size);
}

static Watch watch;

static void setup(void) {
        namespace_enter();
        watch_begin(&watch);
}

static void teardown(void) {
        watch_end(&watch);
}

/* Listeners beyond the rows that there are, connections, and one more each time. */
START_TEST(no_walk_and_no_sample_allocates)
{
        static const Walk walks[] = { WALK_ALL, WALK_NONE, WALK_RARE, WALK_FULL, WALK_NONE };
        _cleanup_(line_freep) Line *line = line_new(&routes[0], N_PAIRS);

        for (unsigned i = 0; i < N_LISTENERS; i++) {
                Spot at = spot(i % 2 ? "127.0.0.1" : "::1", 0);

                listen_on(&at, 5);
        }
        for (unsigned i = 0; i < 10; i++)
                collection_run_walk(watch.collection, &watch.bounds, WALK_ALL, watch.sample);

        for (unsigned i = 0; i < 50; i++) {
                (void)connect_to(&line->to);
                n_allocated = 0;
                collection_run_walk(watch.collection, &watch.bounds, walks[i % ELEMENTSOF(walks)],
                                    watch.sample);
                ck_assert_uint_eq(n_allocated, 0);
        }
        ck_assert_uint_gt(sample_value(watch.sample, VALUE_LISTENERS_FOLDED), 0);
}
END_TEST

START_TEST(what_allocates_is_counted)
{
        n_allocated = 0;
        free(malloc(1));
        ck_assert_uint_eq(n_allocated, 1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("steady");
        TCase *memory = tcase_create("memory");

        namespace_require();

        tcase_add_checked_fixture(memory, setup, teardown);
        tcase_add_test(memory, no_walk_and_no_sample_allocates);
        tcase_add_test(memory, what_allocates_is_counted);
        suite_add_tcase(suite, memory);

        return suite_main(suite);
}
