/* SPDX-License-Identifier: Apache-2.0 */

/*
 * UNIX sockets, as the kernel tells of them
 *
 * What kernel/unix_diag.h says of it. Abstract names are of the namespace; a
 * path is removed as soon as it is bound, which its socket does not notice.
 */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "kernel/sock_diag.h"
#include "namespace.h"
#include "sockets.h"
#include "watch.h"

#define N_SEEN_MAX  2048

#define ONLY_LISTEN SOCK_STATE_MASK(SOCK_STATE_LISTEN)

/* Where a socket is bound to, as the kernel takes it and as it is told. */
typedef struct Place {
        struct sockaddr_un address;
        socklen_t size;
        char name[UNIX_NAME_BYTES_MAX];
        size_t name_size;
} Place;

typedef struct Seen {
        unsigned n;
        UnixView views[N_SEEN_MAX];
        char names[N_SEEN_MAX][UNIX_NAME_BYTES_MAX];
} Seen;

static SockDiag *diag;
static Seen seen;

static void setup(void) {
        namespace_enter();
        ck_assert_int_eq(sock_diag_new(&diag), 0);
}

static void teardown(void) {
        diag = sock_diag_free(diag);
}

static int on_socket(const UnixView *socket, void *userdata) {
        ck_assert_uint_lt(seen.n, N_SEEN_MAX);
        seen.views[seen.n] = *socket;
        if (socket->name)
                seen.views[seen.n].name = memcpy(seen.names[seen.n], socket->name, socket->name_size);
        seen.n++;
        return 0;
}

static void dump(uint32_t states) {
        seen.n = 0;
        ck_assert_int_eq(sock_diag_dump_unix(diag, states, on_socket, NULL), 0);
}

/* The socket of this name; it has to be there once. */
static const UnixView *find(const Place *place) {
        const UnixView *found = NULL;

        for (unsigned i = 0; i < seen.n; i++) {
                const UnixView *view = &seen.views[i];

                if (!view->name || view->name_size != place->name_size ||
                    memcmp(view->name, place->name, view->name_size) != 0)
                        continue;
                ck_assert_ptr_null(found);
                found = view;
        }

        ck_assert_ptr_nonnull(found);
        return found;
}

static const UnixView *ask(const Place *place) {
        dump(ONLY_LISTEN);
        return find(place);
}

/* A place of the name's @size bytes, NULs among them or not. */
static Place place_of(const char *name, size_t size) {
        Place place = { .address.sun_family = AF_UNIX, .name_size = size };

        ck_assert_uint_le(size, sizeof place.address.sun_path);
        memcpy(place.address.sun_path, name, size);
        memcpy(place.name, name, size);
        place.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
        return place;
}

static Place abstract(const char *name) {
        char whole[UNIX_NAME_BYTES_MAX] = { 0 };

        (void)snprintf(whole + 1, sizeof whole - 1, "%s", name);
        return place_of(whole, strlen(name) + 1);
}

/* A path of so many bytes that nobody else has, in the folder for temporary files. */
static Place path_of(size_t size) {
        const char *folder = getenv("TMPDIR");
        char path[UNIX_NAME_BYTES_MAX + 1];
        int n;

        ck_assert_int_eq(chdir(folder ? folder : "/tmp"), 0);
        n = snprintf(path, sizeof path, "sockwatch-%d-", getpid());
        ck_assert(n > 0 && (size_t)n <= size && size < sizeof path);
        memset(path + n, 'n', size - (size_t)n);
        return place_of(path, size);
}

static void remove_path(const Place *place) {
        char path[UNIX_NAME_BYTES_MAX + 1] = { 0 };

        memcpy(path, place->name, place->name_size);
        ck_assert_int_eq(unlink(path), 0);
}

static int make_socket(int type) {
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        return fd;
}

static int bind_at(const Place *place, int type) {
        int fd = make_socket(type), r;

        r = bind(fd, (const struct sockaddr *)&place->address, place->size);
        ck_assert_msg(r == 0, "bind: %s", strerror(errno));
        return fd;
}

