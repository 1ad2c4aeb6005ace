/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/configuration.h"
#include "suite.h"

#define TABLES_NAMES "listeners, unix_listeners, udp_sockets, units, processes or destinations"
#define YAML_WANTED  "lines of \"key: value\", indented by blanks, as UTF-8"
#define BUDGET_WANTED \
        "a share of one core of 0% to 100%, as in 0.5%, with the sign and at most four decimals"
#define PEAK_WANTED "a duration of 1s to 1h, as in 90s or 1.5m"

static Bounds parse_good(const char *text) {
        char message[CONFIGURATION_MESSAGE_SIZE] = "";
        Bounds bounds;

        ck_assert_msg(configuration_parse("f", text, strlen(text), &bounds, message) == 0, "%s: %s", text,
                      message);
        return bounds;
}

static void expect(const char *text, const Bounds *wanted) {
        char wanted_text[CONFIGURATION_TEXT_SIZE], is_text[CONFIGURATION_TEXT_SIZE];
        Bounds is = parse_good(text);

        configuration_format(wanted, wanted_text);
        configuration_format(&is, is_text);
        ck_assert_msg(strcmp(is_text, wanted_text) == 0, "%s\ngives  %s\nwanted %s", text, is_text,
                      wanted_text);
}

/* ---- right ones ---- */

static const char *const empty[] = {
        "",
        "\n\n",
        "# only a comment",
        "---\n",
        "---\n...\n",
        "~\n",
        "{}\n",
        "tables:\nwindows:\n",
        "tables: {}\nwindows: ~\n",
        "tables:\n# listeners: 1\nwindows: # nothing\n",
        "\xef\xbb\xbf",
};

START_TEST(what_is_not_in_the_file_has_its_default)
{ expect(empty[_i], &bounds_default); }
END_TEST

static const char *const full[] = {
        "tables:\n"
        "  listeners: 1\n"
        "  unix_listeners: 2\n"
        "  udp_sockets: 3\n"
        "  units: 4\n"
        "  processes: 5\n"
        "  destinations: 6\n"
        "windows:\n"
        "  peak: 90s\n"
        "walks:\n"
        "  budget: 2.5%\n",
        "walks: {budget: 2.50%}\n"
        "windows: {peak: 1.5m}\n"
        "tables: {destinations: 6, processes: 5, units: 4, udp_sockets: 3, unix_listeners: 2, listeners: "
        "1}\n",
        "# other spellings of the same\r\n"
        "\"tables\":\r\n"
        "    destinations: \"6\"\r\n"
        "    processes: 005\r\n"
        "    units : 4 # four\r\n"
        "    udp_sockets: !!int 3\r\n"
        "    unix_listeners:\r\n"
        "        2\r\n"
        "    'listeners': '1'\r\n"
        "windows: &anchor\r\n"
        "    peak: 90000ms\r\n"
        "'walks':\r\n"
        "    budget: '2.5%'\r\n"
        "...\r\n",
};

START_TEST(every_setting_is_taken_from_the_file)
{
        static const Bounds wanted = {
                .n_listeners = 1,
                .n_unix_listeners = 2,
                .n_udp_sockets = 3,
                .n_units = 4,
                .n_processes = 5,
                .n_destinations = 6,
                .peak_window_usec = 90 * USEC_PER_SEC,
                .walk_budget_millionths = 25000,
        };

        expect(full[_i], &wanted);
}
END_TEST

START_TEST(a_setting_may_be_as_far_as_its_limit)
{
        static const char *const nothing[] = { "walks: {budget: 0%}", "walks: {budget: 0.0%}",
                                               "walks: {budget: '0'}" };
        static const Bounds least = { 1, 1, 1, 1, 1, 1, USEC_PER_SEC, 0 };
        static const Bounds most = { 512, 128, 128, 256, 64, 64, USEC_PER_HOUR, WALK_BUDGET_ONE };

        expect("tables: {listeners: 1, unix_listeners: 1, udp_sockets: 1, units: 1, processes: 1, "
               "destinations: 1}\n"
               "windows: {peak: 1s}\nwalks: {budget: 0}",
               &least);
        for (size_t i = 0; i < ELEMENTSOF(nothing); i++)
                ck_assert_uint_eq(parse_good(nothing[i]).walk_budget_millionths, 0);
        expect("tables: {listeners: 512, unix_listeners: 128, udp_sockets: 128, units: 256, processes: 64, "
               "destinations: 64}\nwindows: {peak: 60m}\nwalks: {budget: 100%}",
               &most);
}
END_TEST

