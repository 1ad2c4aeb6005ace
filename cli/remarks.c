/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is to be said of a sample above its tables
 *
 * In this order: what is wrong with the host, how old the numbers are, what is
 * missing from the sample, and what is missing for want of a privilege, which on
 * many a host is so for ever.
 */

#include <inttypes.h>
#include <string.h>

#include "cli/printable.h"
#include "cli/remarks.h"
#include "derive/ages.h"
#include "derive/permissions.h"
#include "derive/troubles.h"

/* "nginx, unit nginx.service", or the unit alone where the process is not known. */
#define REMARKS_OWNER_SIZE (UNIT_NAME_SIZE + PROCESS_NAME_SIZE + 8)

static void
remarks_format_owner(const char *unit, const char *process, char ret_text[static REMARKS_OWNER_SIZE]) {
        (void)snprintf(ret_text, REMARKS_OWNER_SIZE, "%s%sunit %s", process, process[0] ? ", " : "", unit);
}

/* ---- what is wrong ---- */

typedef struct Trouble {
        TroubleKind kind;
        const void *row;
        char age[64]; /* to be said behind it; empty where it is judged by what is of the sample itself */
} Trouble;

static void remarks_write_queue(FILE *file, const Trouble *trouble) {
        const ListenerRow *row = trouble->row;
        char name[ENDPOINT_NAME_SIZE], owner[REMARKS_OWNER_SIZE], drops[64] = "";

        endpoint_format_name(&row->key.endpoint, name);
        remarks_format_owner(row->key.unit, row->key.process, owner);
        if (trouble->kind == TROUBLE_QUEUE_FULL) {
                printable_write_line(file,
                                     "accept queue of %s (%s) is full: %" PRIu64
                                     " wait and its limit is %" PRIu64 ", so new ones are dropped",
                                     name, owner, row->worst_length, row->worst_limit);
                return;
        }

        if (row->drops > 0)
                (void)snprintf(drops, sizeof drops, "; it has dropped %" PRIu64 " so far", row->drops);
        printable_write_line(file,
                             "accept queue of %s (%s) was full lately: %" PRIu64
                             " waited and its limit is %" PRIu64 "%s",
                             name, owner, row->peak, row->limit, drops);
}

static void remarks_write_unix_queue(FILE *file, const Trouble *trouble) {
        const UnixListenerRow *row = trouble->row;
        char owner[REMARKS_OWNER_SIZE];

        remarks_format_owner(row->key.unit, row->key.process, owner);
        if (trouble->kind == TROUBLE_UNIX_QUEUE_FULL)
                printable_write_line(file,
                                     "accept queue of %s (%s) is full: %" PRIu64
                                     " wait and its limit is %" PRIu64 ", so others wait or are refused%s",
                                     row->key.path, owner, row->worst_length, row->worst_limit,
                                     trouble->age);
        else
                printable_write_line(file,
                                     "accept queue of %s (%s) was full lately: %" PRIu64
                                     " waited and its limit is %" PRIu64 "%s",
                                     row->key.path, owner, row->peak, row->limit, trouble->age);
}

static void remarks_write_udp_queue(FILE *file, const Trouble *trouble) {
        const UdpSocketRow *row = trouble->row;
        char name[ENDPOINT_NAME_SIZE], owner[REMARKS_OWNER_SIZE];

        endpoint_format_name(&row->key.endpoint, name);
        remarks_format_owner(row->key.unit, row->key.process, owner);
        printable_write_line(file,
                             "receive queue of UDP %s (%s) is at %.0f%% of its limit, and it has dropped "
                             "%" PRIu64 " so far%s",
                             name, owner,
                             (double)row->worst_queue_bytes * 100 / (double)row->worst_buffer_bytes,
                             row->drops, trouble->age);
}

static void remarks_write_process(FILE *file, const Trouble *trouble) {
        const ProcessRow *row = trouble->row;
        const char *process = row->key.process, *unit = row->key.unit;

        if (trouble->kind == TROUBLE_CLOSE_WAIT)
                printable_write_line(file,
                                     "%s (pid %" PRIu64 ", unit %s) holds %" PRIu64
                                     " connections in CLOSE-WAIT: their peers have closed and it does not%s",
                                     process, row->close_wait_pid > 0 ? row->close_wait_pid : row->pid, unit,
                                     row->n_close_wait, trouble->age);
        else
                printable_write_line(file,
                                     "%s (pid %" PRIu64 ", unit %s) has %" PRIu64 " of %" PRIu64
                                     " descriptors open%s%s",
                                     process, row->pid, unit, row->open_fds, row->fd_limit,
                                     trouble->kind == TROUBLE_FDS_EXHAUSTED ? ", so it can open no more"
                                                                            : "",
                                     trouble->age);
}

