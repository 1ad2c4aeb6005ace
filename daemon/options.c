/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The command line of sockwatchd
 *
 * One table of flags: parsing and --help both walk it.
 */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "daemon/options.h"
#include "exporters/journal/log.h"
#include "store/ring.h"

#define OPTIONS_RING_BYTES_DEFAULT (UINT64_C(16) << 20)

static_assert(RING_BYTES_MIN == 2052 << 10 && RING_BYTES_MAX == RING_HEADER_BYTES + (UINT64_C(16) << 30),
              "the table of flags and sockwatchd(8) say which sizes a ring may have");

typedef struct Flag {
        const char *name;     /* without the dashes */
        const char *argument; /* what --help calls its value; NULL: it takes none */
        const char *help;
        const char *wanted;                              /* what would be right, for the message */
        int (*set)(Options *options, const char *value); /* 0 or a negative errno */
} Flag;

static int options_set_listen(Options *options, const char *value) {
        int r;

        if (options->n_listen == OPTIONS_LISTEN_MAX)
                return -E2BIG;

        r = http_address_parse(value, &options->listen[options->n_listen]);
        if (r < 0)
                return r;

        options->listen_texts[options->n_listen++] = value;
        return 0;
}

static int options_set_interval(Options *options, const char *value) {
        usec_t interval;
        int r;

        r = number_parse_duration(value, strlen(value), &interval);
        if (r < 0)
                return r;
        if (interval < OPTIONS_INTERVAL_MIN_USEC || interval > OPTIONS_INTERVAL_MAX_USEC)
                return -ERANGE;

        options->interval_usec = interval;
        return 0;
}

static int options_set_ring_size(Options *options, const char *value) {
        uint64_t bytes;
        int r;

        r = number_parse_size(value, strlen(value), &bytes);
        if (r < 0)
                return r;
        if (bytes < RING_BYTES_MIN || bytes > RING_BYTES_MAX)
                return -ERANGE;

        options->ring_bytes = bytes;
        return 0;
}

static int options_set_path(const char **path, const char *value) {
        if (value[0] == '\0')
                return -EINVAL;

        *path = value;
        return 0;
}

static int options_set_config_file(Options *options, const char *value) {
        return options_set_path(&options->config_file, value);
}

static int options_set_ring_file(Options *options, const char *value) {
        return options_set_path(&options->ring_file, value);
}

static int options_set_proc_root(Options *options, const char *value) {
        return options_set_path(&options->proc_root, value);
}

static int options_set_sys_root(Options *options, const char *value) {
        return options_set_path(&options->sys_root, value);
}

static int options_set_log_level(Options *options, const char *value) {
        int level = log_level_parse(value);

        if (level < 0)
                return level;

        options->log_level = level;
        return 0;
}

static int options_set_help(Options *options, const char *value) {
        options->action = OPTIONS_HELP;
        return 0;
}

static int options_set_version(Options *options, const char *value) {
        options->action = OPTIONS_VERSION;
        return 0;
}

static const Flag flags[] = {
        {
                .name = "web.listen-address",
                .argument = "ADDRESS:PORT",
                .help = "Address to serve on; may be given 8 times (default " OPTIONS_LISTEN_DEFAULT
                        ", or the sockets that systemd passes)",
                .wanted = "a numeric address and a port, as in 127.0.0.1:7625, [::1]:7625 or :7625, at most "
                          "8 times",
                .set = options_set_listen,
        },
        {
                .name = "config.file",
                .argument = "PATH",
                .help = "YAML file of further settings, read again on SIGHUP (default none)",
                .wanted = "a path",
                .set = options_set_config_file,
        },
        {
                .name = "sampling.interval",
                .argument = "DURATION",
                .help = "Time from one sample to the next (default 1s)",
                .wanted = "a duration of 10ms to 1h, as in 1s or 500ms",
                .set = options_set_interval,
        },
        {
                .name = "ring.file",
                .argument = "PATH",
                .help = "File that holds the history (default \"ring\" in $RUNTIME_DIRECTORY, else "
                        "/run/sockwatch/ring)",
                .wanted = "a path",
                .set = options_set_ring_file,
        },
        {
                .name = "ring.size",
                .argument = "BYTES",
                .help = "Size of that file (default 16MiB)",
                .wanted = "a size of 2052KiB to 16GiB, in bytes, KiB, MiB or GiB, as in 16MiB",
                .set = options_set_ring_size,
        },
        {
                .name = "procfs.root",
                .argument = "PATH",
                .help = "Where /proc is mounted (default /proc)",
                .wanted = "a path",
                .set = options_set_proc_root,
        },
        {
                .name = "sysfs.root",
                .argument = "PATH",
                .help = "Where /sys is mounted (default /sys)",
                .wanted = "a path",
                .set = options_set_sys_root,
        },
        {
                .name = "log.level",
                .argument = "LEVEL",
                .help = "Least important messages to write: error, warn, info or debug (default info)",
                .wanted = "error, warn, info or debug",
                .set = options_set_log_level,
        },
        { .name = "help", .help = "Show this and exit", .set = options_set_help },
        { .name = "version", .help = "Show the version and exit", .set = options_set_version },
};