START_TEST(all_settings_are_shown_in_one_line)
{
        char text[CONFIGURATION_TEXT_SIZE];

        configuration_format(&bounds_default, text);
        ck_assert_str_eq(text,
                         "tables.listeners 256, tables.unix_listeners 64, tables.udp_sockets 64, "
                         "tables.units 128, tables.processes 20, tables.destinations 20, windows.peak 1m, "
                         "walks.budget 1%");
}
END_TEST

/* The example's settings are behind "#", what is said of them is behind "# ". */
START_TEST(the_example_holds_every_setting_with_its_default)
{
        char text[8192], line[256];
        size_t length = 0, n_settings = 0;
        FILE *file = fopen(GOLDEN_FOLDER "/../../systemd/sockwatch.yaml", "re");

        ck_assert_ptr_nonnull(file);
        while (fgets(line, sizeof line, file)) {
                bool is_setting = line[0] == '#' && line[1] && (line[1] != ' ' || line[2] == ' ');

                ck_assert_msg(line[0] == '#' || line[0] == '\n', "in force: %s", line);
                n_settings += is_setting && line[1] == ' ';
                length += (size_t)snprintf(text + length, sizeof text - length, "%s",
                                           is_setting ? line + 1 : line);
                ck_assert_uint_lt(length, sizeof text);
        }
        (void)fclose(file);

        ck_assert_uint_eq(n_settings, 8);
        expect(text, &bounds_default);
}
END_TEST

/* ---- wrong ones ---- */

