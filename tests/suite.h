/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Runs one suite, reporting each test to meson as TAP on stdout. */

#include <check.h>
#include <stdlib.h>

static inline int suite_main(Suite *suite) {
        SRunner *runner;
        int n_failed;

        runner = srunner_create(suite);
        srunner_set_tap(runner, "-");
        srunner_run_all(runner, CK_SILENT);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);

        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
