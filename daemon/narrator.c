/* SPDX-License-Identifier: Apache-2.0 */

/* What a sample means for the log and for `systemctl status` */

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/narrator.h"
#include "derive/permissions.h"
#include "derive/pressure.h"
#include "exporters/journal/log.h"

/* Said when it begins: kernels before 6.2 list descriptors to count them, for which a privilege is needed.
 */
static void narrator_tell_uncounted(const Sample *before, const Sample *sample) {
        uint64_t n = sample->values[VALUE_PROCESSES_NOT_PERMITTED];

        if (n > 0 && (!before || before->values[VALUE_PROCESSES_NOT_PERMITTED] == 0))
                log_notice("descriptors of %" PRIu64
                           " processes cannot be counted: on this kernel that wants CAP_DAC_READ_SEARCH",
                           n);
}

/* What is missing for want of a privilege, said when it begins. */
static void narrator_tell_permissions(const Sample *before, const Sample *sample) {
        const char *wanted = permissions_wanted_for_owners(sample);
        uint64_t n = sample->values[VALUE_OWNERS_NOT_PERMITTED];
        const char *sockets = n == 1 ? "socket" : "sockets";

        if (n == 0 || (before && before->values[VALUE_OWNERS_NOT_PERMITTED] > 0))
                return;

        if (wanted)
                log_notice("units or processes of %" PRIu64
                           " %s cannot be found: reading descriptors of other users wants %s",
                           n, sockets, wanted);
        else
                log_info("units or processes of %" PRIu64
                         " %s cannot be found: some processes do not let their descriptors be read, "
                         "whatever the privilege",
                         n, sockets);
}

/* Also for want of nothing but the right command: `ip netns exec` mounts a /sys of its own, without them. */
static void narrator_tell_cgroups(const Sample *before, const Sample *sample) {
        bool is_lacking = sample_has(sample, VALUE_CGROUPS_READABLE) &&
                          sample->values[VALUE_CGROUPS_READABLE] == 0,
             was_lacking = before && sample_has(before, VALUE_CGROUPS_READABLE) &&
                           before->values[VALUE_CGROUPS_READABLE] == 0;

        if (is_lacking && !was_lacking)
                log_warning(
                        "units of sockets cannot be found: the tree of control groups (cgroup2) cannot be "
                        "read below /sys");
        if (!is_lacking && was_lacking)
                log_notice("the tree of control groups can be read again");
}

void narrator_tell_changes(const Sample *before, const Sample *sample) {
        static const CollectorReport none;

        assert(sample);

        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++) {
                const CollectorReport *report = &sample->reports[id],
                                      *old = before ? &before->reports[id] : &none;

                if (!report->is_present)
                        continue;

                if (report->error < 0 && report->error != old->error)
                        log_warning("collector %s fails, continuing without its metrics: %s",
                                    collector_name(id), strerror(-report->error));
                if (report->error == 0 && old->error < 0)
                        log_notice("collector %s answers again", collector_name(id));
                if (report->is_incomplete && !old->is_incomplete)
                        log_warning("collector %s saw more than it has room for, its metrics are incomplete",
                                    collector_name(id));
                if (!report->is_incomplete && old->is_incomplete && report->error == 0)
                        log_notice("collector %s has room for all it sees again", collector_name(id));
        }

        narrator_tell_cgroups(before, sample);
        narrator_tell_permissions(before, sample);
        narrator_tell_uncounted(before, sample);
}

void narrator_format_status(const Sample *sample, char *ret_text, size_t size) {
        const ListenerRow *fullest = pressure_fullest_listener(sample);
        char address[ENDPOINT_ADDRESS_SIZE];
        uint64_t duration_nsec = 0;
        int n = 0;

        assert(sample);
        assert(ret_text && size > 0);

        ret_text[0] = '\0';
        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++)
                duration_nsec += sample->reports[id].duration_nsec;

        if (sample_has(sample, VALUE_TCP_ESTABLISHED))
                n = snprintf(ret_text, size,
                             "%" PRIu64 " established, %" PRIu64 " close-wait, %" PRIu64 " time-wait; ",
                             sample->values[VALUE_TCP_ESTABLISHED], sample->values[VALUE_TCP_CLOSE_WAIT],
                             sample->values[VALUE_TCP_TIME_WAIT]);
        if (fullest && n >= 0 && (size_t)n < size) {
                endpoint_format_address(&fullest->key.endpoint, address);
                n += snprintf(ret_text + n, size - (size_t)n,
                              "%u listeners, fullest queue %" PRIu64 " of %" PRIu64 " on %s port %u; ",
                              sample->n_listeners, fullest->worst_length, fullest->worst_limit, address,
                              endpoint_port(&fullest->key.endpoint));
        }
        if (n >= 0 && (size_t)n < size)
                (void)snprintf(ret_text + n, size - (size_t)n, "sample %" PRIu64 " took %.1f ms",
                               sample->number, (double)duration_nsec / 1e6);
}
