/* SPDX-License-Identifier: Apache-2.0 */

/* What becomes of a sample when netlink refuses, breaks, or lies */

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <linux/sock_diag.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "namespace.h"
#include "proc_text.h"
#include "sockets.h"
#include "watch.h"

static Watch watch;

static void setup(void) {
        namespace_enter();
        watch_begin(&watch);
}

static void teardown(void) {
        watch_end(&watch);
}

static int visit_nothing(const SockView *socket, void *userdata) {
        unsigned *n = userdata;

        (*n)++;
        return 0;
}

/* Asks the kernel for all sockets of a protocol, in the way that has one, and decodes what it says. */
static int dump_protocol(uint8_t family, uint8_t protocol, unsigned *ret_n) {
        char buffer[32768] __attribute__((aligned(8)));
        struct inet_diag_req_v2 *body;
        struct mnl_socket *netlink;
        struct nlmsghdr *header;
        ssize_t n;
        int r;

        *ret_n = 0;
        netlink = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
        ck_assert_ptr_nonnull(netlink);
        ck_assert_int_eq(mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID), 0);

        header = mnl_nlmsg_put_header(buffer);
        header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
        header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        header->nlmsg_seq = 7;
        body = mnl_nlmsg_put_extra_header(header, sizeof *body);
        body->sdiag_family = family;
        body->sdiag_protocol = protocol;
        body->idiag_states = SOCK_STATES_ALL;
        ck_assert_int_gt(mnl_socket_sendto(netlink, header, header->nlmsg_len), 0);

        do {
                n = mnl_socket_recvfrom(netlink, buffer, sizeof buffer);
                ck_assert_int_gt(n, 0);
                r = sock_diag_decode_datagram(buffer, (size_t)n, 7, mnl_socket_get_portid(netlink),
                                              visit_nothing, ret_n);
        } while (r > 0);

        (void)mnl_socket_close(netlink);
        return r;
}

START_TEST(a_dump_of_what_the_kernel_has_is_complete)
{
        _cleanup_(line_freep) Line *line = line_new(&routes[_i], 5);
        unsigned n4, n6;

        ck_assert_ptr_nonnull(line);
        ck_assert_int_eq(dump_protocol(AF_INET, IPPROTO_TCP, &n4), 0);
        ck_assert_int_eq(dump_protocol(AF_INET6, IPPROTO_TCP, &n6), 0);
        ck_assert_uint_eq(n4 + n6, 11);
}
END_TEST

/* Within NLMSG_DONE the kernel says that it has no sockets of this kind to tell of. */
START_TEST(a_dump_of_what_the_kernel_does_not_have_is_an_error_and_not_empty)
{
        static const uint8_t families[] = { AF_INET, AF_INET6 };
        /* No kernel dumps sockets of protocol 253, which is for experiments (RFC 3692). */
        static const uint8_t protocols[] = { IPPROTO_SCTP, IPPROTO_RAW, 253 };
        unsigned n, n_refused = 0;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(families); i++)
                for (size_t j = 0; j < ELEMENTSOF(protocols); j++) {
                        r = dump_protocol(families[i], protocols[j], &n);
                        ck_assert_uint_eq(n, 0);
                        /* Other kernels may have the modules of the first two. */
                        ck_assert(r == -ENOENT || (r == 0 && protocols[j] != 253));
                        n_refused += r == -ENOENT;
                }

        ck_assert_uint_ge(n_refused, 2);
}
END_TEST

/* RestrictAddressFamilies= without AF_NETLINK: socket(2) says EAFNOSUPPORT. */
static void forbid_netlink(void) {
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
                /* The lower half of the first argument, the family. */
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]) +
                                                           (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = { .len = ELEMENTSOF(code), .filter = code };

        ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

START_TEST(where_netlink_is_forbidden_the_error_says_so)
{
        Sources sources = SOURCES_NULL;
        SockDiag *diag = NULL;
        const char *what = NULL;

        forbid_netlink();

        ck_assert_int_eq(sock_diag_new(&diag), -EAFNOSUPPORT);
        ck_assert_ptr_null(diag);
        ck_assert_int_eq(sources_init(&sources, "/proc", "/sys", &what), -EAFNOSUPPORT);
        ck_assert_str_eq(what, "netlink");
}
END_TEST

/* The one descriptor of ours that is a socket of NETLINK_SOCK_DIAG. */
static int find_netlink(void) {
        int found = -1, value;
        socklen_t size;

        for (int fd = 0; fd < 1024; fd++) {
                size = sizeof value;
                if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &size) < 0 || value != AF_NETLINK)
                        continue;
                size = sizeof value;
                ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &value, &size), 0);
                if (value != NETLINK_SOCK_DIAG)
                        continue;
                ck_assert_int_eq(found, -1);
                found = fd;
        }

        ck_assert_int_ge(found, 0);
        return found;
}

