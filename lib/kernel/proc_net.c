/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The tables of counters below /proc/net
 *
 * Everything is built from two steps through the text: the next line of it, and
 * the next word of a line. A paired table walks two lines at the same pace.
 */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/number.h"
#include "kernel/proc_net.h"

/* A stretch of text that is consumed from its front. */
typedef struct Span {
        const char *at;
        size_t size;
} Span;

static bool span_take_line(Span *text, Span *ret) {
        const char *end;

        if (text->size == 0)
                return false;

        end = memchr(text->at, '\n', text->size);
        *ret = (Span){ text->at, end ? (size_t)(end - text->at) : text->size };
        text->at += ret->size + (end ? 1 : 0);
        text->size -= ret->size + (end ? 1 : 0);
        return true;
}

static bool span_is_blank(char c) {
        return c == ' ' || c == '\t';
}

static bool span_take_word(Span *line, Span *ret) {
        size_t n = 0;

        while (line->size > 0 && span_is_blank(*line->at)) {
                line->at++;
                line->size--;
        }
        while (n < line->size && !span_is_blank(line->at[n]))
                n++;

        *ret = (Span){ line->at, n };
        line->at += n;
        line->size -= n;
        return n > 0;
}

/* Takes "Tcp:" from the front of a line and returns "Tcp". */
static int span_take_group(Span *line, Span *ret) {
        Span word;

        if (!span_take_word(line, &word) || word.size < 2 || word.at[word.size - 1] != ':')
                return -EBADMSG;

        *ret = (Span){ word.at, word.size - 1 };
        return 0;
}

static int
proc_net_visit(const Span *group, const Span *name, const Span *number, proc_net_fn visit, void *userdata) {
        ProcNetField field = {
                .group = group->at,
                .group_size = group->size,
                .name = name->at,
                .name_size = name->size,
        };
        bool is_negative = number->size > 1 && number->at[0] == '-';
        int r;

        r = number_parse_u64(number->at + is_negative, number->size - is_negative, &field.value);
        if (r == -EINVAL)
                return -EBADMSG;
        if (r == 0 && !is_negative)
                visit(&field, userdata);

        return 0;
}

int proc_net_parse_paired(const char *text, size_t size, proc_net_fn visit, void *userdata) {
        Span rest = { text, size }, names, numbers, group, same_group, name, number;
        int r;

        assert(text || size == 0);
        assert(visit);

        while (span_take_line(&rest, &names)) {
                if (!span_take_line(&rest, &numbers))
                        return -EBADMSG;

                r = span_take_group(&names, &group);
                if (r < 0)
                        return r;
                r = span_take_group(&numbers, &same_group);
                if (r < 0)
                        return r;
                if (group.size != same_group.size || memcmp(group.at, same_group.at, group.size) != 0)
                        return -EBADMSG;

                while (span_take_word(&names, &name)) {
                        if (!span_take_word(&numbers, &number))
                                return -EBADMSG;

                        r = proc_net_visit(&group, &name, &number, visit, userdata);
                        if (r < 0)
                                return r;
                }
                if (span_take_word(&numbers, &number))
                        return -EBADMSG;
        }

        return 0;
}

int proc_net_parse_inline(const char *text, size_t size, proc_net_fn visit, void *userdata) {
        Span rest = { text, size }, line, group, name, number;
        int r;

        assert(text || size == 0);
        assert(visit);

        while (span_take_line(&rest, &line)) {
                r = span_take_group(&line, &group);
                if (r < 0)
                        return r;

                while (span_take_word(&line, &name)) {
                        if (!span_take_word(&line, &number))
                                return -EBADMSG;

                        r = proc_net_visit(&group, &name, &number, visit, userdata);
                        if (r < 0)
                                return r;
                }
        }

        return 0;
}

int proc_net_parse_listed(const char *text, size_t size, proc_net_fn visit, void *userdata) {
        Span rest = { text, size }, line, name, number, excess;
        const Span no_group = { text, 0 };
        int r;

        assert(text || size == 0);
        assert(visit);

        while (span_take_line(&rest, &line)) {
                if (!span_take_word(&line, &name) || !span_take_word(&line, &number) ||
                    span_take_word(&line, &excess))
                        return -EBADMSG;

                r = proc_net_visit(&no_group, &name, &number, visit, userdata);
                if (r < 0)
                        return r;
        }

        return 0;
}
