/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "daemon/options.h"
#include "store/ring.h"
#include "suite.h"

#define WORDS_MAX 24

/* Reads a command line whose words are set apart by blanks; @ret points into @line. */
static int parse(char *line, Options *ret, char ret_message[static OPTIONS_MESSAGE_SIZE]) {
        char *argv[WORDS_MAX + 1] = { (char *)"sockwatchd" }, *rest = NULL;
        int argc = 1;

        for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
                ck_assert_int_lt(argc, WORDS_MAX);
                argv[argc++] = word;
        }

        return options_parse(argc, argv, ret, ret_message);
}

START_TEST(without_flags_everything_has_its_default)
{
        char message[OPTIONS_MESSAGE_SIZE], line[] = "";
        Options options;

        ck_assert_int_eq(parse(line, &options, message), 0);

        ck_assert_int_eq(options.action, OPTIONS_RUN);
        ck_assert_uint_eq(options.n_listen, 0);
        ck_assert_uint_eq(options.interval_usec, USEC_PER_SEC);
        ck_assert_ptr_null(options.config_file);
        ck_assert_ptr_null(options.ring_file);
        ck_assert_uint_eq(options.ring_bytes, 16 << 20);
        ck_assert_str_eq(options.proc_root, "/proc");
        ck_assert_str_eq(options.sys_root, "/sys");
        ck_assert_int_eq(options.log_level, LOG_INFO);
}
END_TEST

START_TEST(the_default_address_is_one)
{
        HttpAddress address;

        ck_assert_int_eq(http_address_parse(OPTIONS_LISTEN_DEFAULT, &address), 0);
}
END_TEST

static Options parse_good(const char *text) {
        static char line[256];
        char message[OPTIONS_MESSAGE_SIZE];
        Options options;

        (void)snprintf(line, sizeof line, "%s", text);
        ck_assert_msg(parse(line, &options, message) == 0, "%s: %s", text, message);
        return options;
}

/* Every flag with a value, in both spellings. */
static const char *const spellings[] = {
        "--web.listen-address=[::1]:80 --sampling.interval=1500ms --ring.file=/tmp/a=b --ring.size=64MiB "
        "--procfs.root=/host/proc --sysfs.root=/host/sys --log.level=debug --config.file=/etc/x.yaml",
        "--web.listen-address [::1]:80 --sampling.interval 1500ms --ring.file /tmp/a=b --ring.size 64MiB "
        "--procfs.root /host/proc --sysfs.root /host/sys --log.level debug --config.file /etc/x.yaml",
};

START_TEST(a_value_follows_its_flag_in_both_spellings)
{
        Options options = parse_good(spellings[_i]);

        ck_assert_uint_eq(options.n_listen, 1);
        ck_assert_int_eq(options.listen[0].storage.ss_family, AF_INET6);
        ck_assert_str_eq(options.listen_texts[0], "[::1]:80");
        ck_assert_uint_eq(options.interval_usec, 1500000);
        ck_assert_str_eq(options.config_file, "/etc/x.yaml");
        ck_assert_str_eq(options.ring_file, "/tmp/a=b");
        ck_assert_uint_eq(options.ring_bytes, 64 << 20);
        ck_assert_str_eq(options.proc_root, "/host/proc");
        ck_assert_str_eq(options.sys_root, "/host/sys");
        ck_assert_int_eq(options.log_level, LOG_DEBUG);
}
END_TEST

static const struct {
        const char *line;
        usec_t interval_usec;
        uint64_t ring_bytes;
        int log_level;
} limits[] = {
        { "--sampling.interval=10ms", 10 * USEC_PER_MSEC, 16 << 20, LOG_INFO },
        { "--sampling.interval=1h", USEC_PER_HOUR, 16 << 20, LOG_INFO },
        { "--sampling.interval=60m", USEC_PER_HOUR, 16 << 20, LOG_INFO },
        { "--sampling.interval=0.5s", USEC_PER_SEC / 2, 16 << 20, LOG_INFO },
        { "--ring.size=2052KiB", USEC_PER_SEC, RING_BYTES_MIN, LOG_INFO },
        { "--ring.size=2101248", USEC_PER_SEC, RING_BYTES_MIN, LOG_INFO },
        { "--ring.size=16GiB", USEC_PER_SEC, UINT64_C(16) << 30, LOG_INFO },
        { "--log.level=error", USEC_PER_SEC, 16 << 20, LOG_ERR },
        { "--log.level=warn", USEC_PER_SEC, 16 << 20, LOG_WARNING },
        { "--log.level=info", USEC_PER_SEC, 16 << 20, LOG_INFO },
        /* the last one counts */
        { "--log.level=debug --log.level=error", USEC_PER_SEC, 16 << 20, LOG_ERR },
        { "--sampling.interval 2s --sampling.interval=3s", 3 * USEC_PER_SEC, 16 << 20, LOG_INFO },
};