static const struct {
        const char *text;
        const char *message;
} bad[] = {
        /* out of range, or no number */
        { "tables:\n\n  listeners: 0\n", "f:3: tables.listeners is 0; wanted: a number of 1 to 512" },
        { "tables:\n  listeners: 513", "f:2: tables.listeners is 513; wanted: a number of 1 to 512" },
        { "tables:\n  unix_listeners: 129",
          "f:2: tables.unix_listeners is 129; wanted: a number of 1 to 128" },
        { "tables:\n  udp_sockets: 129", "f:2: tables.udp_sockets is 129; wanted: a number of 1 to 128" },
        { "tables:\n  units: 257", "f:2: tables.units is 257; wanted: a number of 1 to 256" },
        { "tables:\n  units: 1\n  processes: 65",
          "f:3: tables.processes is 65; wanted: a number of 1 to 64" },
        { "tables:\n  destinations: 65", "f:2: tables.destinations is 65; wanted: a number of 1 to 64" },
        { "tables: {units: 4294967297}", "f:1: tables.units is 4294967297; wanted: a number of 1 to 256" },
        { "tables: {units: 99999999999999999999}",
          "f:1: tables.units is 99999999999999999999; wanted: a number of 1 to 256" },
        { "tables: {units: -1}", "f:1: tables.units is -1; wanted: a number of 1 to 256" },
        { "tables: {units: 0x10}", "f:1: tables.units is 0x10; wanted: a number of 1 to 256" },
        { "tables: {units: 1.0}", "f:1: tables.units is 1.0; wanted: a number of 1 to 256" },
        { "tables: {units: many}", "f:1: tables.units is many; wanted: a number of 1 to 256" },
        { "tables:\n  units:\n  listeners: 1",
          "f:2: tables.units has no value; wanted: a number of 1 to 256" },
        { "tables: {units: ~}", "f:1: tables.units is ~; wanted: a number of 1 to 256" },
        { "tables: {units: 5%n}", "f:1: tables.units is 5%n; wanted: a number of 1 to 256" },
        { "tables:\n  units: |\n    5\n", "f:2: tables.units is 5?; wanted: a number of 1 to 256" },
        { "windows:\n  peak: 999ms", "f:2: windows.peak is 999ms; wanted: " PEAK_WANTED },
        { "windows:\n  peak: 61m", "f:2: windows.peak is 61m; wanted: " PEAK_WANTED },
        { "windows:\n  peak: 60", "f:2: windows.peak is 60; wanted: " PEAK_WANTED },
        { "windows:\n  peak: 60 s", "f:2: windows.peak is 60 s; wanted: " PEAK_WANTED },

        { "walks:\n  budget: 1", "f:2: walks.budget is 1; wanted: " BUDGET_WANTED },
        { "walks:\n  budget: 00", "f:2: walks.budget is 00; wanted: " BUDGET_WANTED },
        { "walks:\n  budget: 0.01", "f:2: walks.budget is 0.01; wanted: " BUDGET_WANTED },
        { "walks:\n  budget: -1%", "f:2: walks.budget is -1%; wanted: " BUDGET_WANTED },
        { "walks:\n  budget: 100.0001%", "f:2: walks.budget is 100.0001%; wanted: " BUDGET_WANTED },
        { "walks:\n  budget:", "f:2: walks.budget has no value; wanted: " BUDGET_WANTED },
        /* unknown keys */
        { "# a comment\ntabels:\n  listeners: 1",
          "f:2: unknown key \"tabels\"; wanted: tables, windows or walks" },
        { "tables:\n  units: 3\n\nWindows:\n",
          "f:4: unknown key \"Windows\"; wanted: tables, windows or walks" },
        { "tables:\nlisteners: 3\n", "f:2: unknown key \"listeners\"; wanted: tables, windows or walks" },
        { "tables:\n  units: 3\n  \n  listener: 3",
          "f:4: unknown key \"listener\" in tables; wanted: " TABLES_NAMES },
        { "tables:\n  units: 3\nwindows:\n  units: 3",
          "f:4: unknown key \"units\" in windows; wanted: peak" },
        { "windows:\n  peak: 2s\n  \"pe\\nak\": 3s", "f:3: unknown key \"pe?ak\" in windows; wanted: peak" },
        { "windows:\n  '': 3s", "f:2: unknown key \"\" in windows; wanted: peak" },
        { "windows:\n  peak': 3s", "f:2: unknown key \"peak'\" in windows; wanted: peak" },
        { "<<: {tables: }", "f:1: unknown key \"<<\"; wanted: tables, windows or walks" },

        /* twice */
        { "tables:\n  units: 3\nwindows:\ntables:", "f:4: tables is there twice; wanted: once" },
        { "tables:\n  units: 3\n  listeners: 3\n  units: 3",
          "f:4: tables.units is there twice; wanted: once" },

        /* of a wrong type */
        { "# c\n- tables", "f:2: the file is a list; wanted: a mapping of tables, windows or walks" },
        { "\n\ntables", "f:3: the file is a single value; wanted: a mapping of tables, windows or walks" },
        { "windows:\ntables: 5", "f:2: tables is a single value; wanted: a mapping of " TABLES_NAMES },
        { "tables:\n- listeners", "f:1: tables is a list; wanted: a mapping of " TABLES_NAMES },
        { "tables:\n  units: 5\n  listeners: [5]",
          "f:3: tables.listeners is a list; wanted: a number of 1 to 512" },
        { "windows:\n  peak:\n    seconds: 5", "f:2: windows.peak is a mapping; wanted: " PEAK_WANTED },

        /* not what is meant by YAML, or here */
        { "\ttables:\n",
          "f:1: malformed YAML: found character that cannot start any token; wanted: " YAML_WANTED },
        { "tables:\n  units: 'five\n\nwindows:\n",
          "f:4: malformed YAML: found unexpected end of stream while scanning a quoted scalar of line 2; "
          "wanted: " YAML_WANTED },
        { "tables:\n  units: 5\n listeners: 3\n",
          "f:3: malformed YAML: did not find expected key while parsing a block mapping of line 1; "
          "wanted: " YAML_WANTED },
        { "tables: {units: 5",
          "f:1: malformed YAML: did not find expected ',' or '}'; wanted: " YAML_WANTED },
        { "tables:\n  units: \xff\n",
          "f:2: malformed YAML: invalid leading UTF-8 octet; wanted: " YAML_WANTED },
        { "tables:\n  units: \x01\n",
          "f:2: malformed YAML: control characters are not allowed; wanted: " YAML_WANTED },
        { "tables:\n  units: 5\n---\ntables:\n", "f:3: a second document; wanted: one" },
        { "tables: &a\n  units: 5\nwindows: *a\n", "f:3: an alias; wanted: the value itself" },
        { "tables:\n  units: *b\n", "f:2: an alias; wanted: the value itself" },
        { "tables:\n  ? [units]\n  : 5\n", "f:2: a key that is not a word; wanted: \"key: value\"" },
        { "tables:\n  units: \"5\\0\"\n", "f:2: a NUL character; wanted: none" },
        { "tables:\n  \"units\\0\": 5\n", "f:2: a NUL character; wanted: none" },
};

