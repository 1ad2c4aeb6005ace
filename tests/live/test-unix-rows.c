/* SPDX-License-Identifier: Apache-2.0 */

/*
 * UNIX listeners by path: how full their queues are, now and lately
 *
 * A listener whose process is stuck, as php-fpm's when all of its workers are
 * busy, refuses clients once limit + 1 of them wait.
 */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "namespace.h"
#include "sockets.h"
#include "watch.h"

static Watch watch;
static char folder[64]; /* of the sockets of this test */

static void setup(void) {
        const char *temporary = getenv("TMPDIR");

        namespace_enter();
        watch_begin(&watch);
        (void)snprintf(folder, sizeof folder, "%s/sockwatch-XXXXXX", temporary ? temporary : "/tmp");
        ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void) {
        watch_end(&watch);
        ck_assert_int_eq(rmdir(folder), 0);
}

/* A path in the folder; one that begins with "@" is abstract. */
static struct sockaddr_un address_of(const char *name, socklen_t *ret_size) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int n;

        if (name[0] == '@')
                n = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "%s", name + 1) + 1;
        else
                n = snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", folder, name);
        *ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n);
        return address;
}

static int listen_unix(const char *name, int type, int backlog) {
        socklen_t size;
        struct sockaddr_un address = address_of(name, &size);
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0), r;

        ck_assert_int_ge(fd, 0);
        r = bind(fd, (const struct sockaddr *)&address, size);
        ck_assert_msg(r == 0, "%s: %s", name, strerror(errno));
        ck_assert_int_eq(listen(fd, backlog), 0);
        return fd;
}

/* False if the queue is full. */
static bool try_connect(const char *name, int type) {
        socklen_t size;
        struct sockaddr_un address = address_of(name, &size);
        int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        if (connect(fd, (const struct sockaddr *)&address, size) == 0)
                return true;

        ck_assert_int_eq(errno, EAGAIN);
        ck_assert_int_eq(close(fd), 0);
        return false;
}

static unsigned fill(const char *name) {
        unsigned n = 0;

        while (try_connect(name, SOCK_STREAM))
                n++;
        return n;
}

static void drain(int fd, unsigned n) {
        for (; n > 0; n--)
                ck_assert_int_ge(accept4(fd, NULL, NULL, SOCK_CLOEXEC), 0);
}

static void remove_path(const char *name) {
        char path[128];

        (void)snprintf(path, sizeof path, "%s/%s", folder, name);
        ck_assert_int_eq(unlink(path), 0);
}

static const UnixListenerRow *row_of(const char *name) {
        char path[128];

        (void)snprintf(path, sizeof path, "%s%s%s", name[0] == '@' ? "" : folder, name[0] == '@' ? "" : "/",
                       name);
        for (uint32_t i = 0; i < watch.sample->n_unix_listeners; i++)
                if (strcmp(watch.sample->unix_listeners[i].key.path, path) == 0)
                        return &watch.sample->unix_listeners[i];

        return NULL;
}

static const UnixListenerRow *watch_row(const char *name) {
        const UnixListenerRow *row;

        (void)watch_sample(&watch);
        row = row_of(name);
        ck_assert_msg(row, "no row for %s", name);
        return row;
}

/* Paths and abstract names are told alike. */
static const char *const names[] = { "php-fpm.sock", "@php-fpm" };

static void remove_name(const char *name) {
        if (name[0] != '@')
                remove_path(name);
}

START_TEST(a_full_backlog_reads_full_and_the_time_of_it_is_counted)
{
        const char *name = names[_i];
        int fd = listen_unix(name, SOCK_STREAM, 5);
        const UnixListenerRow *row = watch_row(name);
        uint64_t offset, last;

        ck_assert_uint_eq(row->length, 0);
        ck_assert_uint_eq(row->limit, 5);
        ck_assert_uint_eq(row->saturated_usec, 0);

        /* As many as the limit is not full: one more gets in, and then nobody. */
        for (unsigned i = 0; i < 5; i++)
                ck_assert(try_connect(name, SOCK_STREAM));
        ck_assert_uint_eq(watch_row(name)->length, 5);
        ck_assert_uint_eq(watch_row(name)->saturated_usec, 0);
        ck_assert_uint_eq(fill(name), 1);

        (void)watch_sample(&watch);
        row = watch_row(name);
        offset = row->saturated_usec - watch.sample->boottime_usec;
        ck_assert_uint_eq(row->length, 6);
        ck_assert_uint_eq(row->limit, 5);
        ck_assert_uint_eq(row->worst_length, 6);
        ck_assert_uint_eq(row->worst_limit, 5);
        ck_assert_uint_eq(row->peak, 6);
        ck_assert_uint_eq(row->n_sockets, 1);

        /* From one sample to the next all of the time is counted. */
        row = watch_row(name);
        ck_assert_uint_eq(row->saturated_usec, offset + watch.sample->boottime_usec);

        /* The peak says that it was so. */
        drain(fd, 6);
        row = watch_row(name);
        ck_assert_uint_eq(row->length, 0);
        ck_assert_uint_eq(row->peak, 6);
        last = row->saturated_usec;
        ck_assert_uint_eq(watch_row(name)->saturated_usec, last);
        remove_name(name);
}
END_TEST