START_TEST(a_value_may_be_as_far_as_its_limit)
{
        Options options = parse_good(limits[_i].line);

        ck_assert_uint_eq(options.interval_usec, limits[_i].interval_usec);
        ck_assert_uint_eq(options.ring_bytes, limits[_i].ring_bytes);
        ck_assert_int_eq(options.log_level, limits[_i].log_level);
}
END_TEST

START_TEST(addresses_add_up_in_their_order)
{
        Options options =
                parse_good("--web.listen-address=:1 --web.listen-address :2 --web.listen-address=:3 "
                           "--web.listen-address=:4 --web.listen-address=:5 --web.listen-address=:6 "
                           "--web.listen-address=:7 --web.listen-address=:8");

        ck_assert_uint_eq(options.n_listen, OPTIONS_LISTEN_MAX);
        for (size_t i = 0; i < OPTIONS_LISTEN_MAX; i++) {
                const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)&options.listen[i].storage;

                ck_assert_uint_eq(ntohs(ipv6->sin6_port), i + 1);
        }
}
END_TEST

static const struct {
        const char *line;
        OptionsAction action;
} actions[] = {
        { "--help", OPTIONS_HELP },
        { "-h", OPTIONS_HELP },
        { "--version", OPTIONS_VERSION },
        { "--log.level=debug --help", OPTIONS_HELP },
};

START_TEST(help_and_version_are_actions)
{ ck_assert_int_eq(parse_good(actions[_i].line).action, actions[_i].action); }
END_TEST

static const struct {
        const char *line;
        const char *flag;   /* that the message names */
        const char *wanted; /* that it gives for what would be right */
} bad[] = {
        /* unknown */
        { "--nonsense", "--nonsense", "--help" },
        { "--nonsense=1", "--nonsense", "--help" },
        { "--", "--", "--help" },
        { "--=", "--=", "--help" },
        { "-", "-", "--help" },
        { "-x", "-x", "--help" },
        { "-help", "-help", "--help" },
        { "-log.level=debug", "-log.level", "--help" },
        { "---log.level=debug", "---log.level", "--help" },
        { "run", "run", "--help" },
        { "--log.level debug debug", "debug", "--help" },
        { "--LOG.LEVEL=debug", "--LOG.LEVEL", "--help" },

        /* abbreviated, or more than the name */
        { "--log=debug", "--log", "--help" },
        { "--log.leve=debug", "--log.leve", "--help" },
        { "--log.levels=debug", "--log.levels", "--help" },
        { "--config=x", "--config", "--help" },
        { "--ring=1", "--ring", "--help" },
        { "--h", "--h", "--help" },
        { "--vers", "--vers", "--help" },

        /* no value, or none wanted */
        { "--web.listen-address", "--web.listen-address", "wanted: a numeric address" },
        { "--sampling.interval", "--sampling.interval", "wanted: a duration of 10ms to 1h" },
        { "--config.file", "--config.file", "wanted: a path" },
        { "--ring.file", "--ring.file", "wanted: a path" },
        { "--ring.size", "--ring.size", "wanted: a size of 2052KiB to 16GiB" },
        { "--procfs.root", "--procfs.root", "wanted: a path" },
        { "--sysfs.root", "--sysfs.root", "wanted: a path" },
        { "--log.level", "--log.level", "wanted: error, warn, info or debug" },
        { "--help=yes", "--help", "takes no value" },
        { "--version=", "--version", "takes no value" },

        /* bad values */
        { "--web.listen-address=", "--web.listen-address", "wanted: a numeric address" },
        { "--web.listen-address=localhost:80", "--web.listen-address", "wanted: a numeric address" },
        { "--web.listen-address=127.0.0.1", "--web.listen-address", "127.0.0.1:7625" },
        { "--web.listen-address=:1 --web.listen-address=:2 --web.listen-address=:3 --web.listen-address=:4 "
          "--web.listen-address=:5 --web.listen-address=:6 --web.listen-address=:7 --web.listen-address=:8 "
          "--web.listen-address=:9",
          "--web.listen-address", "at most 8 times" },
        { "--sampling.interval=", "--sampling.interval", "wanted: a duration of 10ms to 1h" },
        { "--sampling.interval=1", "--sampling.interval", "wanted: a duration of 10ms to 1h" },
        { "--sampling.interval=9999us", "--sampling.interval", "wanted: a duration of 10ms to 1h" },
        { "--sampling.interval=0s", "--sampling.interval", "wanted: a duration of 10ms to 1h" },
        { "--sampling.interval=-1s", "--sampling.interval", "wanted: a duration of 10ms to 1h" },
        { "--sampling.interval=61m", "--sampling.interval", "wanted: a duration of 10ms to 1h" },
        { "--sampling.interval=1d", "--sampling.interval", "wanted: a duration of 10ms to 1h" },
        { "--config.file=", "--config.file", "wanted: a path" },
        { "--ring.file=", "--ring.file", "wanted: a path" },
        { "--ring.size=", "--ring.size", "wanted: a size of 2052KiB to 16GiB" },
        { "--ring.size=2051KiB", "--ring.size", "wanted: a size of 2052KiB to 16GiB" },
        { "--ring.size=17GiB", "--ring.size", "wanted: a size of 2052KiB to 16GiB" },
        { "--ring.size=16MB", "--ring.size", "wanted: a size of 2052KiB to 16GiB" },
        { "--ring.size=99999999999999999999GiB", "--ring.size", "wanted: a size of 2052KiB to 16GiB" },
        { "--procfs.root=", "--procfs.root", "wanted: a path" },
        { "--sysfs.root=", "--sysfs.root", "wanted: a path" },
        { "--log.level=", "--log.level", "wanted: error, warn, info or debug" },
        { "--log.level=verbose", "--log.level", "wanted: error, warn, info or debug" },
        { "--log.level=INFO", "--log.level", "wanted: error, warn, info or debug" },

        /* a flag is not the value of the one before it */
        { "--ring.file --log.level=debug", "--ring.file", "wanted: a path" },
        { "--log.level --help", "--log.level", "wanted: error, warn, info or debug" },
};