START_TEST(a_wrong_file_is_refused_with_line_fault_and_remedy)
{
        char message[CONFIGURATION_MESSAGE_SIZE] = "";
        Bounds bounds, before;

        memset(&bounds, 0xaa, sizeof bounds);
        memcpy(&before, &bounds, sizeof before);

        ck_assert_int_eq(configuration_parse("f", bad[_i].text, strlen(bad[_i].text), &bounds, message),
                         -EBADMSG);
        ck_assert_str_eq(message, bad[_i].message);
        ck_assert_mem_eq(&bounds, &before, sizeof bounds);
}
END_TEST

START_TEST(what_a_file_says_at_length_is_cut_at_a_character)
{
        char message[CONFIGURATION_MESSAGE_SIZE], text[1024], *at = text;
        Bounds bounds;

        at = stpcpy(at, "tables:\n  units: x");
        for (size_t i = 0; i < 400; i++)
                at = stpcpy(at, "\xc3\xa4");
        ck_assert_int_eq(configuration_parse("f", text, strlen(text), &bounds, message), -EBADMSG);

        at = stpcpy(text, "f:2: tables.units is x");
        for (size_t i = 0; i < 29; i++)
                at = stpcpy(at, "\xc3\xa4");
        (void)stpcpy(at, "...; wanted: a number of 1 to 256");
        ck_assert_str_eq(message, text);
}
END_TEST

START_TEST(a_long_key_is_still_found)
{
        char message[CONFIGURATION_MESSAGE_SIZE], text[1024];
        Bounds bounds;

        (void)snprintf(text, sizeof text, "tables:\n\n  %0500d: 5", 0);
        ck_assert_int_eq(configuration_parse("f", text, strlen(text), &bounds, message), -EBADMSG);
        (void)snprintf(text, sizeof text, "f:3: unknown key \"%060d...\" in tables; wanted: " TABLES_NAMES,
                       0);
        ck_assert_str_eq(message, text);
}
END_TEST

START_TEST(no_name_of_a_file_bursts_the_message_or_breaks_its_line)
{
        char message[CONFIGURATION_MESSAGE_SIZE], name[8192] = "a\nb";
        Bounds bounds;

        ck_assert_int_eq(configuration_parse(name, "a: 1", 4, &bounds, message), -EBADMSG);
        ck_assert_str_eq(message, "a?b:1: unknown key \"a\"; wanted: tables, windows or walks");

        memset(name, 'n', sizeof name - 1);
        ck_assert_int_eq(configuration_parse(name, "a: 1", 4, &bounds, message), -EBADMSG);
        ck_assert_ptr_nonnull(strstr(message, "n:1: unknown key \"a\"; wanted: tables, windows or walks"));
}
END_TEST

/* ---- files ---- */

static char folder[] = "/tmp/sockwatch-configuration-XXXXXX";
static char path[sizeof folder + 16];