static int listen_at(const Place *place, int type, int backlog) {
        int fd = bind_at(place, type);

        ck_assert_int_eq(listen(fd, backlog), 0);
        return fd;
}

/* Return: 0, or a negative errno. */
static int try_connect(int fd, const Place *place) {
        return connect(fd, (const struct sockaddr *)&place->address, place->size) < 0 ? -errno : 0;
}

static int connect_at(const Place *place, int type) {
        int fd = make_socket(type), r;

        r = try_connect(fd, place);
        ck_assert_msg(r == 0, "connect: %s", strerror(-r));
        return fd;
}

static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };

/* ---- queues ---- */

START_TEST(a_queue_of_three_holds_four_and_refuses_the_rest)
{
        Place place = abstract("queue");
        const UnixView *view;
        int type = types[_i];

        listen_at(&place, type, 3);
        for (unsigned i = 0; i < 4; i++) {
                view = ask(&place);
                ck_assert(view->has_queue);
                ck_assert_uint_eq(view->length, i);
                ck_assert_uint_eq(view->limit, 3);
                ck_assert_uint_eq(view->type, (unsigned)type);
                ck_assert_uint_eq(view->state, SOCK_STATE_LISTEN);
                connect_at(&place, type);
        }

        for (unsigned i = 0; i < 10; i++)
                ck_assert_int_eq(try_connect(make_socket(type | SOCK_NONBLOCK), &place), -EAGAIN);
        view = ask(&place);
        ck_assert_uint_eq(view->length, 4);
        ck_assert_uint_eq(view->limit, 3);
}
END_TEST

START_TEST(an_accepted_connection_leaves_the_queue)
{
        Place place = abstract("queue");
        int listener = listen_at(&place, types[_i], 8);

        for (unsigned i = 0; i < 5; i++)
                connect_at(&place, types[_i]);
        for (unsigned i = 5; i > 0; i--) {
                ck_assert_uint_eq(ask(&place)->length, i);
                ck_assert_int_ge(accept4(listener, NULL, NULL, SOCK_CLOEXEC), 0);
        }
        ck_assert_uint_eq(ask(&place)->length, 0);
}
END_TEST

START_TEST(a_client_that_gave_up_still_stands_in_the_queue)
{
        Place place = abstract("queue");
        int listener = listen_at(&place, types[_i], 8);

        for (unsigned i = 0; i < 5; i++)
                ck_assert_int_eq(close(connect_at(&place, types[_i])), 0);
        ck_assert_uint_eq(ask(&place)->length, 5);
        ck_assert_int_ge(accept4(listener, NULL, NULL, SOCK_CLOEXEC), 0);
        ck_assert_uint_eq(ask(&place)->length, 4);
}
END_TEST

static void *connect_in_thread(void *userdata) {
        connect_at(userdata, SOCK_STREAM);
        return NULL;
}

/* Whether a connect(2) waits: all its client shows is that it is there. */
static bool a_client_waits(void) {
        bool waits = false;

        dump(SOCK_STATES_ALL);
        for (unsigned i = 0; i < seen.n; i++)
                waits |= seen.views[i].state == SOCK_STATE_CLOSE && !seen.views[i].name;
        return waits;
}

