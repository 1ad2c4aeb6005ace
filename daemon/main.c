/* SPDX-License-Identifier: Apache-2.0 */

/*
 * sockwatchd: samples the sockets of a host and serves what it saw
 *
 * Everything that a start needs is taken here, in an order in which nothing is
 * left behind when the next thing fails: configuration, sources, sockets, ring,
 * loop.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/configuration.h"
#include "daemon/daemon.h"
#include "daemon/exit_status.h"
#include "daemon/options.h"
#include "exporters/http/server.h"
#include "exporters/journal/log.h"
#include "store/ring.h"

#define RUNTIME_DIRECTORY_DEFAULT "/run/sockwatch"

/* The rest of what can be served on is left for --web.listen-address. */
#define PASSED_SOCKETS_MAX (HTTP_LISTENERS_MAX - OPTIONS_LISTEN_MAX)

typedef struct ListenSockets {
        size_t n;
        int fds[HTTP_LISTENERS_MAX];
} ListenSockets;

/* ---- what a start can fail at, each with its line ---- */

/* What to do about errors that have nothing to do with what was asked for; NULL: they have. */
static const char *main_general_advice(int error) {
        switch (error) {
        case -EMFILE:
                return "raise the limit of open files (ulimit -n, LimitNOFILE= in a unit)";
        case -ENFILE:
                return "the host is out of open files: see /proc/sys/fs/file-nr";
        case -ENOMEM:
        case -ENOBUFS:
                return "the host or its control group is out of memory";
        default:
                return NULL;
        }
}

static ExitStatus main_fail_sources(const char *what, int error) {
        const char *general = main_general_advice(error);

        if (general)
                log_error("cannot open %s: %s; %s", what, strerror(-error), general);
        else if (strcmp(what, "netlink") != 0)
                log_error("cannot open %s: %s; give the right folder with --procfs.root or --sysfs.root",
                          what, strerror(-error));
        else if (error == -EAFNOSUPPORT || error == -EPERM || error == -EACCES)
                log_error("cannot open a netlink socket: %s; allow it, in a unit with AF_NETLINK in "
                          "RestrictAddressFamilies=",
                          strerror(-error));
        else
                log_error("cannot open a netlink socket: %s; this kernel needs CONFIG_INET_DIAG",
                          strerror(-error));

        return EXIT_STATUS_SOURCES;
}

/* A folder that has neither is no /proc at all, and a wrong flag most likely. One of them may be missing, as
 * ProcSubset=pid has it, and the rest is still worth its while. */
static bool main_is_proc(int proc_fd) {
        return faccessat(proc_fd, "net", F_OK, 0) == 0 || faccessat(proc_fd, "self", F_OK, 0) == 0;
}

static const char *main_listen_advice(int error) {
        switch (error) {
        case -EADDRINUSE:
                return "stop what listens there or give another port with --web.listen-address";
        case -EACCES:
                return "give a port of 1024 or more with --web.listen-address";
        default:
                return "give an address of this host with --web.listen-address";
        }
}

static ExitStatus main_fail_listen(const char *text, int error) {
        const char *general = main_general_advice(error);

        log_error("cannot listen on %s: %s; %s", text, strerror(-error),
                  general ? general : main_listen_advice(error));
        return EXIT_STATUS_LISTEN;
}

static const char *main_ring_advice(int error) {
        switch (error) {
        case -EBUSY:
                return "another process has locked it, most likely another sockwatchd: stop that, or give "
                       "another "
                       "file with --ring.file";
        case -ENOTSUP:
                return "it is not a regular file: give one with --ring.file";
        case -EMEDIUMTYPE:
                return "it is a file of something else, and was left as it is: give another name with "
                       "--ring.file";
        case -ENOSPC:
                return "make room, or give a smaller one with --ring.size";
        default:
                return "give a file in a folder that can be written with --ring.file";
        }
}

static ExitStatus main_fail_ring(const char *path, int error) {
        const char *general = main_general_advice(error);

        log_error("cannot use ring file %s: %s; %s", path, strerror(-error),
                  general ? general : main_ring_advice(error));
        return EXIT_STATUS_RING;
}

/* ---- what a start needs ---- */

static ExitStatus main_configure(const Options *options, Bounds *ret) {
        char message[CONFIGURATION_MESSAGE_SIZE];
        Bounds bounds = bounds_default;

        if (options->config_file && configuration_load(options->config_file, &bounds, message) < 0) {
                log_error("%s", message);
                return EXIT_STATUS_CONFIGURATION;
        }

        *ret = bounds;
        return EXIT_STATUS_OK;
}

static void listen_sockets_done(ListenSockets *sockets) {
        for (size_t i = 0; i < sockets->n; i++)
                (void)close_fd(sockets->fds[i]);
        sockets->n = 0;
}

/* Sockets that systemd passes, if any, take the place of the default address. */
static ExitStatus main_take_passed_sockets(ListenSockets *sockets) {
        int n = sd_listen_fds(/* unset_environment= */ 1);

        for (int fd = SD_LISTEN_FDS_START; n > 0 && fd < SD_LISTEN_FDS_START + n; fd++) {
                if (sockets->n == PASSED_SOCKETS_MAX ||
                    sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, /* listening= */ 1) <= 0) {
                        log_error("file descriptor %d from systemd is not a listening stream socket, or "
                                  "there are "
                                  "more than %d; mend the .socket unit",
                                  fd, PASSED_SOCKETS_MAX);
                        return EXIT_STATUS_LISTEN;
                }
                sockets->fds[sockets->n++] = fd;
        }

        return EXIT_STATUS_OK;
}

