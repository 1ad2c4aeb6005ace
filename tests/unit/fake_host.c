/* SPDX-License-Identifier: Apache-2.0 */

/* A host whose processes and cgroups are what the test says */

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "unit/fake_host.h"
#include "unit/folder.h"

#define MOUNTINFO "1 2 0:3 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"

typedef struct FakeProcess {
        pid_t pid;
        ino_t fd_inode; /* of its folder of descriptors */
        FakeRefusal refusal;
} FakeProcess;

FakeHost fake_host;

static Folder folder;
static struct stat proc_status;
static size_t n_processes;
static FakeProcess processes[4096]; /* in order of pid */
static size_t n_ended;
static pid_t ended[64];   /* of the crowd */
static pid_t last_listed; /* 0: listing begins */

/* What ld calls in their place. */
int __real_fstatat64(int dir_fd, const char *path, struct stat *ret, int flags);
int __wrap_fstatat64(int dir_fd, const char *path, struct stat *ret, int flags);
int __real_openat64(int dir_fd, const char *path, int flags, ...);
int __wrap_openat64(int dir_fd, const char *path, int flags, ...);
ssize_t __real_readlinkat(int dir_fd, const char *path, char *text, size_t size);
ssize_t __wrap_readlinkat(int dir_fd, const char *path, char *text, size_t size);
struct dirent *__real_readdir64(DIR *dir);
struct dirent *__wrap_readdir64(DIR *dir);
void __real_rewinddir(DIR *dir);
void __wrap_rewinddir(DIR *dir);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);

/* ---- set up ---- */

