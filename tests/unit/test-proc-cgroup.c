/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "kernel/proc_cgroup.h"
#include "suite.h"

typedef struct PathCase {
        const char *text;
        const char *path;
} PathCase;

static const PathCase paths[] = {
        { "0::/system.slice/nginx.service\n", "/system.slice/nginx.service" },
        { "0::/\n", "/" },
        { "0::/a:b::c\n", "/a:b::c" },
        { "0::/../x\n", "/../x" },
        { "9:name=systemd:/\n4:memory:/a/b\n2:cpu,cpuacct:/c\n0::/d\n", "/d" },
        { "0::/d\n4:memory:/a/b\n", "/d" },
        { "0::/d\nwhatever", "/d" },
        { "10::/a\n00::/b\n0:x:/c\n0::/d\n", "/d" },
};

static const PathCase deleted[] = {
        { "0::/a (deleted)\n", "/a" },
        { "0::/a/b.service (deleted)\n", "/a/b.service" },
        { "0::/a (deleted) (deleted)\n", "/a (deleted)" },
        { "0::/a (deleted)x\n", "/a (deleted)x" },
        { "0::/a(deleted)\n", "/a(deleted)" },
        { "0::/ (deleted)\n", "/ (deleted)" },
};

static const char *const without[] = {
        "", "9:name=systemd:/\n", "9:name=systemd:/\n1:cpu:/0::/a\n", "10::/a\n", "1::/a\n",
};

static const char *const malformed[] = {
        "\n",
        "0\n",
        "0:\n",
        "0::\n",
        "0::a\n",
        "0::/a",
        "0::/",
        "::/a\n",
        "x::/a\n",
        "-1::/a\n",
        "0x:/a\n",
        "4:memory\n0::/a\n",
        "4:memory:a\n0::/a\n",
        "4:memory:/a",
        "\n0::/a\n",
        " 0::/a\n",
};

/* Parses from memory of just that size, so that a sanitizer sees a byte too many being read. */
static int parse(const char *text, size_t size, char ret_path[static 64]) {
        char *copy = malloc(size + 1);
        const char *path;
        size_t path_size;
        int r;

        memcpy(copy + 1, text, size);
        r = proc_cgroup_parse(copy + 1, size, &path, &path_size);
        if (r == 0) {
                memcpy(ret_path, path, path_size);
                ret_path[path_size] = '\0';
        }
        free(copy);
        return r;
}

static void check_path(const PathCase *at) {
        char path[64];

        ck_assert_int_eq(parse(at->text, strlen(at->text), path), 0);
        ck_assert_str_eq(path, at->path);
}

START_TEST(the_path_is_that_of_the_hierarchy_without_controllers)
{ check_path(&paths[_i]); }
END_TEST

START_TEST(that_a_cgroup_is_deleted_is_no_part_of_its_path)
{ check_path(&deleted[_i]); }
END_TEST

START_TEST(a_host_without_cgroup2_has_no_path)
{
        char path[64] = "untouched";

        ck_assert_int_eq(parse(without[_i], strlen(without[_i]), path), -ENOENT);
        ck_assert_str_eq(path, "untouched");
}
END_TEST

START_TEST(a_malformed_file_is_refused)
{
        char path[64] = "untouched";

        ck_assert_int_eq(parse(malformed[_i], strlen(malformed[_i]), path), -EBADMSG);
        ck_assert_str_eq(path, "untouched");
}
END_TEST

START_TEST(a_path_that_is_cut_short_names_no_other_cgroup)
{
        static const char text[] = "4:memory:/a/b\n0::/system.slice/nginx.service\n";
        char path[64];

        for (size_t size = 0; size < strlen(text); size++)
                ck_assert_int_lt(parse(text, size, path), 0);
        ck_assert_int_eq(parse(text, strlen(text), path), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("proc-cgroup");
        TCase *parsing = tcase_create("parsing");

        tcase_add_loop_test(parsing, the_path_is_that_of_the_hierarchy_without_controllers, 0,
                            ELEMENTSOF(paths));
        tcase_add_loop_test(parsing, that_a_cgroup_is_deleted_is_no_part_of_its_path, 0,
                            ELEMENTSOF(deleted));
        tcase_add_loop_test(parsing, a_host_without_cgroup2_has_no_path, 0, ELEMENTSOF(without));
        tcase_add_loop_test(parsing, a_malformed_file_is_refused, 0, ELEMENTSOF(malformed));
        tcase_add_test(parsing, a_path_that_is_cut_short_names_no_other_cgroup);
        suite_add_tcase(suite, parsing);

        return suite_main(suite);
}