static ExitStatus main_open_sockets(const Options *options, ListenSockets *sockets) {
        HttpAddress fallback;
        ExitStatus status;
        int r;

        status = main_take_passed_sockets(sockets);
        if (status != EXIT_STATUS_OK)
                return status;

        for (size_t i = 0; i < options->n_listen; i++) {
                r = http_address_listen(&options->listen[i], &sockets->fds[sockets->n]);
                if (r < 0)
                        return main_fail_listen(options->listen_texts[i], r);
                sockets->n++;
        }

        if (sockets->n == 0) {
                r = http_address_parse(OPTIONS_LISTEN_DEFAULT, &fallback);
                if (r == 0)
                        r = http_address_listen(&fallback, &sockets->fds[0]);
                if (r < 0)
                        return main_fail_listen(OPTIONS_LISTEN_DEFAULT, r);
                sockets->n++;
        }

        return EXIT_STATUS_OK;
}

/* The file that was asked for, or the one in the runtime directory, which is made if it is the usual one. */
static int main_find_ring(const Options *options, char ret_path[static RING_PATH_MAX]) {
        const char *folder = getenv("RUNTIME_DIRECTORY");
        int n;

        if (options->ring_file)
                n = snprintf(ret_path, RING_PATH_MAX, "%s", options->ring_file);
        else if (folder && folder[0] == '/')
                n = snprintf(ret_path, RING_PATH_MAX, "%.*s/ring", (int)strcspn(folder, ":"), folder);
        else {
                (void)mkdir(RUNTIME_DIRECTORY_DEFAULT, 0755);
                n = snprintf(ret_path, RING_PATH_MAX, "%s/ring", RUNTIME_DIRECTORY_DEFAULT);
        }

        return n < 0 || n >= RING_PATH_MAX ? -ENAMETOOLONG : 0;
}

static int main_serve(Daemon *daemon, ListenSockets *sockets) {
        char address[HTTP_ADDRESS_TEXT_SIZE];

        log_info("sockwatchd " SOCKWATCH_VERSION " starts");
        while (sockets->n > 0) {
                int fd = sockets->fds[--sockets->n];

                http_address_format(fd, address);
                daemon_listen(daemon, fd);
                log_info("serving http://%s/metrics", address);
        }

        return daemon_run(daemon);
}

static ExitStatus main_run(const Options *options,
                           const Bounds *bounds,
                           const Sources *sources,
                           ListenSockets *sockets,
                           bool *ret_is_stuck) {
        _cleanup_(recorder_freep) Recorder *recorder = NULL;
        char ring_path[RING_PATH_MAX];
        Daemon *daemon;
        int r;

        r = main_find_ring(options, ring_path);
        if (r == 0)
                r = recorder_new(ring_path, options->ring_bytes, &recorder);
        if (r < 0)
                return main_fail_ring(options->ring_file ? options->ring_file : ring_path, r);

        r = daemon_new(options->interval_usec, options->config_file, bounds, sources, recorder, &daemon);
        if (r < 0) {
                log_error("cannot start: %s", strerror(-r));
                return EXIT_STATUS_FAILURE;
        }

        r = main_serve(daemon, sockets);
        if (r < 0)
                log_error("cannot go on: %s", strerror(-r));

        if (!daemon_free(daemon)) {
                log_warning("the sampler is stuck in the kernel, leaving it");
                *ret_is_stuck = true;
        }

        return r < 0 ? EXIT_STATUS_FAILURE : EXIT_STATUS_OK;
}

static ExitStatus main_start(const Options *options) {
        ListenSockets sockets = { 0 };
        Sources sources = SOURCES_NULL;
        bool is_stuck = false;
        ExitStatus status;
        const char *what;
        Bounds bounds;
        int r;

        status = main_configure(options, &bounds);
        if (status != EXIT_STATUS_OK)
                return status;

        r = sources_init(&sources, options->proc_root, options->sys_root, &what);
        if (r < 0)
                return main_fail_sources(what, r);
        if (!main_is_proc(sources.proc_fd)) {
                log_error("%s is no /proc, it holds neither net nor self; give the right folder with "
                          "--procfs.root",
                          options->proc_root);
                sources_done(&sources);
                return EXIT_STATUS_SOURCES;
        }

        status = main_open_sockets(options, &sockets);
        if (status == EXIT_STATUS_OK)
                status = main_run(options, &bounds, &sources, &sockets, &is_stuck);

        listen_sockets_done(&sockets);

        /* Whatever runs at an ordinary exit would run beside a thread that may go on at any moment. */
        if (is_stuck)
                _exit((int)status);

        sources_done(&sources);
        return status;
}

/* The main thread takes these from its loop; no other thread takes any. */
static void main_block_signals(void) {
        sigset_t set;

        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGTERM);
        (void)sigaddset(&set, SIGINT);
        (void)sigaddset(&set, SIGHUP);
        (void)sigprocmask(SIG_BLOCK, &set, NULL);
        (void)signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char *argv[]) {
        char message[OPTIONS_MESSAGE_SIZE];
        Options options;
        int r;

        log_open();

        r = options_parse(argc, argv, &options, message);
        if (r < 0) {
                log_error("%s", message);
                return EXIT_STATUS_USAGE;
        }

        switch (options.action) {
        case OPTIONS_HELP:
                options_print_help();
                return EXIT_STATUS_OK;
        case OPTIONS_VERSION:
                printf("sockwatchd " SOCKWATCH_VERSION "\n");
                return EXIT_STATUS_OK;
        default:
                log_set_level(options.log_level);
                main_block_signals();
                return (int)main_start(&options);
        }
}