START_TEST(a_client_that_waits_is_in_no_queue)
{
        Place place = abstract("queue");
        int listener = listen_at(&place, SOCK_STREAM, 0);
        pthread_t thread;

        connect_at(&place, SOCK_STREAM);
        ck_assert(!a_client_waits());
        ck_assert_int_eq(pthread_create(&thread, NULL, connect_in_thread, &place), 0);
        AWAIT(a_client_waits());
        ck_assert_uint_eq(find(&place)->length, 1);
        ck_assert_uint_eq(find(&place)->limit, 0);

        ck_assert_int_ge(accept4(listener, NULL, NULL, SOCK_CLOEXEC), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_uint_eq(ask(&place)->length, 1);
        ck_assert(!a_client_waits());
}
END_TEST

START_TEST(somaxconn_caps_the_limit_when_listen_is_called)
{
        Place one = abstract("one"), two = abstract("two");
        int listener;

        write_sysctl("net/core/somaxconn", "200");
        listener = listen_at(&one, SOCK_STREAM, 100000);
        ck_assert_uint_eq(ask(&one)->limit, 200);

        write_sysctl("net/core/somaxconn", "5");
        listen_at(&two, SOCK_STREAM, -1);
        ck_assert_uint_eq(ask(&two)->limit, 5);
        ck_assert_uint_eq(ask(&one)->limit, 200);
        ck_assert_int_eq(listen(listener, 100), 0);
        ck_assert_uint_eq(ask(&one)->limit, 5);
}
END_TEST

START_TEST(a_backlog_that_shrinks_leaves_more_than_one_over_the_limit)
{
        Place place = abstract("queue");
        int listener = listen_at(&place, SOCK_STREAM, 8);

        for (unsigned i = 0; i < 7; i++)
                connect_at(&place, SOCK_STREAM);
        ck_assert_int_eq(listen(listener, 2), 0);
        ck_assert_uint_eq(ask(&place)->length, 7);
        ck_assert_uint_eq(find(&place)->limit, 2);
}
END_TEST

/* ---- names ---- */

static void check_listener(const Place *place) {
        const UnixView *view = ask(place);

        ck_assert_uint_eq(seen.n, 1);
        ck_assert_uint_eq(view->limit, 7);
        ck_assert_uint_ne(view->inode, 0);
}

static const size_t path_lengths[] = { 60, 107, 108 };

START_TEST(a_path_is_told_without_its_nul)
{
        Place place = path_of(path_lengths[_i]);

        listen_at(&place, SOCK_STREAM, 7);
        remove_path(&place);
        check_listener(&place);
}
END_TEST

START_TEST(a_path_bound_with_more_nuls_is_the_same_path)
{
        Place place = path_of(60);

        place.size = sizeof place.address;
        listen_at(&place, SOCK_STREAM, 7);
        remove_path(&place);
        check_listener(&place);
}
END_TEST

START_TEST(an_abstract_name_bound_with_more_nuls_has_them)
{
        Place place = abstract("padded");

        place.size = sizeof place.address;
        listen_at(&place, SOCK_STREAM, 7);
        place.name_size = UNIX_NAME_BYTES_MAX;
        check_listener(&place);
}
END_TEST

START_TEST(an_abstract_name_may_be_a_single_nul)
{
        Place place = place_of("", 1);

        listen_at(&place, SOCK_SEQPACKET, 7);
        check_listener(&place);
}
END_TEST

START_TEST(the_kernel_chooses_an_abstract_name_of_six_bytes)
{
        Place place = place_of("", 0);

        listen_at(&place, SOCK_STREAM, 7);
        dump(ONLY_LISTEN);
        ck_assert_uint_eq(seen.n, 1);
        ck_assert_uint_eq(seen.views[0].name_size, 6);
        ck_assert_int_eq(seen.views[0].name[0], '\0');
}
END_TEST

START_TEST(an_accepted_socket_has_the_name_of_its_listener)
{
        Place place = abstract("queue");
        int listener = listen_at(&place, SOCK_STREAM, 8);

        connect_at(&place, SOCK_STREAM);
        dump(SOCK_STATE_MASK(SOCK_STATE_ESTABLISHED));
        ck_assert_uint_eq(seen.n, 1);
        ck_assert_ptr_null(seen.views[0].name);

        ck_assert_int_ge(accept4(listener, NULL, NULL, SOCK_CLOEXEC), 0);
        dump(SOCK_STATE_MASK(SOCK_STATE_ESTABLISHED));
        ck_assert_uint_eq(seen.n, 2);
        ck_assert_uint_eq(find(&place)->state, SOCK_STATE_ESTABLISHED);
}
END_TEST

/* ---- what is listed ---- */

static void count_states(unsigned expected[static _SOCK_STATE_MAX]) {
        unsigned counts[_SOCK_STATE_MAX] = { 0 };

        dump(SOCK_STATES_ALL);
        for (unsigned i = 0; i < seen.n; i++)
                counts[seen.views[i].state]++;
        for (unsigned i = 0; i < _SOCK_STATE_MAX; i++)
                ck_assert_msg(counts[i] == expected[i], "state %u: %u, not %u", i, counts[i], expected[i]);
}

#define COUNT_STATES(...) count_states((unsigned[_SOCK_STATE_MAX]){ __VA_ARGS__ })

START_TEST(every_socket_is_in_one_of_three_states)
{
        Place stream = abstract("stream"), datagram = abstract("datagram");
        int pair[2], listener;

        COUNT_STATES(0);
        make_socket(SOCK_STREAM);
        make_socket(SOCK_DGRAM);
        COUNT_STATES([SOCK_STATE_CLOSE] = 2);

        listener = listen_at(&stream, SOCK_STREAM, 8);
        connect_at(&stream, SOCK_STREAM);
        COUNT_STATES([SOCK_STATE_CLOSE] = 2, [SOCK_STATE_LISTEN] = 1, [SOCK_STATE_ESTABLISHED] = 1);
        ck_assert_int_ge(accept4(listener, NULL, NULL, SOCK_CLOEXEC), 0);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        COUNT_STATES([SOCK_STATE_CLOSE] = 2, [SOCK_STATE_LISTEN] = 1, [SOCK_STATE_ESTABLISHED] = 4);

        /* Who was connected to counts as connected. */
        bind_at(&datagram, SOCK_DGRAM);
        COUNT_STATES([SOCK_STATE_CLOSE] = 3, [SOCK_STATE_LISTEN] = 1, [SOCK_STATE_ESTABLISHED] = 4);
        connect_at(&datagram, SOCK_DGRAM);
        COUNT_STATES([SOCK_STATE_CLOSE] = 2, [SOCK_STATE_LISTEN] = 1, [SOCK_STATE_ESTABLISHED] = 6);

        /* It refuses, and stays what it was. */
        ck_assert_int_eq(shutdown(listener, SHUT_RDWR), 0);
        ck_assert_int_eq(try_connect(make_socket(SOCK_STREAM), &stream), -ECONNREFUSED);
        ck_assert_uint_eq(ask(&stream)->state, SOCK_STATE_LISTEN);
}
END_TEST

START_TEST(of_a_connected_socket_the_queue_is_bytes)
{
        Place place = abstract("bytes");
        int listener = listen_at(&place, SOCK_STREAM, 8), client;
        bool has_sent = false;

        client = connect_at(&place, SOCK_STREAM);
        ck_assert_int_ge(accept4(listener, NULL, NULL, SOCK_CLOEXEC), 0);
        write_bytes(client, 100);
        write_bytes(client, 23);

        dump(SOCK_STATE_MASK(SOCK_STATE_ESTABLISHED));
        ck_assert_uint_eq(seen.n, 2);
        ck_assert_uint_eq(find(&place)->length, 123);
        ck_assert_uint_eq(find(&place)->limit, 0);
        for (unsigned i = 0; i < seen.n; i++)
                has_sent |= !seen.views[i].name && seen.views[i].length == 0 && seen.views[i].limit > 123;
        ck_assert(has_sent);
}
END_TEST

/* The soft limit is 1024 in most places. */
static void raise_descriptor_limit(void) {
        struct rlimit limit;

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        limit.rlim_cur = MIN(limit.rlim_max, (rlim_t)N_SEEN_MAX);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

#define N_MANY 900

START_TEST(many_listeners_are_each_told_once)
{
        char name[UNIX_NAME_BYTES_MAX];
        uint32_t backlogs = 0;
        Place place;

        raise_descriptor_limit();
        memset(name, '-', sizeof name);
        name[0] = '\0';
        for (unsigned i = 0; i < N_MANY; i++) {
                memcpy(name + 1, &i, sizeof i);
                place = place_of(name, sizeof name);
                listen_at(&place, types[i % 2], (int)i);
        }

        dump(ONLY_LISTEN);
        ck_assert_uint_eq(seen.n, N_MANY);
        for (unsigned i = 0; i < N_MANY; i++) {
                memcpy(name + 1, &i, sizeof i);
                place = place_of(name, sizeof name);
                ck_assert_uint_eq(find(&place)->type, (unsigned)types[i % 2]);
                backlogs += find(&place)->limit == i;
        }
        ck_assert_uint_eq(backlogs, N_MANY);
}
END_TEST

START_TEST(listeners_of_another_namespace_are_not_listed)
{
        Place place = path_of(60);
        SockDiag *there;

        listen_at(&place, SOCK_STREAM, 8);
        namespace_enter();
        connect_at(&place, SOCK_STREAM);
        remove_path(&place);

        ck_assert_int_eq(sock_diag_new(&there), 0);
        seen.n = 0;
        ck_assert_int_eq(sock_diag_dump_unix(there, ONLY_LISTEN, on_socket, NULL), 0);
        ck_assert_uint_eq(seen.n, 0);

        /* The path led to it from there all the same, and who waits there is told here. */
        ck_assert_uint_eq(ask(&place)->length, 1);
        ck_assert_uint_eq(seen.n, 1);
        (void)sock_diag_free(there);
}
END_TEST

START_TEST(a_cookie_tells_two_sockets_of_one_name_apart)
{
        Place place = abstract("again");
        uint64_t cookie;
        int listener;

        listener = listen_at(&place, SOCK_STREAM, 1);
        cookie = ask(&place)->cookie;
        ck_assert_uint_ne(cookie, 0);
        ck_assert_uint_eq(ask(&place)->cookie, cookie);
        ck_assert_int_eq(close(listener), 0);

        listen_at(&place, SOCK_STREAM, 1);
        ck_assert_uint_ne(ask(&place)->cookie, cookie);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("unix-diag");
        TCase *queues = tcase_create("queues");
        TCase *names = tcase_create("names");
        TCase *listing = tcase_create("listing");

        namespace_require();

        tcase_add_checked_fixture(queues, setup, teardown);
        tcase_set_timeout(queues, 30);
        tcase_add_loop_test(queues, a_queue_of_three_holds_four_and_refuses_the_rest, 0, ELEMENTSOF(types));
        tcase_add_loop_test(queues, an_accepted_connection_leaves_the_queue, 0, ELEMENTSOF(types));
        tcase_add_loop_test(queues, a_client_that_gave_up_still_stands_in_the_queue, 0, ELEMENTSOF(types));
        tcase_add_test(queues, a_client_that_waits_is_in_no_queue);
        tcase_add_test(queues, somaxconn_caps_the_limit_when_listen_is_called);
        tcase_add_test(queues, a_backlog_that_shrinks_leaves_more_than_one_over_the_limit);
        suite_add_tcase(suite, queues);

        tcase_add_checked_fixture(names, setup, teardown);
        tcase_set_timeout(names, 30);
        tcase_add_loop_test(names, a_path_is_told_without_its_nul, 0, ELEMENTSOF(path_lengths));
        tcase_add_test(names, a_path_bound_with_more_nuls_is_the_same_path);
        tcase_add_test(names, an_abstract_name_bound_with_more_nuls_has_them);
        tcase_add_test(names, an_abstract_name_may_be_a_single_nul);
        tcase_add_test(names, the_kernel_chooses_an_abstract_name_of_six_bytes);
        tcase_add_test(names, an_accepted_socket_has_the_name_of_its_listener);
        suite_add_tcase(suite, names);

        tcase_add_checked_fixture(listing, setup, teardown);
        tcase_set_timeout(listing, 30);
        tcase_add_test(listing, every_socket_is_in_one_of_three_states);
        tcase_add_test(listing, of_a_connected_socket_the_queue_is_bytes);
        tcase_add_test(listing, many_listeners_are_each_told_once);
        tcase_add_test(listing, listeners_of_another_namespace_are_not_listed);
        tcase_add_test(listing, a_cookie_tells_two_sockets_of_one_name_apart);
        suite_add_tcase(suite, listing);

        return suite_main(suite);
}
