/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "kernel/proc_net.h"
#include "suite.h"
#include "unit/folder.h"

/* What a parser told, as text: "Tcp.InSegs=5 Tcp.OutSegs=7 " */
typedef struct Told {
        char text[64 * 1024];
        size_t length;
        unsigned n;
} Told;

static Told told;

static void on_field(const ProcNetField *field, void *userdata) {
        Told *all = userdata;

        all->n++;
        all->length += (size_t)snprintf(all->text + all->length, sizeof all->text - all->length,
                                        "%.*s.%.*s=%lu ", (int)field->group_size, field->group,
                                        (int)field->name_size, field->name, (unsigned long)field->value);
}

/* Parses from memory of just that size, so that a sanitizer sees a byte too many being read. */
static int parse_bytes(proc_net_parse_fn parse, const char *text, size_t size) {
        char *copy = size > 0 ? memcpy(malloc(size), text, size) : NULL;
        int r;

        told = (Told){ 0 };
        r = parse(copy, size, on_field, &told);
        free(copy);
        return r;
}

static int parse_text(proc_net_parse_fn parse, const char *text) {
        return parse_bytes(parse, text, strlen(text));
}

static int parse_fixture(proc_net_parse_fn parse, const char *name) {
        static char text[64 * 1024];
        size_t length = fixture_read(name, text, sizeof text);

        return parse_bytes(parse, text, length);
}

static void check_told(const char *field) {
        char wanted[128];

        (void)snprintf(wanted, sizeof wanted, "%s ", field);
        ck_assert_msg(strncmp(told.text, wanted, strlen(wanted)) == 0 || strstr(told.text, wanted),
                      "%s is missing from: %s", field, told.text);
}

static void check_not_told(const char *name) {
        ck_assert_msg(!strstr(told.text, name), "%s is in: %s", name, told.text);
}

typedef struct ParseCase {
        proc_net_parse_fn parse;
        const char *text;
        int error;
        const char *told; /* when there is no error */
} ParseCase;

