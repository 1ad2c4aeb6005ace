/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "base/utf8.h"
#include "kernel/cgroup_unit.h"
#include "suite.h"

#define ID          "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID_SHOWN    "0123456789ab"
#define OTHER_ID    "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define UID         "01234567-89ab-cdef-0123-456789abcdef"
#define UID_ESCAPED "01234567_89ab_cdef_0123_456789abcdef"
#define UID_STATIC  "99dcb84d2a34f7e338778606703258c4"

#define USER        "/user.slice/user-1000.slice/user@1000.service"

typedef struct NameCase {
        const char *path;
        const char *name;
} NameCase;

static const NameCase units[] = {
        { "/system.slice/nginx.service", "nginx.service" },
        { "/system.slice/system-foo.slice/foo@a.service", "foo@a.service" },
        { "/init.scope", "init.scope" },
        { "/user.slice/user-1000.slice/session-3.scope", "session-3.scope" },
        { "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", "machine-qemu\\x2d1\\x2dvm.scope" },
        { "/system.slice/docker.socket", "docker.socket" },
        { "/system.slice/srv.mount", "srv.mount" },
        { "/system.slice/dev-sda2.swap", "dev-sda2.swap" },
        { "/system.slice/lvm2-pvscan@8:2.service", "lvm2-pvscan@8:2.service" },
};

static const NameCase below_units[] = {
        { "/system.slice/docker.service/sub/x", "docker.service" },
        { "/system.slice/x.service/supervisor", "x.service" },
        { "/system.slice/x.service/.control", "x.service" },
        { "/machine.slice/systemd-nspawn@a.service/payload/system.slice/nginx.service",
          "systemd-nspawn@a.service" },
        { "/system.slice/nginx.service/libpod-payload-" ID, "nginx.service" },
        { "/system.slice/a.service/b.service", "a.service" },
};

static const NameCase slices[] = {
        { "/system.slice", "system.slice" },
        { "/user.slice/user-1000.slice", "user-1000.slice" },
        { "/kubepods.slice/kubepods-burstable.slice", "kubepods-burstable.slice" },
};

static const NameCase user_units[] = {
        { USER "/app.slice/foo.service", "user@1000.service/foo.service" },
        { USER "/app.slice/app-x.slice/foo@1.service/sub", "user@1000.service/foo@1.service" },
        { USER "/app.slice/app-firefox-12.scope", "user@1000.service/app-firefox-12.scope" },
        { USER "/init.scope", "user@1000.service/init.scope" },
        { USER "/app.slice", "user@1000.service/app.slice" },
        { USER "/app.slice/user@1001.service", "user@1000.service/user@1001.service" },
        { USER "/sub", "user@1000.service" },
        { USER, "user@1000.service" },
        { "/user.slice/user-1000.slice/user@a.service/app.slice/foo.service", "user@a.service" },
        { "/user.slice/user-1000.slice/user-runtime-dir@1000.service", "user-runtime-dir@1000.service" },
};

static const NameCase escaped[] = {
        { "/system.slice/_cpu.service", "cpu.service" },
        { "/system.slice/__a.service", "_a.service" },
        { "/_memory.slice", "memory.slice" },
        { "/_memory.slice/_io.scope/_x", "io.scope" },
};

static const NameCase containers[] = {
        { "/system.slice/docker-" ID ".scope", "docker/" ID_SHOWN },
        { "/machine.slice/libpod-" ID ".scope/container", "podman/" ID_SHOWN },
        { "/machine.slice/machine-libpod_pod_" OTHER_ID ".slice/libpod-" ID ".scope", "podman/" ID_SHOWN },
        { "/system.slice/cri-containerd-" ID ".scope", "containerd/" ID_SHOWN },
        { "/system.slice/crio-" ID ".scope", "crio/" ID_SHOWN },
        { USER "/user.slice/libpod-" ID ".scope", "podman/" ID_SHOWN },
        { "/docker/" ID, "docker/" ID_SHOWN },
        { "/libpod_parent/libpod-" ID, "podman/" ID_SHOWN },
        { "/libpod_parent/" OTHER_ID "/libpod-" ID, "podman/" ID_SHOWN },
        { "/libpod_parent/" ID, "/libpod_parent/" ID },
        { "/default/" ID, "container/" ID_SHOWN },
        { "/" ID, "container/" ID_SHOWN },
        { "/system.slice/system.slice:docker:" ID, "docker/" ID_SHOWN },
        { "/system.slice/containerd.service/default/" ID, "container/" ID_SHOWN },
};

