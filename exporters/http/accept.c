/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which format a client wants, by its Accept header
 *
 *     application/openmetrics-text;version=1.0.0;q=0.8, text/plain;version=0.0.4;q=0.5, star/star;q=0.1
 *
 * Each range of the list is matched against each of our formats. The most
 * specific match sets a format's quality; the format of highest quality wins.
 */

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "exporters/http/accept.h"

/* What an element of the list can say about a format: nothing, or how exactly it names it. */
typedef enum AcceptMatch {
        ACCEPT_NONE,
        ACCEPT_ANY,     /* a wildcard for all types */
        ACCEPT_SUBTYPE, /* a wildcard for the subtype */
        ACCEPT_TYPE,
        ACCEPT_VERSION, /* the type, and our version of it */
} AcceptMatch;

typedef struct AcceptFormat {
        const char *type;
        const char *subtype_wildcard;
        const char *versions[3]; /* that our answer satisfies */
} AcceptFormat;

static const AcceptFormat formats[_EXPOSITION_FORMAT_MAX] = {
        [EXPOSITION_TEXT] = { "text/plain", "text/*", { "0.0.4" } },
        /* A reader of 0.0.1 reads 1.0.0: nothing that the later one took away is used here. */
        [EXPOSITION_OPENMETRICS] = { "application/openmetrics-text", "application/*", { "1.0.0", "0.0.1" } },
};

typedef struct AcceptChoice {
        AcceptMatch match;
        unsigned quality; /* in thousandths */
        size_t position;  /* of the element in the list */
} AcceptChoice;

typedef struct Slice {
        const char *at;
        size_t size;
} Slice;

static Slice slice_trim(Slice slice) {
        while (slice.size > 0 && (slice.at[0] == ' ' || slice.at[0] == '\t')) {
                slice.at++;
                slice.size--;
        }
        while (slice.size > 0 && (slice.at[slice.size - 1] == ' ' || slice.at[slice.size - 1] == '\t'))
                slice.size--;
        return slice;
}

/* Takes what stands before the next separator. False at the end. */
static bool slice_take(Slice *rest, char separator, Slice *ret) {
        const char *end;
        size_t size;

        if (!rest->at)
                return false;

        end = memchr(rest->at, separator, rest->size);
        size = end ? (size_t)(end - rest->at) : rest->size;
        *ret = slice_trim((Slice){ rest->at, size });
        rest->at = end ? end + 1 : NULL;
        rest->size -= size + (end ? 1 : 0);
        return true;
}

static bool slice_equals(Slice slice, const char *string) {
        return slice.size == strlen(string) && strncasecmp(slice.at, string, slice.size) == 0;
}

/* "0.75" in thousandths; 1000 for what is not a quality value, as if it were not there. */
static unsigned accept_quality(Slice value) {
        unsigned quality = 0, scale = 1000;

        if (value.size == 0 || value.size > 5 || (value.at[0] != '0' && value.at[0] != '1') ||
            (value.size > 1 && value.at[1] != '.'))
                return 1000;

        for (size_t i = 0; i < value.size; i++) {
                if (i == 1)
                        continue;
                if (value.at[i] < '0' || value.at[i] > '9')
                        return 1000;
                quality += (unsigned)(value.at[i] - '0') * scale;
                scale /= 10;
        }

        return MIN(quality, 1000U);
}

static Slice slice_unquote(Slice value) {
        if (value.size >= 2 && value.at[0] == '"' && value.at[value.size - 1] == '"')
                return (Slice){ value.at + 1, value.size - 2 };
        return value;
}

static AcceptMatch accept_match_type(Slice type, const AcceptFormat *format) {
        if (slice_equals(type, format->type))
                return ACCEPT_TYPE;
        if (slice_equals(type, format->subtype_wildcard))
                return ACCEPT_SUBTYPE;
        if (slice_equals(type, "*/*"))
                return ACCEPT_ANY;
        return ACCEPT_NONE;
}

static bool accept_has_version(const AcceptFormat *format, Slice version) {
        for (size_t i = 0; i < ELEMENTSOF(format->versions) && format->versions[i]; i++)
                if (slice_equals(version, format->versions[i]))
                        return true;
        return false;
}

/* What one element of the list says about one format. */
static AcceptChoice accept_read(Slice element, const AcceptFormat *format) {
        AcceptChoice choice = { .quality = 1000 };
        Slice parameter, name;

        if (!slice_take(&element, ';', &parameter))
                return choice;
        choice.match = accept_match_type(parameter, format);

        while (choice.match != ACCEPT_NONE && slice_take(&element, ';', &parameter)) {
                if (!slice_take(&parameter, '=', &name) || !parameter.at)
                        continue;

                parameter = slice_unquote(slice_trim(parameter));
                if (slice_equals(name, "q"))
                        choice.quality = accept_quality(parameter);
                else if (slice_equals(name, "version") && choice.match >= ACCEPT_TYPE)
                        choice.match = accept_has_version(format, parameter) ? ACCEPT_VERSION : ACCEPT_NONE;
        }

        return choice;
}

ExpositionFormat accept_choose(const char *accept) {
        AcceptChoice choices[_EXPOSITION_FORMAT_MAX] = { 0 };
        const AcceptChoice *text = &choices[EXPOSITION_TEXT],
                           *openmetrics = &choices[EXPOSITION_OPENMETRICS];
        Slice list = { accept, accept ? strlen(accept) : 0 }, element;

        for (size_t position = 0; slice_take(&list, ',', &element); position++)
                for (size_t i = 0; i < ELEMENTSOF(choices); i++) {
                        AcceptChoice choice = accept_read(element, &formats[i]);

                        choice.position = position;
                        if (choice.match > choices[i].match ||
                            (choice.match == choices[i].match && choice.quality > choices[i].quality))
                                choices[i] = choice;
                }

        if (openmetrics->match < ACCEPT_TYPE || openmetrics->quality == 0)
                return EXPOSITION_TEXT;
        if (text->match == ACCEPT_NONE || openmetrics->quality > text->quality)
                return EXPOSITION_OPENMETRICS;
        if (openmetrics->quality < text->quality)
                return EXPOSITION_TEXT;

        return openmetrics->position < text->position ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT;
}