static const ParseCase cases[] = {
        { proc_net_parse_paired, "", 0, "" },
        { proc_net_parse_paired, "Tcp: A B\nTcp: 1 2\n", 0, "Tcp.A=1 Tcp.B=2 " },
        { proc_net_parse_paired, "Tcp: B A\nTcp: 2 1\n", 0, "Tcp.B=2 Tcp.A=1 " },
        { proc_net_parse_paired, "Tcp: A\nTcp: 1\nUdp: A\nUdp: 2\n", 0, "Tcp.A=1 Udp.A=2 " },
        { proc_net_parse_paired, "Tcp: A\nTcp: 1", 0, "Tcp.A=1 " },
        { proc_net_parse_paired, "Tcp:\nTcp:\n", 0, "" },
        { proc_net_parse_paired, "Tcp:  A\t B \nTcp:\t1  2 \n", 0, "Tcp.A=1 Tcp.B=2 " },
        { proc_net_parse_paired, "Tcp: Max A\nTcp: -1 5\n", 0, "Tcp.A=5 " },
        { proc_net_parse_paired, "Tcp: A B\nTcp: 18446744073709551615 18446744073709551616\n", 0,
          "Tcp.A=18446744073709551615 " },
        { proc_net_parse_paired, "Tcp: A B\nTcp: -99999999999999999999999 1\n", 0, "Tcp.B=1 " },
        { proc_net_parse_paired, "Tcp: A B\nTcp: 1\n", -EBADMSG },
        { proc_net_parse_paired, "Tcp: A\nTcp: 1 2\n", -EBADMSG },
        { proc_net_parse_paired, "Tcp: A\n", -EBADMSG },
        { proc_net_parse_paired, "Tcp: A\nTcp: 1\nUdp: A\n", -EBADMSG },
        { proc_net_parse_paired, "Tcp: A\nUdp: 1\n", -EBADMSG },
        { proc_net_parse_paired, "Tcp: A\nTcpExt: 1\n", -EBADMSG },
        { proc_net_parse_paired, "Tcp A\nTcp 1\n", -EBADMSG },
        { proc_net_parse_paired, ": A\n: 1\n", -EBADMSG },
        { proc_net_parse_paired, "Tcp: A\nTcp: x\n", -EBADMSG },
        { proc_net_parse_paired, "Tcp: A\nTcp: -\n", -EBADMSG },
        { proc_net_parse_paired, "Tcp: A\nTcp: --1\n", -EBADMSG },
        { proc_net_parse_paired, "Tcp: A\nTcp: +1\n", -EBADMSG },
        { proc_net_parse_paired, "Tcp: A\nTcp: 1.5\n", -EBADMSG },
        { proc_net_parse_paired, "Tcp: A\n\nTcp: 1\n", -EBADMSG },
        { proc_net_parse_paired, "\n", -EBADMSG },
        { proc_net_parse_paired, "\n\n", -EBADMSG },
        { proc_net_parse_inline, "", 0, "" },
        { proc_net_parse_inline, "TCP: inuse 5 tw 2\nUDP: inuse 0\n", 0,
          "TCP.inuse=5 TCP.tw=2 UDP.inuse=0 " },
        { proc_net_parse_inline, "TCP: tw 2 inuse 5", 0, "TCP.tw=2 TCP.inuse=5 " },
        { proc_net_parse_inline, "TCP:\n", 0, "" },
        { proc_net_parse_inline, "TCP: mem -1 tw 2\n", 0, "TCP.tw=2 " },
        { proc_net_parse_inline, "TCP: inuse\n", -EBADMSG },
        { proc_net_parse_inline, "TCP: inuse 5 tw\n", -EBADMSG },
        { proc_net_parse_inline, "TCP: 5 inuse\n", -EBADMSG },
        { proc_net_parse_inline, "TCP inuse 5\n", -EBADMSG },
        { proc_net_parse_inline, "TCP: inuse 5\n\n", -EBADMSG },
        { proc_net_parse_listed, "", 0, "" },
        { proc_net_parse_listed, "A\t1\nB 2\n", 0, ".A=1 .B=2 " },
        { proc_net_parse_listed, "A   1", 0, ".A=1 " },
        { proc_net_parse_listed, "A -1\nB 2\n", 0, ".B=2 " },
        { proc_net_parse_listed, "A\n", -EBADMSG },
        { proc_net_parse_listed, "A 1 2\n", -EBADMSG },
        { proc_net_parse_listed, "A B\n", -EBADMSG },
        { proc_net_parse_listed, "A 1\n\nB 2\n", -EBADMSG },
};

START_TEST(each_layout_is_read_or_refused)
{
        const ParseCase *parsed = &cases[_i];

        ck_assert_msg(parse_text(parsed->parse, parsed->text) == parsed->error, "\"%s\"", parsed->text);
        if (parsed->error == 0)
                ck_assert_str_eq(told.text, parsed->told);
}
END_TEST

START_TEST(names_and_numbers_may_hold_any_byte)
{
        ck_assert_int_eq(parse_bytes(proc_net_parse_paired, "T\0: A\nT\0: 1\n", 12), 0);
        ck_assert_uint_eq(told.n, 1);
        ck_assert_int_eq(parse_bytes(proc_net_parse_paired, "T: A\nT: 1\0\n", 11), -EBADMSG);
}
END_TEST

START_TEST(snmp_of_this_kernel_is_read)
{
        ck_assert_int_eq(parse_fixture(proc_net_parse_paired, "proc/net/snmp"), 0);
        check_told("Tcp.ActiveOpens=141");
        check_told("Tcp.InSegs=5159");
        check_told("Tcp.OutRsts=2");
        check_told("Tcp.InCsumErrors=0");
        check_told("Udp.InDatagrams=277");
        check_told("Udp.MemErrors=0");
        check_told("Ip.InReceives=5437");
        check_told("IcmpMsg.InType3=1");
        check_not_told("Tcp.MaxConn=");
}
END_TEST

START_TEST(netstat_of_this_kernel_is_read)
{
        ck_assert_int_eq(parse_fixture(proc_net_parse_paired, "proc/net/netstat"), 0);
        check_told("TcpExt.SyncookiesSent=0");
        check_told("TcpExt.PruneCalled=1");
        check_told("TcpExt.TW=139");
        check_told("IpExt.InNoRoutes=0");
        check_told("MPTcpExt.MPCapableSYNRX=0");
}
END_TEST