typedef void (*break_fn)(int netlink);

static void put_in_place(int netlink, int fd) {
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(dup3(fd, netlink, O_CLOEXEC), netlink);
        ck_assert_int_eq(close(fd), 0);
}

static void break_with_a_file(int netlink) {
        put_in_place(netlink, open("/dev/null", O_RDWR | O_CLOEXEC));
}

static void break_with_another_socket(int netlink) {
        put_in_place(netlink, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static void break_with_another_protocol(int netlink) {
        put_in_place(netlink, socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
}

static void break_by_closing(int netlink) {
        ck_assert_int_eq(close(netlink), 0);
}

/* An answer to a question that was not asked stands in the queue before ours. */
static void break_with_a_stale_answer(int netlink) {
        char buffer[256] __attribute__((aligned(8))) = { 0 };
        struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
        struct inet_diag_req *body;

        header->nlmsg_type = TCPDIAG_GETSOCK;
        header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        header->nlmsg_seq = 1;
        body = mnl_nlmsg_put_extra_header(header, sizeof *body);
        body->idiag_states = SOCK_STATES_ALL;
        ck_assert_int_eq(send(netlink, header, header->nlmsg_len, 0), (ssize_t)header->nlmsg_len);
}

static const struct {
        break_fn break_it;
        int error;
} breaks[] = {
        { break_with_a_file, -ENOTSOCK },
        { break_with_another_socket, -EINVAL },
        { break_with_another_protocol, -EBADMSG }, /* there the request asks for interfaces, and gets them */
        { break_by_closing, -EBADF },
        { break_with_a_stale_answer, -EBADMSG },
};

static void check_right(uint16_t port, uint64_t n_reopens, uint64_t n_failures) {
        const Sample *sample = watch_sample(&watch);
        const ListenerRow *row = sample_listener(sample, "127.0.0.1", port);

        ck_assert_uint_eq(sample->n_listeners, 1);
        ck_assert_ptr_nonnull(row);
        ck_assert_uint_eq(row->length, 3);
        ck_assert_uint_eq(sample_value(sample, VALUE_TCP_LISTEN), 1);
        ck_assert_uint_eq(sample_value(sample, VALUE_TCP_ESTABLISHED), 6);
        ck_assert_uint_eq(sample_value(sample, VALUE_NETLINK_REOPENS), n_reopens);
        ck_assert_uint_eq(sample->reports[COLLECTOR_LISTEN].n_failures, n_failures);
        ck_assert_uint_eq(sample->reports[COLLECTOR_TCP].n_failures, 0);
}

START_TEST(a_broken_netlink_socket_fails_one_collector_once)
{
        Spot at = spot("127.0.0.1", 0);
        const CollectorReport *report;
        const Sample *sample;
        usec_t success_usec;

        listen_on(&at, 5);
        for (unsigned i = 0; i < 3; i++)
                connect_to(&at);
        check_right(spot_port(&at), 0, 0);
        success_usec = watch.sample->reports[COLLECTOR_LISTEN].last_success_usec;

        breaks[_i].break_it(find_netlink());

        /* The first that asks finds it broken. Whatever it would have told is absent, not 0. */
        sample = watch_try(&watch);
        report = &sample->reports[COLLECTOR_LISTEN];
        ck_assert_int_eq(report->error, breaks[_i].error);
        ck_assert_uint_eq(report->n_failures, 1);
        ck_assert_uint_eq(report->last_success_usec, success_usec);
        ck_assert_uint_eq(sample->n_listeners, 0);
        ck_assert(!sample_has(sample, VALUE_LISTENERS_TRUNCATED));

        /* The next one has a fresh socket, within the same sample; and no other collector noticed. */
        for (CollectorId id = 0; collector_name(id); id++)
                if (id != COLLECTOR_LISTEN)
                        ck_assert_msg(sample->reports[id].error == 0, "%s failed too", collector_name(id));
        ck_assert_uint_eq(sample_value(sample, VALUE_TCP_ESTABLISHED), 6);
        ck_assert_uint_eq(sample_value(sample, VALUE_TCP_LISTEN), 1);
        ck_assert_uint_eq(sample_value(sample, VALUE_NETLINK_REOPENS), 1);

        for (unsigned i = 0; i < 3; i++)
                check_right(spot_port(&at), 1, 1);
        (void)find_netlink();
}
END_TEST

START_TEST(while_netlink_cannot_be_opened_the_rest_goes_on)
{
        Spot at = spot("127.0.0.1", 0);
        const Sample *sample;

        listen_on(&at, 5);
        ck_assert_uint_eq(watch_value(&watch, VALUE_TCP_LISTEN), 1);
        forbid_netlink();
        break_by_closing(find_netlink());

        for (unsigned n = 1; n <= 3; n++) {
                sample = watch_try(&watch);
                ck_assert_int_eq(sample->reports[COLLECTOR_LISTEN].error, n == 1 ? -EBADF : -EAFNOSUPPORT);
                ck_assert_int_eq(sample->reports[COLLECTOR_TCP].error, -EAFNOSUPPORT);
                ck_assert_uint_eq(sample->reports[COLLECTOR_LISTEN].n_failures, n);
                ck_assert_uint_eq(sample->reports[COLLECTOR_TCP].n_failures, n);
                ck_assert_uint_eq(sample->n_listeners, 0);

                for (unsigned id = 0; id < _VALUE_ROOM; id++)
                        if (value_infos[id].name && (value_infos[id].collector == COLLECTOR_TCP ||
                                                     value_infos[id].collector == COLLECTOR_LISTEN))
                                ck_assert_msg(!sample_has(sample, id), "%s is there", value_infos[id].name);

                ck_assert_int_eq(sample->reports[COLLECTOR_NETSTAT].error, 0);
                ck_assert_int_eq(sample->reports[COLLECTOR_SOCKSTAT].error, 0);
                ck_assert_uint_eq(sample_value(sample, VALUE_TCP4_IN_USE), 1);
        }
}
END_TEST

START_TEST(drops_are_kept_through_a_sample_that_failed)
{
        Spot at = spot("127.0.0.1", 0);

        listen_on(&at, 0);
        connect_to(&at);
        for (unsigned i = 0; i < 5; i++)
                ck_assert_int_eq(close(connect_begin(&at)), 0);
        AWAIT(listen_drops() == 5);
        ck_assert_uint_eq(watch_listener(&watch, "127.0.0.1", spot_port(&at))->drops, 5);

        break_by_closing(find_netlink());
        ck_assert_int_lt(watch_try(&watch)->reports[COLLECTOR_LISTEN].error, 0);

        for (unsigned i = 0; i < 2; i++)
                ck_assert_int_eq(close(connect_begin(&at)), 0);
        AWAIT(listen_drops() == 7);
        ck_assert_uint_eq(watch_listener(&watch, "127.0.0.1", spot_port(&at))->drops, 7);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("netlink-errors");
        TCase *errors = tcase_create("errors");

        namespace_require();

        tcase_add_checked_fixture(errors, setup, teardown);
        tcase_set_timeout(errors, 30);
        tcase_add_loop_test(errors, a_dump_of_what_the_kernel_has_is_complete, 0, N_ROUTES);
        tcase_add_test(errors, a_dump_of_what_the_kernel_does_not_have_is_an_error_and_not_empty);
        tcase_add_test(errors, where_netlink_is_forbidden_the_error_says_so);
        tcase_add_loop_test(errors, a_broken_netlink_socket_fails_one_collector_once, 0, ELEMENTSOF(breaks));
        tcase_add_test(errors, while_netlink_cannot_be_opened_the_rest_goes_on);
        tcase_add_test(errors, drops_are_kept_through_a_sample_that_failed);
        suite_add_tcase(suite, errors);

        return suite_main(suite);
}
