/* SPDX-License-Identifier: Apache-2.0 */

/* What a single collector plays on: a context, over a host that has cgroups alone */

#include <check.h>
#include <stdio.h>
#include <sys/stat.h>

#include "unit/stage.h"

#define STAGE_SLICE "fs/cgroup/system.slice/"

Stage stage;

void stage_init(void) {
        CollectContext *context = &stage.context;
        const char *what;

        folder_init(&stage.folder);
        folder_write_text(&stage.folder, "self/mountinfo",
                          "1 2 0:3 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
        folder_write_text(&stage.folder, STAGE_SLICE "cgroup.procs", "");

        ck_assert_int_eq(sources_init(&stage.sources, stage.folder.path, stage.folder.path, &what), 0);
        stage.bounds = bounds_default;
        *context = (CollectContext){ .sources = &stage.sources, .bounds = &stage.bounds };
        ck_assert_int_eq(units_new(context->sources, &context->units), 0);
        ck_assert_int_eq(processes_new(context->sources, context->units, &context->processes), 0);
        ck_assert_int_eq(owners_new(context->sources, context->units, context->processes, &context->owners),
                         0);
        ck_assert_int_eq(suspects_new(context->sources, context->units, context->processes,
                                      &context->suspects),
                         0);
        ck_assert_int_eq(listeners_new(&context->listeners), 0);
        stage_begin(1000 * USEC_PER_SEC);
}

void stage_done(void) {
        CollectContext *context = &stage.context;

        context->listeners = listeners_free(context->listeners);
        context->suspects = suspects_free(context->suspects);
        context->owners = owners_free(context->owners);
        context->processes = processes_free(context->processes);
        context->units = units_free(context->units);
        sources_done(&stage.sources);
        folder_done(&stage.folder);
}

uint64_t stage_add_service(const char *name) {
        char path[PATH_MAX];
        struct stat status;

        (void)snprintf(path, sizeof path, STAGE_SLICE "%s", name);
        ck_assert_int_eq(mkdirat(stage.folder.fd, path, 0755), 0);
        ck_assert_int_eq(fstatat(stage.folder.fd, path, &status, 0), 0);
        return status.st_ino;
}

void stage_begin(usec_t boottime_usec) {
        sample_clear(&stage.sample);
        stage.sample.boottime_usec = boottime_usec;
        stage.context.now_usec = boottime_usec;
        stage.context.walk = WALK_ALL;
        units_begin(stage.context.units);
        owners_begin(stage.context.owners, boottime_usec, /* is_hurried= */ false);
}