static void remarks_write_unit(FILE *file, const Trouble *trouble) {
        const UnitRow *row = trouble->row;
        uint64_t n_accepted = row->n_close_wait_accepted;

        if (trouble->kind == TROUBLE_UNIT_CLOSE_WAIT)
                printable_write_line(file,
                                     "unit %s holds %" PRIu64
                                     " connections in CLOSE-WAIT: their peers have closed and it does not%s",
                                     row->key.unit, n_accepted, trouble->age);
        else
                printable_write_line(file,
                                     "unit %s has not accepted %" PRIu64
                                     " connections whose peers have closed since%s",
                                     row->key.unit,
                                     row->states[STATE_CLOSE_WAIT] -
                                             MIN(row->states[STATE_CLOSE_WAIT], n_accepted),
                                     trouble->age);
}

static const struct {
        const char *others;
        void (*write)(FILE *file, const Trouble *trouble);
} remarks_troubles[_TROUBLES] = {
        [TROUBLE_QUEUE_FULL] = { "accept queues are full", remarks_write_queue },
        [TROUBLE_UNIX_QUEUE_FULL] = { "accept queues of UNIX listeners are full", remarks_write_unix_queue },
        [TROUBLE_FDS_EXHAUSTED] = { "processes can open no more descriptors", remarks_write_process },
        [TROUBLE_QUEUE_WAS_FULL] = { "accept queues were full lately", remarks_write_queue },
        [TROUBLE_UNIX_QUEUE_WAS_FULL] = { "accept queues of UNIX listeners were full lately",
                                          remarks_write_unix_queue },
        [TROUBLE_UDP_QUEUE_HIGH] = { "UDP receive queues are nearly full", remarks_write_udp_queue },
        [TROUBLE_FDS_HIGH] = { "processes are near their limit of descriptors", remarks_write_process },
        [TROUBLE_CLOSE_WAIT] = { "processes hold connections in CLOSE-WAIT", remarks_write_process },
        [TROUBLE_UNIT_CLOSE_WAIT] = { "units hold connections in CLOSE-WAIT", remarks_write_unit },
        [TROUBLE_NOT_ACCEPTED] = { "units have not accepted connections that are closed",
                                   remarks_write_unit },
};

static void remarks_write_kind(const Sample *sample, TroubleKind kind, FILE *file) {
        usec_t age_usec = trouble_age(sample, kind);
        Trouble trouble = { .kind = kind };
        Troubles troubles;
        uint32_t n_named;

        if (age_usec > 0)
                (void)snprintf(trouble.age, sizeof trouble.age, ", counted up to %.1f s before this sample",
                               (double)age_usec / (double)USEC_PER_SEC);

        troubles_find(sample, kind, &troubles);
        n_named = MIN(troubles.n, (uint32_t)TROUBLES_NAMED_MAX);
        for (uint32_t i = 0; i < n_named; i++) {
                trouble.row = sample_get_row(sample, trouble_table(kind), troubles.rows[i]);
                remarks_troubles[kind].write(file, &trouble);
        }
        if (troubles.n > n_named)
                printable_write_line(file, "and %" PRIu32 " more: %s", troubles.n - n_named,
                                     remarks_troubles[kind].others);
}

static void remarks_write_troubles(const Sample *sample, FILE *file) {
        for (TroubleKind kind = 0; kind < _TROUBLES; kind++)
                remarks_write_kind(sample, kind, file);
}

/* ---- how old the numbers are ---- */

/* What stands in the tables of a view, under the names that it has there; NULL: it does not. */
static const char *const remarks_parts[_REMARKS_VIEWS][_AGES_PARTS] = {
        [REMARKS_STATUS] = {
                [AGES_ESTABLISHED] = "ESTABLISHED", [AGES_TIME_WAIT] = "TIME-WAIT",
                [AGES_RARE_STATES] = "all states but ESTABLISHED and TIME-WAIT", [AGES_BOUND] = "BOUND",
        },
        [REMARKS_STATES] = {
                [AGES_ESTABLISHED] = "ESTABLISHED", [AGES_TIME_WAIT] = "TIME-WAIT",
                [AGES_RARE_STATES] = "all states but ESTABLISHED and TIME-WAIT", [AGES_BOUND] = "BOUND",
                [AGES_FULL_WALK] = "unread and unsent bytes, retransmitting, destinations",
        },
        [REMARKS_LISTENERS] = {
                [AGES_RARE_STATES] = "SYN-RECV, CLOSE-WAIT", [AGES_FULL_WALK] = "ESTAB, TIME-WAIT",
                [AGES_UNIX] = "UNIX listeners", [AGES_UDP] = "UDP sockets",
        },
        [REMARKS_UNITS] = {
                [AGES_RARE_STATES] = "LISTEN, CLOSE-W, NOT-ACC",
                [AGES_FULL_WALK] = "TCP, ESTAB, TIME-W, UNREAD, UNSENT, RETR",
        },
};

