/* SPDX-License-Identifier: Apache-2.0 */

/* The settings that a configuration file may hold */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "daemon/settings.h"

const char *const section_names[_SECTION_MAX] = {
        [SECTION_TABLES] = "tables",
        [SECTION_WINDOWS] = "windows",
        [SECTION_WALKS] = "walks",
};

/* The type of the member decides how a value is written. */
#define SETTING_VALUE(member_, min_, max_)                   \
        .kind = _Generic(((Bounds *)NULL)->member_, uint32_t \
                         : SETTING_NUMBER, usec_t            \
                         : SETTING_DURATION),                \
        .offset = offsetof(Bounds, member_), .min = (min_), .max = (max_)

/* A new one is a row here, a member of Bounds with its default, and a line in manual and example. */
const Setting settings[] = {
        { SECTION_TABLES, "listeners", SETTING_VALUE(n_listeners, 1, BOUNDS_LISTENERS_MAX) },
        { SECTION_TABLES, "unix_listeners", SETTING_VALUE(n_unix_listeners, 1, BOUNDS_UNIX_LISTENERS_MAX) },
        { SECTION_TABLES, "udp_sockets", SETTING_VALUE(n_udp_sockets, 1, BOUNDS_UDP_SOCKETS_MAX) },
        { SECTION_TABLES, "units", SETTING_VALUE(n_units, 1, BOUNDS_UNITS_MAX) },
        { SECTION_TABLES, "processes", SETTING_VALUE(n_processes, 1, BOUNDS_PROCESSES_MAX) },
        { SECTION_TABLES, "destinations", SETTING_VALUE(n_destinations, 1, BOUNDS_DESTINATIONS_MAX) },
        { SECTION_WINDOWS, "peak",
          SETTING_VALUE(peak_window_usec, BOUNDS_PEAK_WINDOW_MIN_USEC, BOUNDS_PEAK_WINDOW_MAX_USEC) },
        { SECTION_WALKS, "budget", SETTING_SHARE, offsetof(Bounds, walk_budget_millionths), 0,
          WALK_BUDGET_ONE },
};

_Static_assert(ELEMENTSOF(settings) <= SETTINGS_MAX, "raise SETTINGS_MAX");
const size_t n_settings = ELEMENTSOF(settings);

SectionId section_find(const char *name) {
        for (size_t i = 0; name && i < _SECTION_MAX; i++)
                if (strcmp(section_names[i], name) == 0)
                        return (SectionId)i;

        return _SECTION_NONE;
}

const Setting *setting_find(SectionId section, const char *name) {
        for (size_t i = 0; name && i < ELEMENTSOF(settings); i++)
                if (settings[i].section == section && strcmp(settings[i].name, name) == 0)
                        return &settings[i];

        return NULL;
}

static int (*const setting_parsers[])(const char *text, size_t size, uint64_t *ret) = {
        [SETTING_NUMBER] = number_parse_u64,
        [SETTING_DURATION] = number_parse_duration,
        [SETTING_SHARE] = number_parse_percent,
};

int setting_parse(const Setting *setting, const char *word, Bounds *bounds) {
        char *at = (char *)bounds + setting->offset;
        uint64_t value;
        int r;

        assert(word);

        /* Nothing is nothing, also without a sign. */
        if (setting->kind == SETTING_SHARE && strcmp(word, "0") == 0)
                word = "0%";

        r = setting_parsers[setting->kind](word, strlen(word), &value);
        if (r < 0)
                return r;
        if (value < setting->min || value > setting->max)
                return -ERANGE;

        if (setting->kind == SETTING_DURATION)
                *(usec_t *)at = value;
        else
                *(uint32_t *)at = (uint32_t)value;
        return 0;
}

/* In the largest unit that takes no fraction. */
static void setting_append_duration(Text *text, usec_t duration) {
        static const struct {
                const char *name;
                usec_t usec;
        } units[] = {
                { "h", USEC_PER_HOUR },
                { "m", USEC_PER_MINUTE },
                { "s", USEC_PER_SEC },
                { "ms", USEC_PER_MSEC },
                { "us", 1 },
        };
        size_t i = 0;

        while (duration % units[i].usec > 0)
                i++;

        text_append_u64(text, duration / units[i].usec);
        text_append(text, units[i].name);
}

static void setting_append_share(Text *text, uint64_t millionths) {
        char digits[32];
        int n;

        n = snprintf(digits, sizeof digits, "%u.%04u", (unsigned)(millionths / 10000),
                     (unsigned)(millionths % 10000));
        while (digits[n - 1] == '0')
                n--;
        text_append_bytes(text, digits, (size_t)(digits[n - 1] == '.' ? n - 1 : n));
        text_append(text, "%");
}

static void setting_append_value(Text *text, const Setting *setting, uint64_t value) {
        switch (setting->kind) {
        case SETTING_NUMBER:
                text_append_u64(text, value);
                break;
        case SETTING_DURATION:
                setting_append_duration(text, value);
                break;
        case SETTING_SHARE:
                setting_append_share(text, value);
                break;
        }
}

void settings_append_all(Text *text, const Bounds *bounds) {
        for (size_t i = 0; i < ELEMENTSOF(settings); i++) {
                const char *at = (const char *)bounds + settings[i].offset;

                text_appendf(text, "%s%s.%s ", i > 0 ? ", " : "", section_names[settings[i].section],
                             settings[i].name);
                setting_append_value(text, &settings[i],
                                     settings[i].kind == SETTING_DURATION ? *(const usec_t *)at
                                                                          : *(const uint32_t *)at);
        }
}

void setting_append_wanted(Text *text, const Setting *setting) {
        static const char *const kinds[] = {
                [SETTING_NUMBER] = "a number of ",
                [SETTING_DURATION] = "a duration of ",
                [SETTING_SHARE] = "a share of one core of ",
        };
        static const char *const examples[] = {
                [SETTING_NUMBER] = "",
                [SETTING_DURATION] = ", as in 90s or 1.5m",
                [SETTING_SHARE] = ", as in 0.5%, with the sign and at most four decimals",
        };

        text_append(text, kinds[setting->kind]);
        setting_append_value(text, setting, setting->min);
        text_append(text, " to ");
        setting_append_value(text, setting, setting->max);
        text_append(text, examples[setting->kind]);
}

void section_append_names(Text *text, SectionId section) {
        const char *names[SETTINGS_MAX];
        size_t n = 0;

        if (section == _SECTION_NONE)
                for (; n < ELEMENTSOF(section_names); n++)
                        names[n] = section_names[n];
        else
                for (size_t i = 0; i < ELEMENTSOF(settings); i++)
                        if (settings[i].section == section)
                                names[n++] = settings[i].name;

        for (size_t i = 0; i < n; i++)
                text_appendf(text, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", names[i]);
}