static const NameCase within_containers[] = {
        { "/system.slice/docker-" ID ".scope/system.slice/nginx.service", "docker/" ID_SHOWN },
        { "/system.slice/docker-" ID ".scope/init.scope", "docker/" ID_SHOWN },
        { "/docker/" ID "/docker/" OTHER_ID, "docker/" ID_SHOWN },
        { "/docker/" ID "/kubepods/burstable/pod" UID "/" OTHER_ID, "docker/" ID_SHOWN },
};

static const NameCase not_containers[] = {
        { "/machine.slice/libpod-conmon-" ID ".scope", "libpod-conmon-" ID_SHOWN ".scope" },
        { "/system.slice/crio-conmon-" ID ".scope", "crio-conmon-" ID_SHOWN ".scope" },
        { "/kubepods.slice/kubepods-pod" UID_ESCAPED ".slice/crio-conmon-" ID ".scope",
          "crio-conmon-" ID_SHOWN ".scope" },
        { "/kubepods/pod" UID "/crio-conmon-" ID, "crio-conmon-" ID_SHOWN },
        { "/system.slice/docker-" ID "0.scope", "docker-" ID "0.scope" },
        { "/system.slice/dockerx" ID ".scope", "dockerx" ID ".scope" },
        { "/system.slice/docker-0123.scope", "docker-0123.scope" },
        { "/system.slice/docker-.scope", "docker-.scope" },
        { "/system.slice/other-" ID ".scope", "other-" ID ".scope" },
        { "/docker/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
          "/docker/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef" },
        { "/default/name", "/default/name" },
        { "/docker/buildkit", "/docker/buildkit" },
};

static const NameCase pods[] = {
        { "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ESCAPED
          ".slice/cri-containerd-" ID ".scope",
          "pod/" UID "/" ID_SHOWN },
        { "/kubepods.slice/kubepods-pod" UID_ESCAPED ".slice/crio-" ID ".scope/container",
          "pod/" UID "/" ID_SHOWN },
        { "/kubepods.slice/kubepods-pod" UID_ESCAPED ".slice/docker-" ID ".scope/init.scope",
          "pod/" UID "/" ID_SHOWN },
        { "/kubepods.slice/kubepods-pod" UID_ESCAPED ".slice/novel-" ID ".scope", "pod/" UID "/" ID_SHOWN },
        { "/kubepods/burstable/pod" UID "/" ID, "pod/" UID "/" ID_SHOWN },
        { "/kubepods/pod" UID "/crio-" ID, "pod/" UID "/" ID_SHOWN },
        { "/kubepods/besteffort/pod" UID_STATIC "/" ID, "pod/" UID_STATIC "/" ID_SHOWN },
        { "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
          "kubelet-kubepods-besteffort-pod" UID_ESCAPED ".slice/cri-containerd-" ID ".scope",
          "pod/" UID "/" ID_SHOWN },
        { "/kubelet/kubepods/pod" UID "/" ID, "pod/" UID "/" ID_SHOWN },
        { "/system.slice/containerd.service/kubepods-burstable-pod" UID_ESCAPED ".slice:cri-containerd:" ID,
          "pod/" UID "/" ID_SHOWN },
        { "/kubepods/burstable/pod" UID, "pod/" UID },
        { "/kubepods/burstable/pod" UID "/sub", "pod/" UID },
        { "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ESCAPED ".slice",
          "pod/" UID },
};

static const NameCase not_pods[] = {
        { "/kubepods/burstable", "/kubepods/burstable" },
        { "/kubepods/pod", "/kubepods/pod" },
        { "/kubepods.slice", "kubepods.slice" },
        { "/kubepods.slice/kubepods-pod.slice", "kubepods-pod.slice" },
        { "/pod" UID, "/pod" UID },
        { "/other.slice/other-pod" UID_ESCAPED ".slice", "other-pod" UID_ESCAPED ".slice" },
};

