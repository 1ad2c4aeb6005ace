/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Runs one suite, reporting each test to meson as TAP on stdout. */

#include <check.h>
#include <stdlib.h>

static inline int suite_main_as(Suite *suite, enum fork_status status) {
        SRunner *runner;
        int n_failed;

        runner = srunner_create(suite);
        srunner_set_fork_status(runner, status);
        srunner_set_tap(runner, "-");
        srunner_run_all(runner, CK_SILENT);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);

        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Each test in a process of its own. */
static inline int suite_main(Suite *suite) {
        return suite_main_as(suite, CK_FORK_GETENV);
}

/* All in one: for hundreds of tests that only look at constants. With sanitizers a process takes a tenth of
 * a second. */
static inline int suite_main_in_one_process(Suite *suite) {
        return suite_main_as(suite, CK_NOFORK);
}