START_TEST(snmp6_of_this_kernel_is_read)
{
        ck_assert_int_eq(parse_fixture(proc_net_parse_listed, "proc/net/snmp6"), 0);
        check_told(".Ip6InReceives=1");
        check_told(".Ip6OutRequests=10");
        check_told(".Udp6InDatagrams=0");
}
END_TEST

START_TEST(sockstat_of_this_kernel_is_read)
{
        ck_assert_int_eq(parse_fixture(proc_net_parse_inline, "proc/net/sockstat"), 0);
        check_told("sockets.used=12");
        check_told("TCP.mem=208");
        check_told("TCP.tw=3");
        check_told("FRAG.memory=0");

        ck_assert_int_eq(parse_fixture(proc_net_parse_inline, "proc/net/sockstat6"), 0);
        check_told("TCP6.inuse=0");
}
END_TEST

START_TEST(an_older_kernel_tells_less)
{
        ck_assert_int_eq(parse_fixture(proc_net_parse_paired, "proc-older/net/snmp"), 0);
        check_told("Tcp.InSegs=5159");
        check_not_told("MemErrors");

        ck_assert_int_eq(parse_fixture(proc_net_parse_paired, "proc-older/net/netstat"), 0);
        check_told("TcpExt.TW=139");
        check_not_told("MPTcpExt");
}
END_TEST

typedef struct Capture {
        proc_net_parse_fn parse;
        const char *name;
} Capture;

static const Capture captures[] = {
        { proc_net_parse_paired, "proc/net/snmp" },      { proc_net_parse_paired, "proc/net/netstat" },
        { proc_net_parse_listed, "proc/net/snmp6" },     { proc_net_parse_inline, "proc/net/sockstat" },
        { proc_net_parse_inline, "proc/net/sockstat6" },
};

/* Nothing is told of a file that was cut short but what stands before the cut. */
START_TEST(a_file_cut_anywhere_is_refused_or_a_part_of_itself)
{
        static char text[64 * 1024], whole[sizeof told.text];
        size_t length = fixture_read(captures[_i].name, text, sizeof text);

        ck_assert_int_eq(parse_bytes(captures[_i].parse, text, length), 0);
        memcpy(whole, told.text, sizeof whole);

        for (size_t size = 0; size < length; size++) {
                int r = parse_bytes(captures[_i].parse, text, size);
                size_t last = told.length;

                ck_assert(r == 0 || r == -EBADMSG);

                /* The last number may be a cut one. */
                while (last > 0 && told.text[last - 1] != '=')
                        last--;
                ck_assert_mem_eq(told.text, whole, last);
        }
}
END_TEST

#ifndef TEST_WITHOUT_ASSERTS
START_TEST(a_parser_needs_a_visitor)
{ (void)!proc_net_parse_listed("A 1\n", 4, NULL, NULL); }
END_TEST
#endif

int main(void) {
        Suite *suite = suite_create("proc-net");
        TCase *layouts = tcase_create("layouts");
        TCase *kernels = tcase_create("kernels");

        tcase_add_loop_test(layouts, each_layout_is_read_or_refused, 0, ELEMENTSOF(cases));
        tcase_add_test(layouts, names_and_numbers_may_hold_any_byte);
#ifndef TEST_WITHOUT_ASSERTS
        tcase_add_test_raise_signal(layouts, a_parser_needs_a_visitor, SIGABRT);
#endif
        suite_add_tcase(suite, layouts);

        tcase_set_timeout(kernels, 60);
        tcase_add_test(kernels, snmp_of_this_kernel_is_read);
        tcase_add_test(kernels, netstat_of_this_kernel_is_read);
        tcase_add_test(kernels, snmp6_of_this_kernel_is_read);
        tcase_add_test(kernels, sockstat_of_this_kernel_is_read);
        tcase_add_test(kernels, an_older_kernel_tells_less);
        tcase_add_loop_test(kernels, a_file_cut_anywhere_is_refused_or_a_part_of_itself, 0,
                            ELEMENTSOF(captures));
        suite_add_tcase(suite, kernels);

        return suite_main(suite);
}
