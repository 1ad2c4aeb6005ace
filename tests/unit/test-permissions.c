/* SPDX-License-Identifier: Apache-2.0 */

#include "derive/permissions.h"
#include "suite.h"

static Sample sample;

static const char *wanted(uint64_t read_search, uint64_t ptrace) {
        sample_clear(&sample);
        sample_set(&sample, VALUE_OWNERS_WANT_READ_SEARCH, read_search);
        sample_set(&sample, VALUE_OWNERS_WANT_PTRACE, ptrace);
        return permissions_wanted_for_owners(&sample);
}

START_TEST(what_is_missing_is_named_and_nothing_else)
{
        ck_assert_str_eq(wanted(1, 1), "CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE");
        ck_assert_str_eq(wanted(1, 0), "CAP_DAC_READ_SEARCH");
        ck_assert_str_eq(wanted(0, 1), "CAP_SYS_PTRACE");
}
END_TEST

START_TEST(where_no_privilege_would_help_none_is_named)
{
        ck_assert_ptr_null(wanted(0, 0));
        sample_clear(&sample);
        ck_assert_ptr_null(permissions_wanted_for_owners(&sample));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("permissions");
        TCase *permissions = tcase_create("permissions");

        tcase_add_test(permissions, what_is_missing_is_named_and_nothing_else);
        tcase_add_test(permissions, where_no_privilege_would_help_none_is_named);
        suite_add_tcase(suite, permissions);

        return suite_main(suite);
}
