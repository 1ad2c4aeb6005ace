/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a person would call a cgroup
 *
 * Pure: a cgroup2 path below the mount in, the name of its unit, container or
 * pod out.
 *
 *   a unit                       nginx.service, session-3.scope, init.scope
 *   a unit of a user's manager   user@1000.service/foo.service
 *   slices alone                 the innermost: user-1000.slice
 *   a container                  docker/0123456789ab, podman/, containerd/, crio/;
 *                                container/ if the runtime is not known
 *   a container of a pod         pod/UID/0123456789ab, whatever the runtime
 *   a pod                        pod/UID
 *   a container's monitor        libpod-conmon-0123456789ab.scope
 *   anything else                its path, /foo/bar; of the root /
 *
 * What is below a unit or a container belongs to it: delegated cgroups, and the
 * units of an init within. Of containers in one another the outermost counts.
 * A container below a unit is the container, except one that splits the cgroup
 * of its service (Podman's Quadlet): that is the service.
 *
 * Where the shapes come from:
 *  - systemd: units are nested in their slices (systemd.slice(5),
 *    systemd.special(7)), all types that run processes have a cgroup, and the
 *    escapes of systemd.unit(5) are kept. A name that could be taken for a file
 *    of the kernel has "_" in front of it, which is removed ("_cpu.service";
 *    cg_escape() of systemd's src/basic/cgroup-util.c);
 *  - runtimes, systemd driver: RUNTIME-ID.scope, in any slice; cgroupfs driver:
 *    /docker/ID, /libpod_parent/libpod-ID, /libpod_parent/POD/libpod-ID,
 *    /kubepods/QOS/podUID/ID and the same with crio-ID. A cgroupfs driver that is
 *    given a path meant for systemd makes one folder SLICE:RUNTIME:ID;
 *  - Kubernetes: kubepods[-QOS]-podUID.slice, "-" in the UID written as "_",
 *    "ROOT-" in front with --cgroup-root; or .../kubepods/[QOS/]podUID (kubelet's
 *    pkg/kubelet/cm/cgroup_manager_linux.go).
 * An ID is 64 lower-case hexadecimal digits, of which the first 12 are told.
 */

#include <stddef.h>

#include "base/names.h"

/**
 * cgroup_unit_name() - name a cgroup
 * @path:       "/system.slice/nginx.service"; need not be NUL-terminated
 * @ret_name:   NUL-terminated, never empty
 *
 * Names of cgroups are any bytes but "/", newline and NUL, and are handed on as they are,
 * UTF-8 or not. A name that does not fit is cut between two characters, and
 * ends in "…" and a hash of all of it (64 bits, safe against accidents only).
 */
void cgroup_unit_name(const char *path, size_t size, char ret_name[static UNIT_NAME_SIZE]);
