/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/mountinfo.h"
#include "suite.h"

typedef struct MountCase {
        const char *text;
        const char *path; /* NULL: there is none */
} MountCase;

#define SYSFS   "23 28 0:21 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
#define CGROUP1 "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n"

static const MountCase layouts[] = {
        { SYSFS "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
          "/sys/fs/cgroup" },
        { SYSFS "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n" CGROUP1
                "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n",
          "/sys/fs/cgroup/unified" },
        { "41 31 0:38 / /last rw - cgroup2 cgroup2 rw", "/last" },
};

static const MountCase optional_fields[] = {
        { "1 2 0:3 / /a rw - cgroup2 x rw\n", "/a" },
        { "1 2 0:3 / /a rw shared:1 - cgroup2 x rw\n", "/a" },
        { "1 2 0:3 / /a rw shared:1 master:2 propagate_from:3 unbindable new:4 - cgroup2 x rw\n", "/a" },
        { "1 2 0:3 / /a - - cgroup2 x rw\n", "/a" },
};

static const MountCase without[] = {
        { "", NULL },
        { "\n\n", NULL },
        { SYSFS CGROUP1, NULL },
        { "1 2 0:3 / /a rw - cgroup cgroup2 rw\n", NULL },
        { "1 2 0:3 / /a rw - cgroup22 x rw\n", NULL },
        { "1 2 0:3 / /a rw cgroup2 - tmpfs x rw\n", NULL },
        { "1 2 0:3 / /a rw shared:1 - tmpfs - cgroup2 rw\n", NULL },
        { "1 2 0:3 / /cgroup2 rw cgroup2\n", NULL },
        { "1 2 0:3 / /a rw -\ncgroup2 x rw\n", NULL },
        { "1 2 0:3 / /a - cgroup2 x rw\n", NULL },
        { "1 2 0:3 / a rw - cgroup2 x rw\n", NULL },
        { "1 2 0:3 /  rw - cgroup2 x rw\n", NULL },
        { " - cgroup2", NULL },
};

static const MountCase several[] = {
        { "1 2 0:3 /a /one rw - cgroup2 x rw\n2 2 0:3 / /two rw - cgroup2 x rw\n", "/two" },
        { "1 2 0:3 / /one rw - cgroup2 x rw\n2 2 0:3 / /two rw - cgroup2 x rw\n", "/one" },
        { "1 2 0:3 /a /one rw - cgroup2 x rw\n2 2 0:3 /b /two rw - cgroup2 x rw\n", "/one" },
        { "1 2 0:3 / /one rw - tmpfs x rw\n2 2 0:3 /b /two rw - cgroup2 x rw\n", "/two" },
        { "1 2 0:3 / bad rw - cgroup2 x rw\n2 2 0:3 /b /two rw - cgroup2 x rw\n", "/two" },
};

static const MountCase escapes[] = {
        { "1 2 0:3 / /a\\040b rw - cgroup2 x rw\n", "/a b" },
        { "1 2 0:3 / /\\011\\012\\134 rw - cgroup2 x rw\n", "/\t\n\\" },
        { "1 2 0:3 / /\\134040\\040 rw - cgroup2 x rw\n", "/\\040 " },
        { "1 2 0:3 / /\\377 rw - cgroup2 x rw\n", "/\xff" },
        { "1 2 0:3 / /a\\ rw - cgroup2 x rw\n", "/a\\" },
        { "1 2 0:3 / /a\\04 rw - cgroup2 x rw\n", "/a\\04" },
        { "1 2 0:3 / /a\\048\\400\\000 rw - cgroup2 x rw\n", "/a\\048\\400\\000" },
};

/* Parses from memory of just that size, so that a sanitizer sees a byte too many being read. */
static int parse(const char *text, size_t size, char ret_path[static PATH_MAX]) {
        char *copy = malloc(size + 1);
        int r;

        memcpy(copy + 1, text, size);
        r = mountinfo_find_cgroup2(copy + 1, size, ret_path);
        free(copy);
        return r;
}

static void check_mount(const MountCase *at) {
        char path[PATH_MAX] = "untouched";
        int r = parse(at->text, strlen(at->text), path);

        ck_assert_msg(r == (at->path ? 0 : -ENOENT), "%s: %d", at->text, r);
        ck_assert_str_eq(path, at->path ? at->path : "untouched");
}

START_TEST(the_mount_is_found_by_its_type)
{ check_mount(&layouts[_i]); }
END_TEST

START_TEST(any_number_of_optional_fields_is_passed_over)
{ check_mount(&optional_fields[_i]); }
END_TEST

START_TEST(where_there_is_none_nothing_is_told)
{ check_mount(&without[_i]); }
END_TEST

START_TEST(of_several_the_one_of_the_whole_tree_is_taken)
{ check_mount(&several[_i]); }
END_TEST

START_TEST(octal_escapes_are_resolved)
{ check_mount(&escapes[_i]); }
END_TEST

START_TEST(a_mount_point_that_does_not_fit_is_passed_over)
{
        char text[2 * PATH_MAX], path[PATH_MAX] = "untouched", name[PATH_MAX + 1];

        memset(name, 'a', sizeof name);
        name[0] = '/';
        name[PATH_MAX] = '\0';
        (void)snprintf(text, sizeof text, "1 2 0:3 / %s rw - cgroup2 x rw\n", name);
        ck_assert_int_eq(parse(text, strlen(text), path), -ENOENT);
        ck_assert_str_eq(path, "untouched");

        name[PATH_MAX - 1] = '\0';
        (void)snprintf(text, sizeof text, "1 2 0:3 / %s rw - cgroup2 x rw\n", name);
        ck_assert_int_eq(parse(text, strlen(text), path), 0);
        ck_assert_str_eq(path, name);
}
END_TEST

START_TEST(a_file_that_is_cut_anywhere_is_read_as_far_as_it_goes)
{
        const char *text = layouts[1].text;
        char path[PATH_MAX];

        for (size_t size = 0; size < strlen(text); size++) {
                int r = parse(text, size, path);

                ck_assert(r == -ENOENT || (r == 0 && strcmp(path, layouts[1].path) == 0));
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("mountinfo");
        TCase *parsing = tcase_create("parsing");

        tcase_add_loop_test(parsing, the_mount_is_found_by_its_type, 0, ELEMENTSOF(layouts));
        tcase_add_loop_test(parsing, any_number_of_optional_fields_is_passed_over, 0,
                            ELEMENTSOF(optional_fields));
        tcase_add_loop_test(parsing, where_there_is_none_nothing_is_told, 0, ELEMENTSOF(without));
        tcase_add_loop_test(parsing, of_several_the_one_of_the_whole_tree_is_taken, 0, ELEMENTSOF(several));
        tcase_add_loop_test(parsing, octal_escapes_are_resolved, 0, ELEMENTSOF(escapes));
        tcase_add_test(parsing, a_mount_point_that_does_not_fit_is_passed_over);
        tcase_add_test(parsing, a_file_that_is_cut_anywhere_is_read_as_far_as_it_goes);
        suite_add_tcase(suite, parsing);

        return suite_main(suite);
}