void fake_host_init(void) {
        fake_host = (FakeHost){ .sources = SOURCES_NULL };
        n_processes = n_ended = 0;
        last_listed = 0;

        folder_init(&folder);
        folder_write_text(&folder, "proc/self/mountinfo", MOUNTINFO);
        folder_write_text(&folder, "proc/self/fd/0", "");
        folder_write_text(&folder, "sys/fs/cgroup/cgroup.procs", "");
        fake_host.sources.proc_fd = openat(folder.fd, "proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        fake_host.sources.sys_fd = openat(folder.fd, "sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_eq(fstat(fake_host.sources.proc_fd, &proc_status), 0);
        ck_assert_int_ge(fake_host.sources.sys_fd, 0);
}

void fake_host_done(void) {
        sources_done(&fake_host.sources);
        folder_done(&folder);
}

uint64_t fake_host_make_cgroup(const char *path) {
        char name[PATH_MAX];
        struct stat status;

        (void)snprintf(name, sizeof name, "sys/fs/cgroup/%s/cgroup.procs", path);
        folder_write_text(&folder, name, "");
        *strrchr(name, '/') = '\0';
        ck_assert_int_eq(__real_fstatat64(folder.fd, name, &status, 0), 0);
        return status.st_ino;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk) {
        return remove(path);
}

static void remove_tree(const char *name) {
        char path[PATH_MAX];

        folder_path(&folder, name, path);
        ck_assert_int_eq(nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void fake_host_remove_cgroup(const char *path) {
        char name[PATH_MAX];

        (void)snprintf(name, sizeof name, "sys/fs/cgroup/%s", path);
        remove_tree(name);
}

/* ---- processes ---- */

/* Where a process stands, or would. */
static size_t find_process(pid_t pid) {
        size_t i = 0;

        while (i < n_processes && processes[i].pid < pid)
                i++;
        return i;
}

static FakeProcess *get_process(pid_t pid) {
        size_t i = find_process(pid);

        ck_assert(i < n_processes && processes[i].pid == pid);
        return &processes[i];
}

static void write_file(pid_t pid, const char *name, const char *text) {
        char path[64];

        (void)snprintf(path, sizeof path, "proc/%d/%s", (int)pid, name);
        folder_write_text(&folder, path, text);
}

void fake_host_set_name(pid_t pid, const char *name) {
        char text[64];

        (void)snprintf(text, sizeof text, "%s\n", name);
        write_file(pid, "comm", text);
}

void fake_host_set_cgroup(pid_t pid, const char *cgroup) {
        char text[PATH_MAX];

        (void)snprintf(text, sizeof text, "1:name=systemd:/elsewhere\n0::%s\n", cgroup);
        write_file(pid, "cgroup", text);
}

void fake_host_set_limit(pid_t pid, uint64_t limit) {
        char text[256];

        (void)snprintf(text, sizeof text,
                       "Limit                     Soft Limit           Hard Limit           Units     \n"
                       "Max open files            %-20llu 524288               files     \n",
                       (unsigned long long)limit);
        write_file(pid, "limits", text);
}

void fake_host_set_flags(pid_t pid, uint64_t flags) {
        char text[256];

        (void)snprintf(
                text, sizeof text,
                "%d (a name) S 2 0 0 0 -1 %llu 0 0 0 0 0 0 0 0 20 0 1 0 37 0 0 18446744073709551615\n",
                (int)pid, (unsigned long long)flags);
        write_file(pid, "stat", text);
}

void fake_host_refuse(pid_t pid, FakeRefusal refusal) {
        get_process(pid)->refusal = refusal;
}

void fake_host_remove_file(pid_t pid, const char *name) {
        char path[64];

        (void)snprintf(path, sizeof path, "proc/%d/%s", (int)pid, name);
        ck_assert_int_eq(unlinkat(folder.fd, path, 0), 0);
}

static void open_as(pid_t pid, unsigned fd, const char *link) {
        char path[64];

        (void)snprintf(path, sizeof path, "proc/%d/fd/%u", (int)pid, fd);
        ck_assert_int_eq(symlinkat(link, folder.fd, path), 0);
}

void fake_host_open_socket(pid_t pid, unsigned fd, uint64_t inode) {
        char link[64];

        (void)snprintf(link, sizeof link, "socket:[%llu]", (unsigned long long)inode);
        open_as(pid, fd, link);
}

void fake_host_open_file(pid_t pid, unsigned fd) {
        open_as(pid, fd, "/dev/null");
}

void fake_host_close(pid_t pid, unsigned fd) {
        char name[16];

        (void)snprintf(name, sizeof name, "fd/%u", fd);
        fake_host_remove_file(pid, name);
}

void fake_host_start(pid_t pid, const char *name, const char *cgroup, size_t n_fds, uint64_t limit) {
        size_t i = find_process(pid);
        struct stat status;
        char path[64];

        ck_assert_uint_lt(n_processes, ELEMENTSOF(processes));
        fake_host_set_name(pid, name);
        fake_host_set_cgroup(pid, cgroup);
        fake_host_set_limit(pid, limit);
        (void)snprintf(path, sizeof path, "proc/%d/fd", (int)pid);
        ck_assert_int_eq(mkdirat(folder.fd, path, 0755), 0);
        ck_assert_int_eq(__real_fstatat64(folder.fd, path, &status, 0), 0);
        for (unsigned fd = 0; fd < n_fds; fd++)
                fake_host_open_file(pid, fd);

        memmove(&processes[i + 1], &processes[i], (n_processes - i) * sizeof processes[i]);
        processes[i] = (FakeProcess){ .pid = pid, .fd_inode = status.st_ino };
        n_processes++;
}

static bool is_in_crowd(pid_t pid) {
        const FakeCrowd *crowd = &fake_host.crowd;

        for (size_t i = 0; i < n_ended; i++)
                if (ended[i] == pid)
                        return false;

        return pid >= crowd->first && pid < crowd->first + 2 * crowd->n && (pid - crowd->first) % 2 == 0;
}

void fake_host_end(pid_t pid) {
        char name[64];
        size_t i;

        if (is_in_crowd(pid)) {
                ck_assert_uint_lt(n_ended, ELEMENTSOF(ended));
                ended[n_ended++] = pid;
                return;
        }

        i = (size_t)(get_process(pid) - processes);
        (void)snprintf(name, sizeof name, "proc/%d", (int)pid);
        remove_tree(name);
        n_processes--;
        memmove(&processes[i], &processes[i + 1], (n_processes - i) * sizeof processes[i]);
}

/* ---- the kernel's part ---- */

/* "40/fd", "self/fd" */
static bool is_descriptor_folder(int dir_fd, const char *path) {
        size_t size = strlen(path);

        return dir_fd == fake_host.sources.proc_fd && size > 3 && strcmp(path + size - 3, "/fd") == 0;
}

/* One of the crowd has the files of its model. */
static const char *path_of_model(int dir_fd, const char *path, char ret[static PATH_MAX]) {
        pid_t pid = (pid_t)strtol(path, NULL, 10);

        if (dir_fd != fake_host.sources.proc_fd || pid == 0 || !is_in_crowd(pid))
                return path;

        (void)snprintf(ret, PATH_MAX, "%d%s", (int)fake_host.crowd.model, strchr(path, '/'));
        return ret;
}

static off_t count_entries(int dir_fd, const char *path) {
        int fd = __real_openat64(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const struct dirent *entry;
        off_t n = 0;
        DIR *dir;

        dir = fdopendir(fd);
        ck_assert_ptr_nonnull(dir);
        while ((entry = __real_readdir64(dir)))
                n += entry->d_name[0] != '.';
        ck_assert_int_eq(closedir(dir), 0);
        return n;
}

int __wrap_fstatat64(int dir_fd, const char *path, struct stat *ret, int flags) {
        char model[PATH_MAX];
        int r;

        if (!is_descriptor_folder(dir_fd, path))
                return __real_fstatat64(dir_fd, path, ret, flags);

        fake_host.n_counts++;
        path = path_of_model(dir_fd, path, model);
        if (path == model && fake_host.crowd.model == 0) {
                *ret = (struct stat){ 0 };
                return 0;
        }

        r = __real_fstatat64(dir_fd, path, ret, flags);
        if (r == 0)
                ret->st_size = fake_host.is_old ? 0 : count_entries(dir_fd, path);
        return r;
}

static int descriptor_folder_error(const char *path) {
        pid_t pid = (pid_t)strtol(path, NULL, 10);
        size_t i = find_process(pid);

        if (fake_host.open_errno)
                return fake_host.open_errno;
        return i < n_processes && processes[i].pid == pid && processes[i].refusal == FAKE_REFUSES_FOLDER
                       ? EACCES
                       : 0;
}

int __wrap_openat64(int dir_fd, const char *path, int flags, ...) {
        char model[PATH_MAX];
        mode_t mode = 0;
        va_list list;

        if (flags & O_CREAT) {
                va_start(list, flags);
                mode = va_arg(list, mode_t);
                va_end(list);
        }

        if (is_descriptor_folder(dir_fd, path) && descriptor_folder_error(path)) {
                errno = descriptor_folder_error(path);
                return -1;
        }
        if (strcmp(path, ".") == 0 && dir_fd != fake_host.sources.proc_fd) {
                fake_host.n_walks++;
                fake_host.clock_nsec += fake_host.walk_nsec;
        }

        return __real_openat64(dir_fd, path_of_model(dir_fd, path, model), flags, mode);
}

ssize_t __wrap_readlinkat(int dir_fd, const char *path, char *text, size_t size) {
        bool is_by_path = dir_fd == fake_host.sources.proc_fd;
        pid_t pid = is_by_path ? (pid_t)strtol(path, NULL, 10) : 0;
        char model[PATH_MAX];
        struct stat status;

        fake_host.n_links++;
        ck_assert_int_eq(fstat(dir_fd, &status), 0);
        for (size_t i = 0; i < n_processes; i++)
                if (is_by_path ? processes[i].pid == pid && processes[i].refusal != FAKE_REFUSES_NOTHING
                               : processes[i].fd_inode == status.st_ino &&
                                         processes[i].refusal == FAKE_REFUSES_LINKS) {
                        errno = EACCES;
                        return -1;
                }

        return __real_readlinkat(dir_fd, path_of_model(dir_fd, path, model), text, size);
}

static bool is_root_of_proc(DIR *dir) {
        struct stat status;

        return fstat(dirfd(dir), &status) == 0 && status.st_ino == proc_status.st_ino &&
               status.st_dev == proc_status.st_dev;
}

/* The pid behind the one that was listed last, or 0. */
static pid_t next_pid(void) {
        const FakeCrowd *crowd = &fake_host.crowd;
        size_t i = find_process(last_listed + 1);
        pid_t pid = i < n_processes ? processes[i].pid : 0, one = MAX(crowd->first, last_listed + 1);

        while (one < crowd->first + 2 * crowd->n && !is_in_crowd(one))
                one++;
        return is_in_crowd(one) && (pid == 0 || one < pid) ? one : pid;
}

struct dirent *__wrap_readdir64(DIR *dir) {
        static struct dirent entry;
        static bool was_other_listed;
        pid_t pid;

        if (!is_root_of_proc(dir))
                return __real_readdir64(dir);

        /* What is not a process comes first. */
        if (last_listed == 0 && !was_other_listed) {
                was_other_listed = true;
                strcpy(entry.d_name, "self");
                return &entry;
        }

        was_other_listed = false;
        pid = next_pid();
        if (pid == 0)
                return NULL;

        last_listed = pid;
        (void)snprintf(entry.d_name, sizeof entry.d_name, "%d", (int)pid);
        return &entry;
}

void __wrap_rewinddir(DIR *dir) {
        if (is_root_of_proc(dir))
                last_listed = 0;
        __real_rewinddir(dir);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret) {
        *ret = (struct timespec){
                .tv_sec = (time_t)(fake_host.clock_nsec / 1000000000),
                .tv_nsec = (long)(fake_host.clock_nsec % 1000000000),
        };
        return 0;
}
