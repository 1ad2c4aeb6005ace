/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The catalogue: every metric, declared once
 *
 * Names: prometheus.io/docs/practices/naming. What is counted over living
 * sockets is a gauge, as it falls when they close; what only rises is the
 * kernel's own counter. IPv4 and IPv6 are told apart by a label `family` where
 * the kernel counts them apart, which it does not for TCP's counters.
 */

#include <string.h>

#include "exporters/prometheus/catalogue.h"

/* ---- figures that are more than one stored number ---- */

static bool sample_taken(const Sample *sample, uint64_t *ret) {
        *ret = sample->realtime_usec;
        return true;
}

/* In millionths. A full queue holds limit + 1; the ratio is 1 then, and whatever is queued, with a limit of
 * 0. */
static uint64_t fullness(uint64_t length, uint64_t limit) {
        return length * 1000000 / (limit + 1);
}

static bool listener_utilization(const void *row, uint64_t *ret) {
        const ListenerRow *listener = row;

        *ret = fullness(listener->worst_length, listener->worst_limit);
        return true;
}

static bool unix_listener_utilization(const void *row, uint64_t *ret) {
        const UnixListenerRow *listener = row;

        *ret = fullness(listener->worst_length, listener->worst_limit);
        return true;
}

static bool udp_utilization(const void *row, uint64_t *ret) {
        const UdpSocketRow *socket = row;

        *ret = socket->worst_buffer_bytes > 0
                       ? socket->worst_queue_bytes * 1000000 / socket->worst_buffer_bytes
                       : 0;
        return true;
}

static bool unit_never_accepted(const void *row, uint64_t *ret) {
        const UnitRow *unit = row;

        *ret = unit->states[STATE_CLOSE_WAIT] -
               MIN(unit->states[STATE_CLOSE_WAIT], unit->n_close_wait_accepted);
        return true;
}

static bool unit_fd_utilization(const void *row, uint64_t *ret) {
        const UnitRow *unit = row;

        *ret = unit->worst_fd_limit > 0
                       ? (uint64_t)((double)unit->worst_open_fds * 1e6 / (double)unit->worst_fd_limit)
                       : 0;
        return unit->worst_fd_limit > 0;
}

static bool process_fd_limit(const void *row, uint64_t *ret) {
        const ProcessRow *process = row;

        *ret = process->fd_limit;
        return process->fd_limit > 0 && process->fd_limit < UINT64_MAX;
}

static bool process_close_wait(const void *row, uint64_t *ret) {
        const ProcessRow *process = row;

        *ret = process->n_close_wait;
        return process->is_close_wait_known > 0;
}

static bool listener_has_rare_states(const void *row) {
        return listener_has_state(row, STATE_SYN_RECV);
}

static bool listener_has_all_states(const void *row) {
        return listener_has_state(row, STATE_ESTABLISHED);
}

/* The destination to which the most ports are in use, against all that there are. */
static bool ports_utilization(const Sample *sample, uint64_t *ret) {
        uint64_t n_ports = sample->values[VALUE_EPHEMERAL_PORTS], n_most = 0;

        for (uint32_t i = 0; i < sample->n_destinations; i++)
                if (!endpoint_is_other(&sample->destinations[i].key))
                        n_most = MAX(n_most, sample->destinations[i].n_ports);

        *ret = n_ports > 0 ? n_most * 1000000 / n_ports : 0;
        return n_ports > 0 && sample->reports[COLLECTOR_TCP].is_present &&
               sample->reports[COLLECTOR_TCP].error == 0;
}

static bool collector_success(const CollectorReport *report, uint64_t *ret) {
        *ret = report->error == 0;
        return true;
}

static bool collector_incomplete(const CollectorReport *report, uint64_t *ret) {
        *ret = report->is_incomplete;
        return true;
}

static bool collector_duration(const CollectorReport *report, uint64_t *ret) {
        *ret = report->duration_nsec;
        return true;
}

static bool collector_failures(const CollectorReport *report, uint64_t *ret) {
        *ret = report->n_failures;
        return true;
}

static bool collector_last_success(const CollectorReport *report, uint64_t *ret) {
        *ret = report->last_success_usec;
        return report->last_success_usec > 0;
}

/* ---- the list ---- */

