/* SPDX-License-Identifier: Apache-2.0 */

/*
 * sockwatch: what the daemon saw, for a person at a terminal
 *
 * A program is a table of commands; --help is that table printed.
 */

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "cli/command.h"
#include "cli/moments.h"

#define MAIN_TIME_NEAR    "now, 90s, 10m, 1h or 3d (ago), 14:05 or 14:05:30 (the last one),"
#define MAIN_TIME_FULL    "\"2026-11-22 14:05:30\", 2026-11-22T14:05:30 or @1795000000"
#define MAIN_TIME_FORMS   MAIN_TIME_NEAR " " MAIN_TIME_FULL

#define RING_FILE_DEFAULT "/run/sockwatch/ring"

static const struct {
        const char *name;
        CommandStatus (*run)(const CommandOptions *options);
        const char *help;
} commands[] = {
        { "status", command_status, "What is wrong, states, and listeners in short" },
        { "listeners", command_listeners, "Who listens where, how full the queues are, whose they are" },
        { "units", command_units, "Whose sockets and descriptors they are, the busiest first" },
        { "states", command_states, "Sockets by state, and ports by destination" },
        { "history", command_history, "Samples of the ring, one a line" },
};

static int main_set_path(const char **path, const char *value) {
        if (value[0] == '\0')
                return -EINVAL;

        *path = value;
        return 0;
}

static int main_set_ring_file(CommandOptions *options, const char *value) {
        options->has_ring_file = true;
        return main_set_path(&options->ring_file, value);
}

static int main_set_proc_root(CommandOptions *options, const char *value) {
        return main_set_path(&options->proc_root, value);
}

static int main_set_sys_root(CommandOptions *options, const char *value) {
        return main_set_path(&options->sys_root, value);
}

static int main_set_json(CommandOptions *options, const char *value) {
        options->json = true;
        return 0;
}

static int main_set_since(CommandOptions *options, const char *value) {
        options->has_since = true;
        return moment_parse(value, clock_usec(CLOCK_REALTIME), &options->since_usec);
}

static int main_set_at(CommandOptions *options, const char *value) {
        options->has_at = true;
        return moment_parse(value, clock_usec(CLOCK_REALTIME), &options->at_usec);
}

static const struct {
        const char *name;
        const char *argument;
        const char *help;
        int (*set)(CommandOptions *options, const char *value);
        const char *wanted; /* what would be right, for the message */
} flags[] = {
        { "--ring.file", "PATH", "File that holds the history (default " RING_FILE_DEFAULT ")",
          main_set_ring_file, "a path" },
        { "--procfs.root", "PATH", "Where /proc is mounted (default /proc)", main_set_proc_root, "a path" },
        { "--sysfs.root", "PATH", "Where /sys is mounted (default /sys)", main_set_sys_root, "a path" },
        { "--json", NULL, "Write JSON", main_set_json, NULL },
        { "--since", "TIME", "history: from this time on (default: the last minute)", main_set_since,
          MAIN_TIME_FORMS },
        { "--at", "TIME", "The sample of this time (default: the newest)", main_set_at, MAIN_TIME_FORMS },
};

/* What could not be written must not pass for an answer. */
static CommandStatus main_end(CommandStatus status) {
        if (fflush(stdout) == 0 && !ferror(stdout))
                return status;

        fprintf(stderr, "sockwatch: cannot write to stdout: %s\n", strerror(errno));
        return COMMAND_BLIND;
}

static CommandStatus main_print_help(void) {
        printf("sockwatch COMMAND [FLAG...]\n\n");
        for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                printf("  %-24s%s\n", commands[i].name, commands[i].help);
        printf("\n");
        for (size_t i = 0; i < ELEMENTSOF(flags); i++) {
                int n = printf("  %s%s%s", flags[i].name, flags[i].argument ? "=" : "",
                               flags[i].argument ? flags[i].argument : "");

                printf("%*s%s\n", 26 - n, "", flags[i].help);
        }
        printf("  --help                  Show this and exit\n"
               "  --version               Show the version and exit\n\n"
               "TIME is " MAIN_TIME_NEAR "\n" MAIN_TIME_FULL ".\n\n"
               "Exit status: 0 fine, 1 something found, 2 usage, 3 could not look.\n");
        return main_end(COMMAND_FINE);
}

static CommandStatus main_print_version(void) {
        printf("sockwatch " SOCKWATCH_VERSION "\n");
        return main_end(COMMAND_FINE);
}

/* Reads the flag at argv[*i] and steps to its last word. */
static int main_parse_flag(int argc, char *argv[], int *i, CommandOptions *options) {
        const char *word = argv[*i], *equals = strchr(word, '='), *value = equals ? equals + 1 : NULL;
        size_t size = equals ? (size_t)(equals - word) : strlen(word);

        for (size_t k = 0; k < ELEMENTSOF(flags); k++) {
                if (strlen(flags[k].name) != size || memcmp(flags[k].name, word, size) != 0)
                        continue;

                if (flags[k].argument && !value && *i + 1 < argc)
                        value = argv[++*i];
                if (!flags[k].argument != !value) {
                        fprintf(stderr, "sockwatch: flag %s %s; see sockwatch --help\n", flags[k].name,
                                value ? "takes no value" : "has no value");
                        return -EINVAL;
                }
                if (flags[k].set(options, value) < 0) {
                        fprintf(stderr, "sockwatch: flag %s has a bad value \"%s\"; wanted: %s\n",
                                flags[k].name, value, flags[k].wanted);
                        return -EINVAL;
                }
                return 0;
        }

        fprintf(stderr, "sockwatch: unknown flag \"%s\"; see sockwatch --help\n", word);
        return -EINVAL;
}

int main(int argc, char *argv[]) {
        CommandOptions options = { .ring_file = RING_FILE_DEFAULT,
                                   .proc_root = "/proc",
                                   .sys_root = "/sys" };
        const char *command = NULL;

        (void)setlocale(LC_CTYPE, "");

        for (int i = 1; i < argc; i++) {
                if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
                        return main_print_help();
                if (strcmp(argv[i], "--version") == 0)
                        return main_print_version();
                if (argv[i][0] == '-') {
                        if (main_parse_flag(argc, argv, &i, &options) < 0)
                                return COMMAND_USAGE;
                } else if (!command)
                        command = argv[i];
                else {
                        fprintf(stderr, "sockwatch: one command at a time, not \"%s\" and \"%s\"\n", command,
                                argv[i]);
                        return COMMAND_USAGE;
                }
        }

        if (command && strcmp(command, "help") == 0)
                return main_print_help();
        if (command && strcmp(command, "version") == 0)
                return main_print_version();

        for (size_t i = 0; command && i < ELEMENTSOF(commands); i++)
                if (strcmp(commands[i].name, command) == 0)
                        return (int)main_end(commands[i].run(&options));

        if (command)
                fprintf(stderr, "sockwatch: unknown command \"%s\"; see sockwatch --help\n", command);
        else
                fprintf(stderr, "sockwatch: no command; see sockwatch --help\n");
        return COMMAND_USAGE;
}