static const NameCase others[] = {
        { "/", "/" },
        { "", "/" },
        { "/foo/bar", "/foo/bar" },
        { "/system.slice/foo", "/system.slice/foo" },
        { "/foo/nginx.service", "/foo/nginx.service" },
        { "/lxc.payload.web/system.slice/nginx.service", "/lxc.payload.web/system.slice/nginx.service" },
        { "/../system.slice/nginx.service", "/../system.slice/nginx.service" },
        { "/.service", "/.service" },
        { "/.slice/.scope", "/.slice/.scope" },
        { "/a\tb\x01\x7f/\xff\xc3(", "/a\tb\x01\x7f/\xff\xc3(" },
        { "/system.slice/a\x01\xff.service", "a\x01\xff.service" },
};

/* Names a path in memory of just that size, so that a sanitizer sees a byte too many being read. */
static void unit_name(const char *path, size_t size, char ret_name[static UNIT_NAME_SIZE]) {
        char *copy = malloc(size + 1);

        memcpy(copy + 1, path, size);
        memset(ret_name, 'x', UNIT_NAME_SIZE);
        cgroup_unit_name(copy + 1, size, ret_name);
        ck_assert_ptr_nonnull(memchr(ret_name, '\0', UNIT_NAME_SIZE));
        free(copy);
}

static void check_name(const NameCase *at) {
        char name[UNIT_NAME_SIZE];

        unit_name(at->path, strlen(at->path), name);
        ck_assert_msg(strcmp(name, at->name) == 0, "%s: %s instead of %s", at->path, name, at->name);
}

START_TEST(a_unit_is_named_whatever_slices_it_is_in)
{ check_name(&units[_i]); }
END_TEST

START_TEST(what_is_below_a_unit_belongs_to_it)
{ check_name(&below_units[_i]); }
END_TEST

START_TEST(slices_alone_are_named_by_the_innermost)
{ check_name(&slices[_i]); }
END_TEST

START_TEST(a_unit_of_a_user_is_not_taken_for_one_of_the_system)
{ check_name(&user_units[_i]); }
END_TEST

START_TEST(an_underscore_that_systemd_put_in_front_is_removed)
{ check_name(&escaped[_i]); }
END_TEST

START_TEST(a_container_is_named_by_its_runtime_and_the_beginning_of_its_id)
{ check_name(&containers[_i]); }
END_TEST

START_TEST(what_is_within_a_container_belongs_to_it)
{ check_name(&within_containers[_i]); }
END_TEST

START_TEST(what_only_looks_like_a_container_is_none)
{ check_name(&not_containers[_i]); }
END_TEST

START_TEST(a_pod_is_named_by_its_uid)
{ check_name(&pods[_i]); }
END_TEST

START_TEST(what_only_looks_like_a_pod_is_none)
{ check_name(&not_pods[_i]); }
END_TEST

START_TEST(anything_else_is_named_by_its_path)
{ check_name(&others[_i]); }
END_TEST

START_TEST(no_path_at_all_is_the_root)
{
        char name[UNIT_NAME_SIZE];

        cgroup_unit_name(NULL, 0, name);
        ck_assert_str_eq(name, "/");
}
END_TEST

START_TEST(a_path_ends_at_a_nul)
{
        char name[UNIT_NAME_SIZE];

        unit_name("\0/a", 3, name);
        ck_assert_str_eq(name, "/");
        unit_name("/a.service\0/x", 13, name);
        ck_assert_str_eq(name, "a.service");
}
END_TEST

START_TEST(a_name_that_just_fits_is_not_cut)
{
        char path[UNIT_NAME_SIZE], name[UNIT_NAME_SIZE];

        memset(path, 'a', sizeof path);
        path[0] = '/';
        unit_name(path, sizeof path - 1, name);
        ck_assert_uint_eq(strlen(name), sizeof path - 1);
        ck_assert_mem_eq(name, path, sizeof path - 1);

        unit_name(path, sizeof path, name);
        ck_assert_uint_eq(strlen(name), sizeof path - 1);
        ck_assert_ptr_nonnull(strstr(name, "aaa…"));
}
END_TEST