/* A metric that is one number of the sample, without labels. */
#define ONE_COUNTER(name_, id_, help_)                                                \
        {                                                                             \
                .name = (name_), .type = METRIC_COUNTER, .help = (help_), .series = { \
                        { VALUE_##id_, { 0 } }                                        \
                }                                                                     \
        }
#define ONE_GAUGE(name_, id_, help_)                                                \
        {                                                                           \
                .name = (name_), .type = METRIC_GAUGE, .help = (help_), .series = { \
                        { VALUE_##id_, { 0 } }                                      \
                }                                                                   \
        }
#define ONE_GAUGE_BYTES(name_, id_, help_)                                                           \
        {                                                                                            \
                .name = (name_), .type = METRIC_GAUGE, .unit = "bytes", .help = (help_), .series = { \
                        { VALUE_##id_, { 0 } }                                                       \
                }                                                                                    \
        }

/* A counter that the kernel keeps for each family of addresses. */
#define BY_FAMILY(name_, type_, id4_, id6_, help_)                                                     \
        {                                                                                              \
                .name = (name_), .type = (type_), .help = (help_), .labels = { "family" }, .series = { \
                        { VALUE_##id4_, { "ipv4" } },                                                  \
                        { VALUE_##id6_, { "ipv6" } },                                                  \
                }                                                                                      \
        }

/* A metric of each row of a table that is one of its fields. */
#define ROW_METRIC(name_, type_, table_, collector_, row_type_, field_, source_, help_) \
        {                                                                               \
                .name = (name_), .type = (type_), .help = (help_), .source = (source_), \
                .rows = {                                                               \
                        .table = TABLE_##table_,                                        \
                        .collector = COLLECTOR_##collector_,                            \
                        .n_figures = 1,                                                 \
                        .figures = { { .field = offsetof(row_type_, field_) } },        \
                },                                                                      \
        }
#define LISTENER(name_, type_, field_, source_, help_) \
        ROW_METRIC(name_, type_, LISTENERS, LISTEN, ListenerRow, field_, source_, help_)
#define UNIX_LISTENER(name_, type_, field_, source_, help_) \
        ROW_METRIC(name_, type_, UNIX_LISTENERS, UNIX, UnixListenerRow, field_, source_, help_)
#define UDP_SOCKET(name_, type_, field_, source_, help_) \
        ROW_METRIC(name_, type_, UDP_SOCKETS, UDP, UdpSocketRow, field_, source_, help_)
#define UNIT(name_, collector_, field_, source_, help_) \
        ROW_METRIC(name_, METRIC_GAUGE, UNITS, collector_, UnitRow, field_, source_, help_)

/* The same in bytes, in seconds, or as a ratio of a row. */
#define ROW_METRIC_BYTES(name_, table_, collector_, row_type_, field_, source_, help_)   \
        {                                                                                \
                .name = (name_), .type = METRIC_GAUGE, .unit = "bytes", .help = (help_), \
                .source = (source_),                                                     \
                .rows = {                                                                \
                        .table = TABLE_##table_,                                         \
                        .collector = COLLECTOR_##collector_,                             \
                        .n_figures = 1,                                                  \
                        .figures = { { .field = offsetof(row_type_, field_) } },         \
                },                                                                       \
        }
#define ROW_METRIC_SECONDS_TOTAL(name_, table_, collector_, row_type_, field_, source_, help_)              \
        {                                                                                                   \
                .name = (name_), .type = METRIC_COUNTER, .unit = "seconds", .decimals = 6, .help = (help_), \
                .source = (source_),                                                                        \
                .rows = {                                                                                   \
                        .table = TABLE_##table_,                                                            \
                        .collector = COLLECTOR_##collector_,                                                \
                        .n_figures = 1,                                                                     \
                        .figures = { { .field = offsetof(row_type_, field_) } },                            \
                },                                                                                          \
        }
#define ROW_METRIC_RATIO(name_, table_, collector_, of_row_, source_, help_)                            \
        {                                                                                               \
                .name = (name_), .type = METRIC_GAUGE, .unit = "ratio", .decimals = 6, .help = (help_), \
                .source = (source_),                                                                    \
                .rows = {                                                                               \
                        .table = TABLE_##table_,                                                        \
                        .collector = COLLECTOR_##collector_,                                            \
                        .n_figures = 1,                                                                 \
                        .figures = { { .of_row = (of_row_) } },                                         \
                },                                                                                      \
        }

#define STATE(row_type_, name_, index_) \
        { .label = (name_), .field = offsetof(row_type_, states[index_]) }

#define LISTENER_STATE(name_, index_, is_measured_) \
        { .label = (name_), .field = offsetof(ListenerRow, states[index_]), .is_measured = (is_measured_) }

const char *const metric_row_labels[_TABLES][METRIC_ROW_LABELS_MAX] = {
        [TABLE_LISTENERS] = { "address", "port", "unit", "process" },
        [TABLE_UNIX_LISTENERS] = { "path", "unit", "process" },
        [TABLE_UDP_SOCKETS] = { "address", "port", "unit", "process" },
        [TABLE_UNITS] = { "unit" },
        [TABLE_PROCESSES] = { "process", "unit" },
        [TABLE_DESTINATIONS] = { "destination" },
};

const Metric metric_catalogue[] = {
        /* TCP now */
        {
                .name = "sockwatch_tcp_sockets",
                .type = METRIC_GAUGE,
                .help = "TCP sockets by state, IPv4 and IPv6 together. Close_wait: the peer has closed and the local program has " "not yet.",
                .labels = { "state" },
                .series = {
                        { VALUE_TCP_ESTABLISHED, { "established" } },
                        { VALUE_TCP_SYN_SENT, { "syn_sent" } },
                        { VALUE_TCP_SYN_RECV, { "syn_recv" } },
                        { VALUE_TCP_FIN_WAIT1, { "fin_wait1" } },
                        { VALUE_TCP_FIN_WAIT2, { "fin_wait2" } },
                        { VALUE_TCP_TIME_WAIT, { "time_wait" } },
                        { VALUE_TCP_CLOSE, { "close" } },
                        { VALUE_TCP_CLOSE_WAIT, { "close_wait" } },
                        { VALUE_TCP_LAST_ACK, { "last_ack" } },
                        { VALUE_TCP_LISTEN, { "listen" } },
                        { VALUE_TCP_CLOSING, { "closing" } },
                        { VALUE_TCP_BOUND_INACTIVE, { "bound_inactive" } },
                },
        },
        ONE_GAUGE_BYTES("sockwatch_tcp_receive_queue_bytes",
                        TCP_RECEIVE_QUEUE_BYTES,
                        "Bytes received by TCP and not yet read by applications, of all sockets but listeners."),
        ONE_GAUGE_BYTES("sockwatch_tcp_send_queue_bytes",
                        TCP_SEND_QUEUE_BYTES,
                        "Bytes written by applications and not yet sent or not yet acknowledged, of all TCP sockets."),
        ONE_GAUGE("sockwatch_tcp_retransmitting_sockets",
                  TCP_RETRANSMITTING,
                  "TCP sockets whose oldest segment was sent again and is still not acknowledged."),
        {
                .name = "sockwatch_tcp_counted_timestamp_seconds",
                .type = METRIC_GAUGE,
                .unit = "seconds",
                .decimals = 6,
                .help = "When what walks over all TCP sockets count was true. Established, time_wait: those in sockwatch_tcp_sockets; between walks they come from counters of the kernel, once it is known what these count, less what the last walk found in close_wait and fin_wait2, and are as old as that. Rare_states: all other states but bound_inactive, also by unit and listener. Full_walk: established and time_wait by unit and listener, bytes in queues, retransmitting sockets, destinations.",
                .labels = { "what" },
                .series = {
                        { VALUE_TCP_ESTABLISHED_USEC, { "established" } },
                        { VALUE_TCP_TIME_WAIT_USEC, { "time_wait" } },
                        { VALUE_TCP_RARE_STATES_USEC, { "rare_states" } },
                        { VALUE_TCP_FULL_WALK_USEC, { "full_walk" } },
                        { VALUE_TCP_BOUND_INACTIVE_USEC, { "bound_inactive" } },
                },
        },
        ONE_GAUGE("sockwatch_tcp_current_established_sockets",
                  TCP_CURRENT_ESTABLISHED,
                  "What the kernel counts as established without being walked: with close_wait from Linux 6.10 and its backports on, without before."),
        ONE_GAUGE("sockwatch_tcp_time_wait_allocated_sockets",
                  TCP_TIME_WAIT_ALLOCATED,
                  "Sockets in time_wait, and those in fin_wait2 that no process has any more, as the kernel counts them without being walked."),
        ONE_GAUGE("sockwatch_tcp_orphans",
                  TCP_ORPHANS,
                  "TCP sockets that no process holds any more, of all network namespaces of the host."),
        ONE_GAUGE("sockwatch_tcp_allocated_sockets",
                  TCP_ALLOCATED,
                  "TCP sockets that have memory allocated, of all network namespaces of the host."),
        ONE_GAUGE_BYTES("sockwatch_tcp_memory_bytes",
                        TCP_MEMORY_BYTES,
                        "Memory of TCP buffers, of all network namespaces of the host, in whole pages."),
        BY_FAMILY("sockwatch_tcp_in_use_sockets",
                  METRIC_GAUGE,
                  TCP4_IN_USE,
                  TCP6_IN_USE,
                  "TCP sockets in use, without TIME_WAIT and half-open ones."),

        /* Listeners */
        LISTENER("sockwatch_listener_accept_queue_length",
                 METRIC_GAUGE,
                 length,
                 "sock_diag idiag_rqueue",
                 "Established connections that wait for the application to accept them, at all sockets of the listener."),
        LISTENER("sockwatch_listener_accept_queue_limit",
                 METRIC_GAUGE,
                 limit,
                 "sock_diag idiag_wqueue",
                 "The length above which the accept queue is full: the lower of listen(2) and somaxconn, summed over all sockets of the listener."),
        LISTENER("sockwatch_listener_accept_queue_peak",
                 METRIC_GAUGE,
                 peak,
                 "sock_diag idiag_rqueue",
                 "The highest length of the accept queue in any sample of the last minute (windows.peak in the configuration), so that no burst is lost between two scrapes."),
        ROW_METRIC_RATIO("sockwatch_listener_accept_queue_utilization_ratio",
                         LISTENERS,
                         LISTEN,
                         listener_utilization,
                         "sock_diag idiag_rqueue / (idiag_wqueue + 1)",
                         "How full the fullest accept queue of the address and port is; 1 is full."),
        ROW_METRIC_SECONDS_TOTAL("sockwatch_listener_saturated_seconds_total",
                                 LISTENERS,
                                 LISTEN,
                                 ListenerRow,
                                 saturated_usec,
                                 "sock_diag idiag_rqueue > idiag_wqueue",
                                 "Time in which an accept queue of the listener was full, as sampled."),
        LISTENER("sockwatch_listener_drops_total",
                 METRIC_COUNTER,
                 drops,
                 "sock_diag SK_MEMINFO_DROPS",
                 "Segments dropped at this listener: attempts to connect that found its accept queue full, each try of a client anew, and acknowledgements put off by TCP_DEFER_ACCEPT."),
        LISTENER("sockwatch_listener_listening_sockets",
                 METRIC_GAUGE,
                 n_sockets,
                 "sock_diag TCP_LISTEN",
                 "Sockets that listen on the address and port; more than one with SO_REUSEPORT."),
        LISTENER("sockwatch_listener_dual_stack",
                 METRIC_GAUGE,
                 is_dual_stack,
                 "sock_diag INET_DIAG_SKV6ONLY",
                 "1 if an IPv6 listener takes IPv4 connections as well, else 0."),
        {
                .name = "sockwatch_listener_syn_queue_length",
                .type = METRIC_GAUGE,
                .help = "Half-open connections to the listener: a SYN came and the handshake is not complete.",
                .source = "sock_diag TCP_SYN_RECV",
                .rows = {
                        .table = TABLE_LISTENERS,
                        .collector = COLLECTOR_TCP,
                        .n_figures = 1,
                        .figures = { LISTENER_STATE(NULL, STATE_SYN_RECV, listener_has_rare_states) },
                },
        },
        {
                .name = "sockwatch_listener_sockets",
                .type = METRIC_GAUGE,
                .help = "Connections that came in by the listener, by state; those that wait to be accepted are among them. Absent until a walk has counted them.",
                .source = "sock_diag idiag_state",
                .rows = {
                        .table = TABLE_LISTENERS,
                        .collector = COLLECTOR_TCP,
                        .label = "state",
                        .n_figures = 9,
                        .figures = {
                                LISTENER_STATE("established", STATE_ESTABLISHED, listener_has_all_states),
                                LISTENER_STATE("syn_recv", STATE_SYN_RECV, listener_has_rare_states),
                                LISTENER_STATE("fin_wait1", STATE_FIN_WAIT1, listener_has_rare_states),
                                LISTENER_STATE("fin_wait2", STATE_FIN_WAIT2, listener_has_rare_states),
                                LISTENER_STATE("time_wait", STATE_TIME_WAIT, listener_has_all_states),
                                LISTENER_STATE("close", STATE_CLOSE, listener_has_rare_states),
                                LISTENER_STATE("close_wait", STATE_CLOSE_WAIT, listener_has_rare_states),
                                LISTENER_STATE("last_ack", STATE_LAST_ACK, listener_has_rare_states),
                                LISTENER_STATE("closing", STATE_CLOSING, listener_has_rare_states),
                        },
                },
        },

        /* UNIX listeners */
        UNIX_LISTENER("sockwatch_unix_listener_accept_queue_length",
                      METRIC_GAUGE,
                      length,
                      "unix_diag udiag_rqueue",
                      "Connections that wait for the application to accept them, at all sockets that listen on the path."),
        UNIX_LISTENER("sockwatch_unix_listener_accept_queue_limit",
                      METRIC_GAUGE,
                      limit,
                      "unix_diag udiag_wqueue",
                      "The length above which the accept queue is full: further connects wait, or fail with EAGAIN."),
        UNIX_LISTENER("sockwatch_unix_listener_accept_queue_peak",
                      METRIC_GAUGE,
                      peak,
                      "unix_diag udiag_rqueue",
                      "The highest length of the accept queue in any sample of the last minute (windows.peak in the configuration)."),
        ROW_METRIC_RATIO("sockwatch_unix_listener_accept_queue_utilization_ratio",
                         UNIX_LISTENERS,
                         UNIX,
                         unix_listener_utilization,
                         "unix_diag udiag_rqueue / (udiag_wqueue + 1)",
                         "How full the fullest accept queue of the path is; 1 is full."),
        ROW_METRIC_SECONDS_TOTAL("sockwatch_unix_listener_saturated_seconds_total",
                                 UNIX_LISTENERS,
                                 UNIX,
                                 UnixListenerRow,
                                 saturated_usec,
                                 "unix_diag udiag_rqueue > udiag_wqueue",
                                 "Time in which an accept queue of the path was full, as sampled."),

        /* UDP sockets */
        ROW_METRIC_BYTES("sockwatch_udp_socket_receive_queue_bytes",
                         UDP_SOCKETS,
                         UDP,
                         UdpSocketRow,
                         queue_bytes,
                         "udp_diag idiag_rqueue",
                         "Memory of datagrams that the application has not read yet, at all sockets of the address and port that take them from anybody; those on ports that the kernel chose are one row a unit, port ephemeral."),
        ROW_METRIC_BYTES("sockwatch_udp_socket_receive_buffer_bytes",
                         UDP_SOCKETS,
                         UDP,
                         UdpSocketRow,
                         buffer_bytes,
                         "udp_diag SK_MEMINFO_RCVBUF",
                         "The memory above which further datagrams are dropped, summed over those sockets."),
        ROW_METRIC_RATIO("sockwatch_udp_socket_receive_queue_utilization_ratio",
                         UDP_SOCKETS,
                         UDP,
                         udp_utilization,
                         "udp_diag idiag_rqueue / SK_MEMINFO_RCVBUF",
                         "How full the fullest receive queue of the address and port is; near 1 datagrams are dropped."),
        UDP_SOCKET("sockwatch_udp_socket_drops_total",
                   METRIC_COUNTER,
                   drops,
                   "udp_diag SK_MEMINFO_DROPS",
                   "Datagrams dropped at these sockets, most often because their receive queue was full."),

        /* Units */
        {
                .name = "sockwatch_unit_tcp_sockets",
                .type = METRIC_GAUGE,
                .help = "TCP sockets by unit and state; the sum over units is what the walk found on the host. Unattributed: whose they are could not be found out.",
                .source = "sock_diag INET_DIAG_CGROUP_ID",
                .rows = {
                        .table = TABLE_UNITS,
                        .collector = COLLECTOR_TCP,
                        .label = "state",
                        .n_figures = 12,
                        .figures = {
                                STATE(UnitRow, "established", STATE_ESTABLISHED),
                                STATE(UnitRow, "syn_sent", STATE_SYN_SENT),
                                STATE(UnitRow, "syn_recv", STATE_SYN_RECV),
                                STATE(UnitRow, "fin_wait1", STATE_FIN_WAIT1),
                                STATE(UnitRow, "fin_wait2", STATE_FIN_WAIT2),
                                STATE(UnitRow, "time_wait", STATE_TIME_WAIT),
                                STATE(UnitRow, "close", STATE_CLOSE),
                                STATE(UnitRow, "close_wait", STATE_CLOSE_WAIT),
                                STATE(UnitRow, "last_ack", STATE_LAST_ACK),
                                STATE(UnitRow, "listen", STATE_LISTEN),
                                STATE(UnitRow, "closing", STATE_CLOSING),
                                {
                                        .label = "bound_inactive",
                                        .field = offsetof(UnitRow, states[STATE_BOUND_INACTIVE]),
                                        .only_with = VALUE_TCP_BOUND_INACTIVE,
                                },
                        },
                },
        },
        {
                .name = "sockwatch_unit_close_wait_sockets",
                .type = METRIC_GAUGE,
                .help = "TCP sockets of the unit whose peer has closed. Accepted yes: the program has them and does not close them. Accepted no: it never accepted them.",
                .source = "sock_diag idiag_inode",
                .rows = {
                        .table = TABLE_UNITS,
                        .collector = COLLECTOR_TCP,
                        .label = "accepted",
                        .n_figures = 2,
                        .figures = {
                                { .label = "yes", .field = offsetof(UnitRow, n_close_wait_accepted) },
                                { .label = "no", .of_row = unit_never_accepted },
                        },
                },
        },
        ROW_METRIC_BYTES("sockwatch_unit_receive_queue_bytes",
                         UNITS,
                         TCP,
                         UnitRow,
                         receive_queue_bytes,
                         "sock_diag idiag_rqueue",
                         "Bytes received by TCP that the unit has not read yet."),
        ROW_METRIC_BYTES("sockwatch_unit_send_queue_bytes",
                         UNITS,
                         TCP,
                         UnitRow,
                         send_queue_bytes,
                         "sock_diag idiag_wqueue",
                         "Bytes that the unit wrote and that are not yet sent or not yet acknowledged."),
        UNIT("sockwatch_unit_retransmitting_sockets",
             TCP,
             n_retransmitting,
             "sock_diag idiag_timer, idiag_retrans",
             "TCP sockets of the unit whose oldest segment was sent again and is still not acknowledged."),
        UNIT("sockwatch_unit_processes", PROCESSES, n_processes, "/proc/PID/cgroup", "Processes of the unit that have files open."),
        UNIT("sockwatch_unit_open_fds",
             PROCESSES,
             open_fds,
             "/proc/PID/fd",
             "Descriptors that all processes of the unit have open."),
        ROW_METRIC_RATIO("sockwatch_unit_fd_utilization_ratio",
                         UNITS,
                         PROCESSES,
                         unit_fd_utilization,
                         "/proc/PID/fd, /proc/PID/limits Max open files",
                         "Open descriptors against the soft limit, of that process of the unit which is the nearest to it."),

        /* Processes that stand out */
        ROW_METRIC("sockwatch_top_process_open_fds",
                   METRIC_GAUGE,
                   PROCESSES,
                   PROCESSES,
                   ProcessRow,
                   open_fds,
                   "/proc/PID/fd",
                   "Descriptors of the processes that are the nearest to their limit; of those with one name in one unit, the nearest of them."),
        {
                .name = "sockwatch_top_process_fd_limit",
                .type = METRIC_GAUGE,
                .help = "The soft limit of descriptors of those processes; absent if there is none.",
                .source = "/proc/PID/limits Max open files",
                .rows = {
                        .table = TABLE_PROCESSES,
                        .collector = COLLECTOR_PROCESSES,
                        .n_figures = 1,
                        .figures = { { .of_row = process_fd_limit } },
                },
        },
        {
                .name = "sockwatch_top_process_close_wait_sockets",
                .type = METRIC_GAUGE,
                .help = "Accepted TCP sockets in close_wait that the process holds, of the units that have the most of them, looked for every ten seconds or more rarely; 0 if the unit has none; absent where nobody looked, or may.",
                .source = "/proc/PID/fd, sock_diag idiag_inode",
                .rows = {
                        .table = TABLE_PROCESSES,
                        .collector = COLLECTOR_PROCESSES,
                        .n_figures = 1,
                        .figures = { { .of_row = process_close_wait } },
                },
        },
        {
                .name = "sockwatch_top_process_close_wait_timestamp_seconds",
                .type = METRIC_GAUGE,
                .unit = "seconds",
                .decimals = 6,
                .help = "When the walk was made whose sockets in close_wait were looked for in processes, where any was found; on a host with very many sockets that may be minutes ago.",
                .series = { { VALUE_PROCESSES_CLOSE_WAIT_USEC, { 0 } } },
                .is_of_walks = true,
        },

        /* Ports of this host */
        ROW_METRIC("sockwatch_ephemeral_ports_used",
                   METRIC_GAUGE,
                   DESTINATIONS,
                   TCP,
                   DestinationRow,
                   n_ports,
                   "sock_diag idiag_sport",
                   "Ephemeral ports in use to the destinations that use the most, for connections which this host opened, time_wait included; from the source address with the most."),
        {
                .name = "sockwatch_ephemeral_port_utilization_ratio",
                .type = METRIC_GAUGE,
                .unit = "ratio",
                .decimals = 6,
                .help = "Ephemeral ports in use to the destination that uses the most, against ephemeral_ports; at 1 further connects to it fail.",
                .of_sample = ports_utilization,
                .is_of_walks = true,
                .source = "sock_diag idiag_sport, sys/net/ipv4/ip_local_port_range",
        },
        {
                .name = "sockwatch_ephemeral_ports_missed",
                .type = METRIC_GAUGE,
                .help = "Most ports that a destination may have in use without being told, or beyond what is told of it; 0: all numbers are exact.",
                .series = { { VALUE_DESTINATION_PORTS_MISSED, { 0 } } },
                .is_of_walks = true,
        },

        /* TCP counters */
        ONE_COUNTER("sockwatch_tcp_active_opens_total", TCP_ACTIVE_OPENS, "Connections that this host began."),
        ONE_COUNTER("sockwatch_tcp_passive_opens_total",
                    TCP_PASSIVE_OPENS,
                    "Connections that others began to listeners of this host."),
        ONE_COUNTER("sockwatch_tcp_failed_attempts_total",
                    TCP_ATTEMPT_FAILS,
                    "Connections that ended before they were established, refused ones for example."),
        ONE_COUNTER("sockwatch_tcp_established_resets_total",
                    TCP_ESTABLISHED_RESETS,
                    "Established or half-closed connections that ended by a reset or an abort."),
        ONE_COUNTER("sockwatch_tcp_resets_sent_total", TCP_RESETS_SENT, "Segments sent with RST set."),
        ONE_COUNTER("sockwatch_tcp_embryonic_resets_total",
                    TCP_EMBRYONIC_RESETS,
                    "Resets received for half-open connections."),
        ONE_COUNTER("sockwatch_tcp_segments_received_total",
                    TCP_SEGMENTS_RECEIVED,
                    "Segments received, those with errors included."),
        ONE_COUNTER("sockwatch_tcp_segments_sent_total",
                    TCP_SEGMENTS_SENT,
                    "Segments sent, without those that only repeat bytes."),
        ONE_COUNTER("sockwatch_tcp_segments_retransmitted_total",
                    TCP_SEGMENTS_RETRANSMITTED,
                    "Segments sent again; over tcp_segments_sent_total it is the rate of loss that TCP believes in."),
        ONE_COUNTER("sockwatch_tcp_syn_retransmits_total",
                    TCP_SYN_RETRANSMITS,
                    "SYN and SYN-ACK segments sent again: the other side is slow, gone or filtered."),
        ONE_COUNTER("sockwatch_tcp_fast_retransmits_total",
                    TCP_FAST_RETRANSMITS,
                    "Segments sent again because later ones were acknowledged."),
        ONE_COUNTER("sockwatch_tcp_lost_retransmits_total",
                    TCP_LOST_RETRANSMITS,
                    "Segments that were sent again and lost again."),
        ONE_COUNTER("sockwatch_tcp_retransmit_failures_total",
                    TCP_RETRANSMIT_FAILURES,
                    "Segments that could not be sent again, for want of memory or a route."),
        ONE_COUNTER("sockwatch_tcp_timeouts_total",
                    TCP_TIMEOUTS,
                    "Retransmission timers that expired: nothing at all was acknowledged in time."),
        ONE_COUNTER("sockwatch_tcp_receive_errors_total",
                    TCP_RECEIVE_ERRORS,
                    "Segments received with an error, bad checksums included."),
        ONE_COUNTER("sockwatch_tcp_checksum_errors_total",
                    TCP_CHECKSUM_ERRORS,
                    "Segments received with a bad checksum."),
        {
                .name = "sockwatch_tcp_aborts_total",
                .type = METRIC_COUNTER,
                .help = "Connections that this host aborted, by reason: data arrived after close, closed with "
                        "unread data, no memory, no answer in time, lingering was cut short.",
                .labels = { "reason" },
                .series = {
                        { VALUE_TCP_ABORTS_ON_DATA, { "data" } },
                        { VALUE_TCP_ABORTS_ON_CLOSE, { "close" } },
                        { VALUE_TCP_ABORTS_ON_MEMORY, { "memory" } },
                        { VALUE_TCP_ABORTS_ON_TIMEOUT, { "timeout" } },
                        { VALUE_TCP_ABORTS_ON_LINGER, { "linger" } },
                },
        },
        ONE_COUNTER("sockwatch_tcp_abort_failures_total",
                    TCP_ABORTS_FAILED,
                    "Aborts whose reset could not be sent, for want of memory."),
        ONE_COUNTER("sockwatch_tcp_listen_overflows_total",
                    TCP_LISTEN_OVERFLOWS,
                    "Attempts to connect that found the accept queue of their listener full, each try of a client anew."),
        ONE_COUNTER("sockwatch_tcp_listen_drops_total",
                    TCP_LISTEN_DROPS,
                    "Attempts to connect that listeners dropped for any reason, each try of a client anew; " "listener_drops_total tells whose."),
        ONE_COUNTER("sockwatch_tcp_syn_cookies_sent_total",
                    TCP_SYN_COOKIES_SENT,
                    "SYN cookies sent because a queue of half-open connections was full."),
        ONE_COUNTER("sockwatch_tcp_syn_cookies_received_total",
                    TCP_SYN_COOKIES_RECEIVED,
                    "Valid SYN cookies that came back: clients that were real."),
        ONE_COUNTER("sockwatch_tcp_syn_cookies_failed_total",
                    TCP_SYN_COOKIES_FAILED,
                    "SYN cookies that came back and were not valid."),
        ONE_COUNTER("sockwatch_tcp_request_queue_full_cookies_total",
                    TCP_REQUEST_QUEUE_FULL_COOKIES,
                    "Connections answered with a cookie as the queue of half-open ones was full."),
        ONE_COUNTER("sockwatch_tcp_request_queue_full_drops_total",
                    TCP_REQUEST_QUEUE_FULL_DROPS,
                    "Connections dropped as the queue of half-open ones was full and cookies are off."),
        ONE_COUNTER("sockwatch_tcp_backlog_drops_total",
                    TCP_BACKLOG_DROPS,
                    "Segments dropped as the backlog of a socket in use was full."),
        ONE_COUNTER("sockwatch_tcp_receive_queue_drops_total",
                    TCP_RECEIVE_QUEUE_DROPS,
                    "Segments dropped as the receive queue of their socket was full."),
        ONE_COUNTER("sockwatch_tcp_prunes_total",
                    TCP_PRUNES,
                    "Times that a receive queue was collapsed for want of buffer space."),
        ONE_COUNTER("sockwatch_tcp_receive_pruned_total",
                    TCP_RECEIVE_PRUNED,
                    "Times that collapsing a receive queue was not enough and data was dropped."),
        ONE_COUNTER("sockwatch_tcp_out_of_order_pruned_total",
                    TCP_OUT_OF_ORDER_PRUNED,
                    "Times that an out-of-order queue was dropped for want of buffer space."),
        ONE_COUNTER("sockwatch_tcp_out_of_order_drops_total",
                    TCP_OUT_OF_ORDER_DROPS,
                    "Out-of-order segments dropped for want of memory."),
        ONE_COUNTER("sockwatch_tcp_zero_window_drops_total",
                    TCP_ZERO_WINDOW_DROPS,
                    "Segments dropped as their socket had closed its window."),
        ONE_COUNTER("sockwatch_tcp_window_probes_total",
                    TCP_WINDOW_PROBES,
                    "Probes sent to peers that do not read: their window is closed."),
        ONE_COUNTER("sockwatch_tcp_defer_accept_drops_total",
                    TCP_DEFER_ACCEPT_DROPS,
                    "Acknowledgements dropped while a listener waits for data (TCP_DEFER_ACCEPT)."),
        ONE_COUNTER("sockwatch_tcp_minimum_ttl_drops_total",
                    TCP_MINIMUM_TTL_DROPS,
                    "Segments dropped as they came from further away than IP_MINTTL allows."),
        ONE_COUNTER("sockwatch_tcp_memory_pressures_total",
                    TCP_MEMORY_PRESSURES,
                    "Times that TCP came under memory pressure."),
        {
                .name = "sockwatch_tcp_memory_pressure_seconds_total",
                .type = METRIC_COUNTER,
                .unit = "seconds",
                .decimals = 3,
                .help = "Time that TCP was under memory pressure.",
                .series = { { VALUE_TCP_MEMORY_PRESSURE_MSEC, { 0 } } },
        },
        ONE_COUNTER("sockwatch_tcp_time_waits_total", TCP_TIME_WAITS, "TIME_WAIT sockets that ran their full time."),
        ONE_COUNTER("sockwatch_tcp_time_wait_overflows_total",
                    TCP_TIME_WAIT_OVERFLOWS,
                    "Connections closed without TIME_WAIT, as there were tcp_max_tw_buckets of them."),

        /* UDP and IP */
        BY_FAMILY("sockwatch_udp_in_use_sockets", METRIC_GAUGE, UDP4_IN_USE, UDP6_IN_USE, "UDP sockets in use."),
        ONE_GAUGE_BYTES("sockwatch_udp_memory_bytes",
                        UDP_MEMORY_BYTES,
                        "Memory of UDP buffers, of all network namespaces of the host, in whole pages."),
        BY_FAMILY("sockwatch_udp_datagrams_received_total",
                  METRIC_COUNTER,
                  UDP4_RECEIVED,
                  UDP6_RECEIVED,
                  "Datagrams delivered to sockets."),
        BY_FAMILY("sockwatch_udp_datagrams_sent_total", METRIC_COUNTER, UDP4_SENT, UDP6_SENT, "Datagrams sent."),
        BY_FAMILY("sockwatch_udp_no_port_total",
                  METRIC_COUNTER,
                  UDP4_NO_PORTS,
                  UDP6_NO_PORTS,
                  "Datagrams received for a port on which nobody listens."),
        BY_FAMILY("sockwatch_udp_receive_errors_total",
                  METRIC_COUNTER,
                  UDP4_RECEIVE_ERRORS,
                  UDP6_RECEIVE_ERRORS,
                  "Datagrams for a socket that could not be delivered to it; those for no socket are in udp_no_port_total."),
        {
                .name = "sockwatch_udp_receive_drops_total",
                .type = METRIC_COUNTER,
                .help = "Datagrams of udp_receive_errors_total by reason: the receive buffer of the socket was "
                        "full, the checksum was bad, UDP had no memory.",
                .labels = { "family", "reason" },
                .series = {
                        { VALUE_UDP4_RECEIVE_BUFFER_ERRORS, { "ipv4", "receive_buffer" } },
                        { VALUE_UDP4_CHECKSUM_ERRORS, { "ipv4", "checksum" } },
                        { VALUE_UDP4_MEMORY_ERRORS, { "ipv4", "memory" } },
                        { VALUE_UDP6_RECEIVE_BUFFER_ERRORS, { "ipv6", "receive_buffer" } },
                        { VALUE_UDP6_CHECKSUM_ERRORS, { "ipv6", "checksum" } },
                        { VALUE_UDP6_MEMORY_ERRORS, { "ipv6", "memory" } },
                },
        },
        BY_FAMILY("sockwatch_udp_send_buffer_errors_total",
                  METRIC_COUNTER,
                  UDP4_SEND_BUFFER_ERRORS,
                  UDP6_SEND_BUFFER_ERRORS,
                  "Datagrams not sent, for want of space in the send buffer."),
        BY_FAMILY("sockwatch_ip_packets_received_total",
                  METRIC_COUNTER,
                  IP4_RECEIVED,
                  IP6_RECEIVED,
                  "IP packets received, those with errors included."),
        BY_FAMILY("sockwatch_ip_packets_sent_total",
                  METRIC_COUNTER,
                  IP4_SENT,
                  IP6_SENT,
                  "IP packets that this host made, without those it forwards."),
        BY_FAMILY("sockwatch_ip_receive_discards_total",
                  METRIC_COUNTER,
                  IP4_RECEIVE_DISCARDS,
                  IP6_RECEIVE_DISCARDS,
                  "Sound IP packets discarded on receipt, for want of memory for example."),
        BY_FAMILY("sockwatch_ip_send_discards_total",
                  METRIC_COUNTER,
                  IP4_SEND_DISCARDS,
                  IP6_SEND_DISCARDS,
                  "Sound IP packets discarded before they were sent, by a firewall or for want of memory."),
        BY_FAMILY("sockwatch_ip_send_no_routes_total",
                  METRIC_COUNTER,
                  IP4_SEND_NO_ROUTES,
                  IP6_SEND_NO_ROUTES,
                  "IP packets discarded as no route leads to their destination."),
        BY_FAMILY("sockwatch_ip_header_errors_total",
                  METRIC_COUNTER,
                  IP4_HEADER_ERRORS,
                  IP6_HEADER_ERRORS,
                  "IP packets discarded for an error in their header."),
        BY_FAMILY("sockwatch_ip_address_errors_total",
                  METRIC_COUNTER,
                  IP4_ADDRESS_ERRORS,
                  IP6_ADDRESS_ERRORS,
                  "IP packets discarded as their destination is not an address of this host."),
        ONE_COUNTER("sockwatch_ip_reverse_path_drops_total",
                    IP_REVERSE_PATH_DROPS,
                    "IPv4 packets dropped as their source is not reached by the way they came (rp_filter)."),

        /* Limits */
        ONE_GAUGE("sockwatch_somaxconn", SOMAXCONN, "Highest limit that an accept queue can have."),
        ONE_GAUGE("sockwatch_tcp_max_syn_backlog",
                  TCP_MAX_SYN_BACKLOG,
                  "Half-open connections per listener above which new ones are dropped, with cookies off."),
        ONE_GAUGE("sockwatch_tcp_max_time_wait_sockets",
                  TCP_MAX_TIME_WAIT,
                  "Most TIME_WAIT sockets (tcp_max_tw_buckets)."),
        ONE_GAUGE("sockwatch_tcp_max_orphans", TCP_MAX_ORPHANS, "Most orphaned TCP sockets of the host."),
        {
                .name = "sockwatch_tcp_memory_limit_bytes",
                .type = METRIC_GAUGE,
                .unit = "bytes",
                .help = "Thresholds of TCP memory: below low there is no pressure, above pressure buffers are "
                        "held down, at max data is dropped.",
                .labels = { "threshold" },
                .series = {
                        { VALUE_TCP_MEMORY_LOW_BYTES, { "low" } },
                        { VALUE_TCP_MEMORY_PRESSURE_BYTES, { "pressure" } },
                        { VALUE_TCP_MEMORY_MAX_BYTES, { "max" } },
                },
        },
        ONE_GAUGE("sockwatch_ephemeral_ports",
                  EPHEMERAL_PORTS,
                  "Ports that connections of this host may use, per destination: the range less reserved ones."),
        ONE_GAUGE("sockwatch_conntrack_entries", CONNTRACK_ENTRIES, "Connections that netfilter tracks."),
        ONE_GAUGE("sockwatch_conntrack_max_entries",
                  CONNTRACK_MAX,
                  "Most connections that netfilter tracks; packets of new ones are dropped at it."),

        /* Sockets and descriptors of the host */
        ONE_GAUGE("sockwatch_sockets", SOCKETS_USED, "Sockets of any kind that are in use."),
        ONE_GAUGE("sockwatch_host_open_fds", HOST_OPEN_FDS, "Open files of all processes of the host."),
        ONE_GAUGE("sockwatch_host_processes", PROCESSES, "Processes whose descriptors are counted."),
        {
                .name = "sockwatch_processes_counted_timestamp_seconds",
                .type = METRIC_GAUGE,
                .unit = "seconds",
                .decimals = 6,
                .help = "When the descriptors of the process that was looked at the longest ago were counted: of many processes some are come to in each sample, and all in a minute.",
                .series = { { VALUE_PROCESSES_COUNTED_USEC, { 0 } } },
        },
        ONE_GAUGE("sockwatch_host_max_fds", HOST_MAX_FDS, "Most open files of all processes of the host."),

        /* sockwatchd itself */
        {
                .name = "sockwatch_build_info",
                .type = METRIC_INFO,
                .help = "Always 1; its labels tell the version.",
        },
        {
                .name = "sockwatch_last_sample_timestamp_seconds",
                .type = METRIC_GAUGE,
                .unit = "seconds",
                .decimals = 6,
                .help = "When the numbers here were taken. sockwatchd samples by its own clock and not when it is "
                        "scraped, so that bursts between scrapes are seen and its cost is bounded.",
                .of_sample = sample_taken,
        },
        {
                .name = "sockwatch_sampling_interval_seconds",
                .type = METRIC_GAUGE,
                .unit = "seconds",
                .decimals = 6,
                .help = "Time from one sample to the next, as configured.",
                .series = { { VALUE_SAMPLING_INTERVAL_USEC, { 0 } } },
        },
        ONE_COUNTER("sockwatch_samples_total", SAMPLES, "Samples taken since the daemon started."),
        ONE_COUNTER("sockwatch_missed_ticks_total",
                    MISSED_TICKS,
                    "Samples not taken because the one before was still being taken, or the host was too busy."),
        {
                .name = "sockwatch_collector_success",
                .type = METRIC_GAUGE,
                .help = "1 if the collector answered for this sample, else 0 and its metrics are absent.",
                .of_collector = collector_success,
        },
        {
                .name = "sockwatch_collector_incomplete",
                .type = METRIC_GAUGE,
                .help = "1 if the collector saw more than it has room for, so its metrics are incomplete.",
                .of_collector = collector_incomplete,
        },
        {
                .name = "sockwatch_collector_duration_seconds",
                .type = METRIC_GAUGE,
                .unit = "seconds",
                .decimals = 9,
                .help = "Time that the collector took for this sample, with the rests of a walk.",
                .of_collector = collector_duration,
        },
        {
                .name = "sockwatch_collector_last_success_timestamp_seconds",
                .type = METRIC_GAUGE,
                .unit = "seconds",
                .decimals = 6,
                .help = "When the collector last answered; absent if it never did.",
                .of_collector = collector_last_success,
        },
        {
                .name = "sockwatch_collector_failures_total",
                .type = METRIC_COUNTER,
                .help = "Samples for which the collector did not answer.",
                .of_collector = collector_failures,
        },
        {
                .name = "sockwatch_truncated_total",
                .type = METRIC_COUNTER,
                .help = "Sockets, units, processes and destinations that were left out of samples as there was no room to tell them apart; of destinations, the row other has their ports.",
                .labels = { "what" },
                .series = {
                        { VALUE_LISTENERS_TRUNCATED, { "listeners" } },
                        { VALUE_UNIX_LISTENERS_TRUNCATED, { "unix_listeners" } },
                        { VALUE_UDP_SOCKETS_TRUNCATED, { "udp_sockets" } },
                        { VALUE_UNITS_TRUNCATED, { "units" } },
                        { VALUE_PROCESSES_TRUNCATED, { "processes" } },
                        { VALUE_DESTINATIONS_TRUNCATED, { "destinations" } },
                },
        },
        {
                .name = "sockwatch_folded_rows",
                .type = METRIC_GAUGE,
                .help = "Rows of this sample that were added up in the row other, as their table was to hold fewer.",
                .labels = { "what" },
                .series = {
                        { VALUE_LISTENERS_FOLDED, { "listeners" } },
                        { VALUE_UNIX_LISTENERS_FOLDED, { "unix_listeners" } },
                        { VALUE_UDP_SOCKETS_FOLDED, { "udp_sockets" } },
                        { VALUE_UNITS_FOLDED, { "units" } },
                        { VALUE_PROCESSES_FOLDED, { "processes" } },
                        { VALUE_DESTINATIONS_FOLDED, { "destinations" } },
                },
        },
        {
                .name = "sockwatch_walks_total",
                .type = METRIC_COUNTER,
                .help = "Walks over the TCP sockets of the host: full ones over all, rare ones that skip established and time_wait.",
                .labels = { "walk" },
                .series = {
                        { VALUE_WALKS_RARE, { "rare" } },
                        { VALUE_WALKS_FULL, { "full" } },
                },
        },
        {
                .name = "sockwatch_walk_cpu_seconds_total",
                .type = METRIC_COUNTER,
                .unit = "seconds",
                .decimals = 6,
                .help = "CPU time that these walks took; over any longer time they take no more than their budget, but for those that failed and were tried again.",
                .labels = { "walk" },
                .series = {
                        { VALUE_WALKS_RARE_CPU_USEC, { "rare" } },
                        { VALUE_WALKS_FULL_CPU_USEC, { "full" } },
                },
        },
        {
                .name = "sockwatch_walk_budget_ratio",
                .type = METRIC_GAUGE,
                .unit = "ratio",
                .decimals = 6,
                .help = "The share of one core that walks may take (walks.budget in the configuration).",
                .series = { { VALUE_WALK_BUDGET, { 0 } } },
        },
        {
                .name = "sockwatch_not_permitted",
                .type = METRIC_GAUGE,
                .help = "What could not be looked at for want of a privilege: owners of sockets, descriptors of processes.",
                .labels = { "what" },
                .series = {
                        { VALUE_OWNERS_NOT_PERMITTED, { "owners" } },
                        { VALUE_PROCESSES_NOT_PERMITTED, { "processes" } },
                },
        },
        {
                .name = "sockwatch_capability_wanted",
                .type = METRIC_GAUGE,
                .help = "1 if the capability would let those owners be found, else 0.",
                .labels = { "capability" },
                .series = {
                        { VALUE_OWNERS_WANT_READ_SEARCH, { "CAP_DAC_READ_SEARCH" } },
                        { VALUE_OWNERS_WANT_PTRACE, { "CAP_SYS_PTRACE" } },
                },
        },
        ONE_GAUGE("sockwatch_cgroups_readable",
                  CGROUPS_READABLE,
                  "1 if the tree of control groups could be read when it was looked into last, else 0: then units of sockets are not known, and they count as unattributed."),
        ONE_COUNTER("sockwatch_netlink_reopens_total",
                    NETLINK_REOPENS,
                    "Times that the netlink socket was opened anew, after a dump that failed."),
        ONE_GAUGE_BYTES("sockwatch_ring_bytes", RING_BYTES, "Size of the ring file, which holds the history."),
        {
                .name = "sockwatch_ring_oldest_sample_timestamp_seconds",
                .type = METRIC_GAUGE,
                .unit = "seconds",
                .decimals = 6,
                .help = "When the oldest sample of the ring file was taken.",
                .series = { { VALUE_RING_OLDEST_USEC, { 0 } } },
        },
        ONE_COUNTER("sockwatch_ring_errors_total",
                    RING_ERRORS,
                    "Samples that could not be written to the ring file at first."),
        {
                .name = "process_cpu_seconds_total",
                .type = METRIC_COUNTER,
                .unit = "seconds",
                .decimals = 6,
                .help = "CPU time that sockwatchd used, in user space and in the kernel.",
                .series = { { VALUE_PROCESS_CPU_USEC, { 0 } } },
        },
        ONE_GAUGE_BYTES("process_virtual_memory_bytes", PROCESS_VIRTUAL_BYTES, "Virtual memory of sockwatchd."),
        ONE_GAUGE_BYTES("process_resident_memory_bytes",
                        PROCESS_RESIDENT_BYTES,
                        "Resident memory of sockwatchd, its part of the ring file included."),
        {
                .name = "process_start_time_seconds",
                .type = METRIC_GAUGE,
                .unit = "seconds",
                .decimals = 6,
                .help = "When sockwatchd was started.",
                .series = { { VALUE_PROCESS_START_USEC, { 0 } } },
        },
        ONE_GAUGE("process_open_fds", PROCESS_OPEN_FDS, "Descriptors that sockwatchd has open."),
        ONE_GAUGE("process_max_fds", PROCESS_MAX_FDS, "Most descriptors that sockwatchd may have open."),
};

const size_t n_metric_catalogue = ELEMENTSOF(metric_catalogue);

const char *metric_type_name(MetricType type) {
        static const char *const names[] = {
                [METRIC_GAUGE] = "gauge",
                [METRIC_COUNTER] = "counter",
                [METRIC_INFO] = "info",
        };

        return names[type];
}

bool metric_is_of_walks(const Metric *metric) {
        ValueId first = metric->series[0].id;

        if (metric->is_of_walks)
                return true;
        if (first > 0)
                return value_infos[first].collector == COLLECTOR_TCP && metric_has_source(metric);

        return metric->rows.n_figures > 0 && metric->rows.collector == COLLECTOR_TCP;
}

bool metric_has_source(const Metric *metric) {
        if (metric->series[0].id > 0)
                return strcmp(value_infos[metric->series[0].id].source, "sockwatch") != 0;

        return metric->source;
}

/* "net/snmp Udp InErrors, net/snmp6 Udp6InErrors": what is as in the series before is not repeated. */
void metric_append_source(const Metric *metric, Text *text) {
        const ValueInfo *last = NULL;

        if (metric->source) {
                text_append(text, metric->source);
                return;
        }

        for (const MetricSeries *series = metric->series; series->id > 0; series++) {
                const ValueInfo *info = &value_infos[series->id];
                bool is_same = last && strcmp(last->source, info->source) == 0 &&
                               strcmp(last->group, info->group) == 0;
                const char *words[] = { is_same ? "" : info->source, is_same ? "" : info->group,
                                        info->field };

                if (last)
                        text_append(text, ", ");
                for (size_t i = 0, n = 0; i < ELEMENTSOF(words); i++)
                        if (words[i][0]) {
                                text_append(text, n++ > 0 ? " " : "");
                                text_append(text, words[i]);
                        }
                last = info;
        }
}