static const Flag *options_find(const char *name, size_t size) {
        for (size_t i = 0; i < ELEMENTSOF(flags); i++)
                if (strlen(flags[i].name) == size && memcmp(flags[i].name, name, size) == 0)
                        return &flags[i];

        return NULL;
}

/* Reads the flag at argv[*i] and steps to its last word. */
static int options_parse_flag(int argc, char *argv[], int *i, Options *options, char *reterr_message) {
        const char *word = argv[*i], *name = word + strspn(word, "-"), *equals = strchr(name, '=');
        size_t size = equals ? (size_t)(equals - name) : strlen(name);
        const char *value = equals ? equals + 1 : NULL;
        const Flag *flag;

        flag = strncmp(word, "--", 2) == 0 && name == word + 2 ? options_find(name, size) : NULL;
        if (strcmp(word, "-h") == 0)
                flag = options_find("help", strlen("help"));
        if (!flag) {
                (void)snprintf(reterr_message, OPTIONS_MESSAGE_SIZE,
                               "unknown %s \"%.100s\"; see sockwatchd --help",
                               word[0] == '-' ? "flag" : "argument", word);
                return -EINVAL;
        }

        if (!flag->argument && value) {
                (void)snprintf(reterr_message, OPTIONS_MESSAGE_SIZE, "flag --%s takes no value", flag->name);
                return -EINVAL;
        }
        if (flag->argument && !value) {
                /* A flag is not the value of the one before it. */
                if (*i + 1 == argc || strncmp(argv[*i + 1], "--", 2) == 0) {
                        (void)snprintf(reterr_message, OPTIONS_MESSAGE_SIZE,
                                       "flag --%s has no value; wanted: %s", flag->name, flag->wanted);
                        return -EINVAL;
                }
                value = argv[++*i];
        }

        if (flag->set(options, value) < 0) {
                (void)snprintf(reterr_message, OPTIONS_MESSAGE_SIZE,
                               "flag --%s has a bad value \"%.100s\"; wanted: %s", flag->name, value,
                               flag->wanted);
                return -EINVAL;
        }

        return 0;
}

int options_parse(int argc, char *argv[], Options *ret, char reterr_message[static OPTIONS_MESSAGE_SIZE]) {
        Options options = {
                .action = OPTIONS_RUN,
                .interval_usec = USEC_PER_SEC,
                .ring_bytes = OPTIONS_RING_BYTES_DEFAULT,
                .proc_root = "/proc",
                .sys_root = "/sys",
                .log_level = LOG_INFO,
        };
        int r;

        assert(ret);

        for (int i = 1; i < argc; i++) {
                r = options_parse_flag(argc, argv, &i, &options, reterr_message);
                if (r < 0)
                        return r;
        }

        *ret = options;
        return 0;
}

void options_print_help(void) {
        printf("sockwatchd [FLAG...]\n\n"
               "Samples the sockets of this host every second, keeps what it saw in a ring\n"
               "file and serves all of it to Prometheus. Needs no privilege and no configuration.\n\n");

        for (size_t i = 0; i < ELEMENTSOF(flags); i++) {
                int n = printf("  --%s%s%s", flags[i].name, flags[i].argument ? "=" : "",
                               flags[i].argument ? flags[i].argument : "");

                printf("%*s%s\n", n < 36 ? 36 - n : 1, "", flags[i].help);
        }

        printf("\nExit status: 0 told to stop, 1 failure, 2 wrong flag or value, 3 cannot listen,\n"
               "4 cannot use the ring file, 5 no netlink, /proc or /sys,\n"
               "6 cannot use the configuration file.\n");
}