static void make_folder(void) {
        (void)strcpy(folder + strlen(folder) - 6, "XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        (void)snprintf(path, sizeof path, "%s/file", folder);
}

static void remove_folder(void) {
        (void)unlink(path);
        (void)rmdir(path);
        (void)rmdir(folder);
}

/* A file that begins with a text and goes on with comment, to a size. */
static void make_file(const char *text, size_t size) {
        FILE *file = fopen(path, "we");

        ck_assert_ptr_nonnull(file);
        ck_assert_int_ge(fprintf(file, "%s#", text), 0);
        while (ftell(file) < (long)size)
                ck_assert_int_eq(fputc('.', file), '.');
        ck_assert_int_eq(fclose(file), 0);
}

static void expect_refusal(int error, const char *wanted) {
        char message[CONFIGURATION_MESSAGE_SIZE] = "", text[CONFIGURATION_MESSAGE_SIZE];
        Bounds bounds, before;

        memset(&bounds, 0xaa, sizeof bounds);
        memcpy(&before, &bounds, sizeof before);

        ck_assert_int_eq(configuration_load(path, &bounds, message), error);
        (void)snprintf(text, sizeof text, "%s%s", path, wanted);
        ck_assert_str_eq(message, text);
        ck_assert_mem_eq(&bounds, &before, sizeof bounds);
}

START_TEST(a_file_may_be_as_large_as_allowed)
{
        char message[CONFIGURATION_MESSAGE_SIZE] = "";
        Bounds bounds;

        make_file("tables:\n  units: 9\n", CONFIGURATION_BYTES_MAX);
        ck_assert_msg(configuration_load(path, &bounds, message) == 0, "%s", message);
        ck_assert_uint_eq(bounds.n_units, 9);
}
END_TEST

START_TEST(a_larger_file_is_refused)
{
        make_file("tables:\n  units: 9\n", CONFIGURATION_BYTES_MAX + 1);
        expect_refusal(-EFBIG, ": larger than 64 KiB; wanted: at most that");
}
END_TEST

START_TEST(a_wrong_file_is_named_by_its_path)
{
        make_file("tabels:\n", 0);
        expect_refusal(-EBADMSG, ":1: unknown key \"tabels\"; wanted: tables, windows or walks");
}
END_TEST

START_TEST(a_file_that_is_not_there_is_refused)
{ expect_refusal(-ENOENT, ": No such file or directory; wanted: a file that sockwatchd may read"); }
END_TEST

/* The modes of files do not bind root. */
START_TEST(a_file_that_may_not_be_read_is_refused)
{
        uid_t user = geteuid();

        make_file("", 0);
        ck_assert_int_eq(chmod(path, 0), 0);
        if (user == 0 && seteuid(65534) < 0)
                return;

        expect_refusal(-EACCES, ": Permission denied; wanted: a file that sockwatchd may read");
        ck_assert_int_eq(seteuid(user), 0);
}
END_TEST

START_TEST(a_folder_is_refused)
{
        ck_assert_int_eq(mkdir(path, 0755), 0);
        expect_refusal(-ENOTSUP, ": not a regular file; wanted: one");
}
END_TEST

START_TEST(a_fifo_is_refused_and_not_waited_for)
{
        ck_assert_int_eq(mkfifo(path, 0600), 0);
        expect_refusal(-ENOTSUP, ": not a regular file; wanted: one");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("configuration");
        TCase *right = tcase_create("right"), *wrong = tcase_create("wrong"), *files = tcase_create("files");

        tcase_add_loop_test(right, what_is_not_in_the_file_has_its_default, 0, ELEMENTSOF(empty));
        tcase_add_loop_test(right, every_setting_is_taken_from_the_file, 0, ELEMENTSOF(full));
        tcase_add_test(right, a_setting_may_be_as_far_as_its_limit);
        tcase_add_test(right, all_settings_are_shown_in_one_line);
        tcase_add_test(right, the_example_holds_every_setting_with_its_default);
        suite_add_tcase(suite, right);

        tcase_add_loop_test(wrong, a_wrong_file_is_refused_with_line_fault_and_remedy, 0, ELEMENTSOF(bad));
        tcase_add_test(wrong, what_a_file_says_at_length_is_cut_at_a_character);
        tcase_add_test(wrong, a_long_key_is_still_found);
        tcase_add_test(wrong, no_name_of_a_file_bursts_the_message_or_breaks_its_line);
        suite_add_tcase(suite, wrong);

        tcase_add_checked_fixture(files, make_folder, remove_folder);
        tcase_add_test(files, a_file_may_be_as_large_as_allowed);
        tcase_add_test(files, a_larger_file_is_refused);
        tcase_add_test(files, a_wrong_file_is_named_by_its_path);
        tcase_add_test(files, a_file_that_is_not_there_is_refused);
        tcase_add_test(files, a_file_that_may_not_be_read_is_refused);
        tcase_add_test(files, a_folder_is_refused);
        tcase_add_test(files, a_fifo_is_refused_and_not_waited_for);
        suite_add_tcase(suite, files);

        return suite_main(suite);
}