START_TEST(two_sockets_on_one_path_are_one_row)
{
        int older = listen_unix("one", SOCK_STREAM, 3), newer;
        const UnixListenerRow *row;

        ck_assert_uint_eq(fill("one"), 4);
        remove_path("one");
        newer = listen_unix("one", SOCK_STREAM, 10);
        ck_assert(try_connect("one", SOCK_STREAM));

        row = watch_row("one");
        ck_assert_uint_eq(watch.sample->n_unix_listeners, 1);
        ck_assert_uint_eq(row->n_sockets, 2);
        ck_assert_uint_eq(row->length, 5);
        ck_assert_uint_eq(row->limit, 13);
        ck_assert_uint_eq(row->worst_length, 4);
        ck_assert_uint_eq(row->worst_limit, 3);

        /* The old one is full, so one of its queues is: time goes on. */
        ck_assert_uint_gt(watch_row("one")->saturated_usec, 0);

        ck_assert_int_eq(close(older), 0);
        row = watch_row("one");
        ck_assert_uint_eq(row->n_sockets, 1);
        ck_assert_uint_eq(row->length, 1);
        ck_assert_uint_eq(row->limit, 10);
        ck_assert_uint_eq(row->worst_length, 1);
        drain(newer, 1);
        remove_path("one");
}
END_TEST

START_TEST(a_path_and_an_abstract_name_of_the_same_letters_are_two)
{
        listen_unix("@same", SOCK_STREAM, 1);
        listen_unix("same", SOCK_STREAM, 2);
        listen_unix("@same.", SOCK_SEQPACKET, 3);
        ck_assert(try_connect("@same.", SOCK_SEQPACKET));

        ck_assert_uint_eq(watch_row("@same")->limit, 1);
        ck_assert_uint_eq(row_of("same")->limit, 2);
        ck_assert_uint_eq(row_of("@same.")->limit, 3);
        ck_assert_uint_eq(row_of("@same.")->length, 1);
        ck_assert_uint_eq(watch.sample->n_unix_listeners, 3);
        remove_path("same");
}
END_TEST

/* A relative path, which is all that can begin so. */
START_TEST(a_file_that_is_called_as_an_abstract_name_is_another_one)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "@same" };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        listen_unix("@same", SOCK_STREAM, 1);
        ck_assert_int_eq(chdir(folder), 0);
        ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
        ck_assert_int_eq(listen(fd, 2), 0);
        ck_assert_uint_eq(watch_row("@same")->limit, 1);
        ck_assert_uint_eq(watch.sample->n_unix_listeners, 2);
        ck_assert_str_eq(watch.sample->unix_listeners[0].key.path, "./@same");
        ck_assert_uint_eq(watch.sample->unix_listeners[0].limit, 2);
        ck_assert_int_eq(unlink("@same"), 0);
}
END_TEST

START_TEST(the_process_that_has_it_open_stands_on_the_row)
{
        char name[PROCESS_NAME_SIZE];

        ck_assert_int_eq(prctl(PR_GET_NAME, name), 0);
        listen_unix("@mine", SOCK_STREAM, 1);

        /* Found by looking through the processes of the host, a share in each sample. */
        AWAIT(watch_row("@mine")->key.process[0] != '\0');
        ck_assert_str_eq(row_of("@mine")->key.process, name);
        ck_assert_str_ne(row_of("@mine")->key.unit, UNIT_UNATTRIBUTED);
}
END_TEST

START_TEST(what_does_not_listen_has_no_row)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "\0bound" };
        int fds[2], fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        fd = listen_unix("@one", SOCK_STREAM, 4);
        ck_assert(try_connect("@one", SOCK_STREAM));
        drain(fd, 1);

        (void)watch_row("@one");
        ck_assert_uint_eq(watch.sample->n_unix_listeners, 1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("unix-rows");
        TCase *rows = tcase_create("rows");

        namespace_require();

        tcase_add_checked_fixture(rows, setup, teardown);
        tcase_set_timeout(rows, 30);
        tcase_add_loop_test(rows, a_full_backlog_reads_full_and_the_time_of_it_is_counted, 0,
                            ELEMENTSOF(names));
        tcase_add_test(rows, two_sockets_on_one_path_are_one_row);
        tcase_add_test(rows, a_path_and_an_abstract_name_of_the_same_letters_are_two);
        tcase_add_test(rows, a_file_that_is_called_as_an_abstract_name_is_another_one);
        tcase_add_test(rows, the_process_that_has_it_open_stands_on_the_row);
        tcase_add_test(rows, what_does_not_listen_has_no_row);
        suite_add_tcase(suite, rows);

        return suite_main(suite);
}