/* Wherever it is that they differ. */
START_TEST(long_names_that_differ_stay_different)
{
        char path[1024] = "/", name[UNIT_NAME_SIZE], other[UNIT_NAME_SIZE];

        memset(path + 1, 'a', sizeof path - 1);
        unit_name(path, sizeof path, name);
        for (size_t i = 1; i < sizeof path; i++) {
                path[i] = 'b';
                unit_name(path, sizeof path, other);
                ck_assert_str_ne(name, other);
                path[i] = 'a';
        }

        unit_name(path, sizeof path - 1, other);
        ck_assert_str_ne(name, other);
        unit_name(path, sizeof path, other);
        ck_assert_str_eq(name, other);
}
END_TEST

START_TEST(a_long_name_of_a_unit_keeps_what_it_belongs_to)
{
        char path[1024], name[UNIT_NAME_SIZE];
        int n = snprintf(path, sizeof path, USER "/app.slice/%0200d.service", 0);

        unit_name(path, (size_t)n, name);
        ck_assert_ptr_eq(strstr(name, "user@1000.service/000"), name);
}
END_TEST

/* One of one byte to four, beginning anywhere. */
static const char *const characters[] = { "a", "é", "€", "😀" };

START_TEST(a_long_name_is_cut_between_characters)
{
        for (size_t n_before = 0; n_before < 4; n_before++) {
                char path[1024] = "/", name[UNIT_NAME_SIZE];
                Text mended = { 0 };

                memset(path + 1, 'x', n_before);
                for (size_t i = 0; i < UNIT_NAME_SIZE; i++)
                        strcat(path, characters[_i]);

                unit_name(path, strlen(path), name);
                ck_assert_uint_ge(strlen(name), UNIT_NAME_SIZE - 4);
                utf8_append(&mended, name);
                text_append_bytes(&mended, "", 1);
                ck_assert_int_eq(text_error(&mended), 0);
                ck_assert_str_eq(mended.data, name);
                text_done(&mended);
        }
}
END_TEST

START_TEST(a_long_name_that_is_not_utf8_is_cut_as_well)
{
        char path[1024], name[UNIT_NAME_SIZE];

        memset(path, _i, sizeof path);
        path[0] = '/';
        unit_name(path, sizeof path, name);
        ck_assert_uint_eq(strlen(name), UNIT_NAME_SIZE - 1);
        ck_assert_uint_eq((unsigned char)name[1], (unsigned)_i);
}
END_TEST

#define ADD_CASES(tcase, test, cases) tcase_add_loop_test(tcase, test, 0, ELEMENTSOF(cases))

int main(void) {
        Suite *suite = suite_create("cgroup-unit");
        TCase *naming = tcase_create("naming");
        TCase *cutting = tcase_create("cutting");

        ADD_CASES(naming, a_unit_is_named_whatever_slices_it_is_in, units);
        ADD_CASES(naming, what_is_below_a_unit_belongs_to_it, below_units);
        ADD_CASES(naming, slices_alone_are_named_by_the_innermost, slices);
        ADD_CASES(naming, a_unit_of_a_user_is_not_taken_for_one_of_the_system, user_units);
        ADD_CASES(naming, an_underscore_that_systemd_put_in_front_is_removed, escaped);
        ADD_CASES(naming, a_container_is_named_by_its_runtime_and_the_beginning_of_its_id, containers);
        ADD_CASES(naming, what_is_within_a_container_belongs_to_it, within_containers);
        ADD_CASES(naming, what_only_looks_like_a_container_is_none, not_containers);
        ADD_CASES(naming, a_pod_is_named_by_its_uid, pods);
        ADD_CASES(naming, what_only_looks_like_a_pod_is_none, not_pods);
        ADD_CASES(naming, anything_else_is_named_by_its_path, others);
        tcase_add_test(naming, no_path_at_all_is_the_root);
        tcase_add_test(naming, a_path_ends_at_a_nul);
        suite_add_tcase(suite, naming);

        tcase_add_test(cutting, a_name_that_just_fits_is_not_cut);
        tcase_add_test(cutting, long_names_that_differ_stay_different);
        tcase_add_test(cutting, a_long_name_of_a_unit_keeps_what_it_belongs_to);
        ADD_CASES(cutting, a_long_name_is_cut_between_characters, characters);
        tcase_add_loop_test(cutting, a_long_name_that_is_not_utf8_is_cut_as_well, 0x80, 0x100);
        suite_add_tcase(suite, cutting);

        return suite_main_in_one_process(suite);
}
