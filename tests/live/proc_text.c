/* SPDX-License-Identifier: Apache-2.0 */

/* What /proc says, read in another way than the product does */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "proc_text.h"
#include "suite.h"

char *proc_text_read(const char *path) {
        char full[256], *text = NULL;
        size_t size = 0, length = 0;
        FILE *file;

        (void)snprintf(full, sizeof full, "/proc/%s", path);
        file = fopen(full, "re");
        if (!file)
                return NULL;

        do {
                size += 65536;
                text = realloc(text, size + 1);
                ck_assert_ptr_nonnull(text);
                length += fread(text + length, 1, size - length, file);
        } while (length == size);

        text[length] = '\0';
        (void)fclose(file);
        return text;
}

static bool take_number(const char *word, uint64_t *ret) {
        if (!word || *word == '-')
                return false;

        *ret = strtoull(word, NULL, 10);
        return true;
}

/* "Tcp: A B" and "Tcp: 1 2": the word of the second line that stands where the name stands in the first. */
static bool find_paired(char *text, const char *group, const char *field, uint64_t *ret) {
        char *names, *numbers, *lines, *name_words, *number_words, *name, *number;

        for (names = strtok_r(text, "\n", &lines); names; names = strtok_r(NULL, "\n", &lines)) {
                numbers = strtok_r(NULL, "\n", &lines);
                ck_assert_ptr_nonnull(numbers);

                name = strtok_r(names, ": ", &name_words);
                number = strtok_r(numbers, ": ", &number_words);
                if (strcmp(name, group) != 0)
                        continue;

                while ((name = strtok_r(NULL, " ", &name_words))) {
                        number = strtok_r(NULL, " ", &number_words);
                        if (strcmp(name, field) == 0)
                                return take_number(number, ret);
                }
        }

        return false;
}

/* "TCP: inuse 5 orphan 0", or "Ip6InReceives  17", which is the same without a group. */
static bool find_inline(char *text, const char *group, const char *field, uint64_t *ret) {
        char *line, *lines, *words, *word;

        for (line = strtok_r(text, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines)) {
                word = strtok_r(line, ": \t", &words);
                if (*group) {
                        if (strcmp(word, group) != 0)
                                continue;
                        word = strtok_r(NULL, " ", &words);
                }

                for (; word; word = strtok_r(NULL, " \t", &words)) {
                        char *number = strtok_r(NULL, " \t", &words);

                        if (strcmp(word, field) == 0)
                                return take_number(number, ret);
                }
        }

        return false;
}

bool proc_text_find(
        const char *path, const char *text, const char *group, const char *field, uint64_t *ret) {
        bool is_paired = strcmp(path, "net/snmp") == 0 || strcmp(path, "net/netstat") == 0;
        _cleanup_(freep) char *copy = strdup(text);

        ck_assert_ptr_nonnull(copy);
        return (is_paired ? find_paired : find_inline)(copy, group, field, ret);
}

uint64_t proc_number(const char *path, const char *group, const char *field) {
        _cleanup_(freep) char *text = proc_text_read(path);
        uint64_t number;

        ck_assert_msg(text && proc_text_find(path, text, group, field, &number), "no %s %s in /proc/%s",
                      group, field, path);
        return number;
}

uint64_t listen_drops(void) {
        return proc_number("net/netstat", "TcpExt", "ListenDrops");
}

uint64_t proc_sys_number(const char *path, unsigned index) {
        _cleanup_(freep) char *text = proc_text_read(path);
        char *words, *word;

        ck_assert_msg(text, "no /proc/%s", path);
        word = strtok_r(text, " \t\n", &words);
        while (index-- > 0)
                word = strtok_r(NULL, " \t\n", &words);

        ck_assert_msg(word, "too few numbers in /proc/%s", path);
        return strtoull(word, NULL, 10);
}

static uint64_t distance(uint64_t a, uint64_t b) {
        return a > b ? a - b : b - a;
}

void brackets_add(Brackets *brackets, uint64_t before, uint64_t value, uint64_t after) {
        ck_assert_uint_lt(brackets->n, N_BRACKETS);
        brackets->n_rests += before == after;
        brackets->n_equal += before == after && value == before;
        brackets->noise = MAX(brackets->noise, distance(before, after));
        brackets->deviations[brackets->n++] = distance(before, value);
}

bool brackets_agree(const Brackets *brackets) {
        unsigned n_near = 0;

        ck_assert_uint_eq(brackets->n, N_BRACKETS);
        if (brackets->n_rests * 2 > N_BRACKETS)
                return brackets->n_equal * 2 > brackets->n_rests;

        for (unsigned i = 0; i < N_BRACKETS; i++)
                n_near += brackets->deviations[i] <= brackets->noise;

        return n_near * 2 > N_BRACKETS;
}