START_TEST(a_wrong_line_is_refused_with_what_would_be_right)
{
        char message[OPTIONS_MESSAGE_SIZE] = "", line[512];
        Options options, before;

        memset(&options, 0xaa, sizeof options);
        memcpy(&before, &options, sizeof options);
        (void)snprintf(line, sizeof line, "%s", bad[_i].line);

        ck_assert_int_eq(parse(line, &options, message), -EINVAL);
        ck_assert_msg(strstr(message, bad[_i].flag) && strstr(message, bad[_i].wanted), "%s: %s",
                      bad[_i].line, message);
        ck_assert_mem_eq(&options, &before, sizeof options);
}
END_TEST

START_TEST(a_long_word_does_not_burst_the_message)
{
        char message[OPTIONS_MESSAGE_SIZE], line[4096];
        Options options;

        memset(line, '-', sizeof line);
        line[sizeof line - 1] = '\0';
        ck_assert_int_eq(parse(line, &options, message), -EINVAL);
        ck_assert_uint_lt(strlen(message), sizeof message);

        (void)snprintf(line, sizeof line, "--web.listen-address=%03900d:80", 0);
        ck_assert_int_eq(parse(line, &options, message), -EINVAL);
        ck_assert_ptr_nonnull(strstr(message, "at most 8 times"));
}
END_TEST

/* The row that --help has for a flag. */
static const char *const help_rows[] = {
        "--web.listen-address=ADDRESS:PORT ",
        "--sampling.interval=DURATION ",
        "--config.file=PATH ",
        "--ring.file=PATH ",
        "--ring.size=BYTES ",
        "--procfs.root=PATH ",
        "--sysfs.root=PATH ",
        "--log.level=LEVEL ",
        "--help ",
        "--version ",
};

START_TEST(help_has_a_row_for_every_flag)
{
        char text[8192] = "";
        FILE *file = tmpfile(), *saved = stdout;

        ck_assert_ptr_nonnull(file);
        stdout = file;
        options_print_help();
        stdout = saved;
        rewind(file);
        ck_assert_uint_lt(fread(text, 1, sizeof text - 1, file), sizeof text - 1);
        (void)fclose(file);

        for (size_t i = 0; i < ELEMENTSOF(help_rows); i++)
                ck_assert_msg(strstr(text, help_rows[i]) != NULL, "%s", help_rows[i]);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("options");
        TCase *right = tcase_create("right"), *wrong = tcase_create("wrong");

        tcase_add_test(right, without_flags_everything_has_its_default);
        tcase_add_test(right, the_default_address_is_one);
        tcase_add_loop_test(right, a_value_follows_its_flag_in_both_spellings, 0, ELEMENTSOF(spellings));
        tcase_add_loop_test(right, a_value_may_be_as_far_as_its_limit, 0, ELEMENTSOF(limits));
        tcase_add_test(right, addresses_add_up_in_their_order);
        tcase_add_loop_test(right, help_and_version_are_actions, 0, ELEMENTSOF(actions));
        tcase_add_test(right, help_has_a_row_for_every_flag);
        suite_add_tcase(suite, right);

        tcase_add_loop_test(wrong, a_wrong_line_is_refused_with_what_would_be_right, 0, ELEMENTSOF(bad));
        tcase_add_test(wrong, a_long_word_does_not_burst_the_message);
        suite_add_tcase(suite, wrong);

        return suite_main(suite);
}