#define REMARKS_PARTS(a, b, c) (1U << AGES_##a | 1U << AGES_##b | 1U << AGES_##c)

/* The names of a group's parts. */
static void remarks_format_parts(RemarksView view, unsigned parts, size_t size, char *ret_text) {
        static const unsigned states = REMARKS_PARTS(ESTABLISHED, TIME_WAIT, RARE_STATES);
        size_t n = 0;

        ret_text[0] = '\0';
        if (remarks_parts[view][AGES_ESTABLISHED] && (parts & states) == states) {
                n = (size_t)snprintf(ret_text, size, "all states");
                parts &= ~(states | 1U << AGES_BOUND);
        }
        for (unsigned part = 0; part < _AGES_PARTS && n < size; part++)
                if (parts >> part & 1)
                        n += (size_t)snprintf(ret_text + n, size - n, "%s%s", n > 0 ? ", " : "",
                                              remarks_parts[view][part]);
}

/* What is of the sample itself is told as well: "all states but ESTABLISHED and TIME-WAIT" are other than
 * all that is named. */
static void remarks_write_ages(const Sample *sample, RemarksView view, FILE *file) {
        AgesGroup groups[_AGES_PARTS];
        unsigned wanted = 0;
        size_t n;

        if (ages_lacks_walks(sample)) {
                printable_write_line(file, "TCP sockets are not counted, as walks over them are turned off "
                                           "(walks.budget is 0%%)");
                return;
        }

        for (unsigned part = 0; part < _AGES_PARTS; part++)
                if (remarks_parts[view][part])
                        wanted |= 1U << part;

        n = ages_group(sample, wanted, groups);
        for (size_t i = 0; i < n; i++) {
                char text[160];

                remarks_format_parts(view, groups[i].parts, sizeof text, text);
                printable_write_line(file, "counted %.1f s before this sample: %s",
                                     (double)groups[i].age_usec / (double)USEC_PER_SEC, text);
        }
}

/* ---- what is missing ---- */

static void remarks_write_collectors(const Sample *sample, FILE *file) {
        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++) {
                const CollectorReport *report = &sample->reports[id];

                if (!report->is_present || !collector_name(id))
                        continue;
                if (report->error < 0)
                        printable_write_line(file, "collector %s fails: %s", collector_name(id),
                                             strerror(-report->error));
                if (report->is_incomplete)
                        printable_write_line(file,
                                             "collector %s is incomplete: it has not come to all of it yet, "
                                             "or saw more than it has room for",
                                             collector_name(id));
        }
}

static void remarks_write_cgroups(const Sample *sample, FILE *file) {
        if (sample_has(sample, VALUE_CGROUPS_READABLE) && sample->values[VALUE_CGROUPS_READABLE] == 0)
                printable_write_line(file,
                                     "units of sockets are not known: sockwatchd cannot read the tree of "
                                     "control groups (cgroup2, mounted below /sys)");
}

static void remarks_write_permissions(const Sample *sample, FILE *file) {
        uint64_t n = sample->values[VALUE_OWNERS_NOT_PERMITTED];
        const char *wanted = permissions_wanted_for_owners(sample);

        if (n == 0)
                return;

        if (n == 1)
                (void)fprintf(file, "the owner of 1 socket is not known: ");
        else
                (void)fprintf(file, "owners of %" PRIu64 " sockets are not known: ", n);
        if (wanted)
                (void)fprintf(file, "reading descriptors of other users wants %s\n", wanted);
        else
                (void)fprintf(file, "some processes do not let their descriptors be read\n");
}

void remarks_write(const Sample *sample, RemarksView view, FILE *file) {
        remarks_write_troubles(sample, file);
        remarks_write_ages(sample, view, file);
        remarks_write_collectors(sample, file);
        remarks_write_cgroups(sample, file);
        remarks_write_permissions(sample, file);
}
