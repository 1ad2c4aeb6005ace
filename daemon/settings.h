/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The settings that a configuration file may hold
 *
 * One table. What is allowed in a file, what messages call right and what the
 * log shows are made from it.
 */

#include <stdint.h>

#include "base/macro.h"
#include "base/text.h"
#include "collect/bounds.h"

typedef enum SectionId {
        SECTION_TABLES,
        SECTION_WINDOWS,
        SECTION_WALKS,
        _SECTION_MAX,
        _SECTION_NONE = -1,
} SectionId;

typedef enum SettingKind {
        SETTING_NUMBER,   /* a uint32_t */
        SETTING_DURATION, /* a usec_t */
        SETTING_SHARE,    /* a uint32_t, in millionths; written in percent */
} SettingKind;

typedef struct Setting {
        SectionId section;
        const char *name;
        SettingKind kind;
        size_t offset;     /* of its value in Bounds */
        uint64_t min, max; /* both are allowed */
} Setting;

/* Room for them where they are counted before they are known. */
#define SETTINGS_MAX 64

extern const Setting settings[];
extern const size_t n_settings; /* at most SETTINGS_MAX */
extern const char *const section_names[_SECTION_MAX];

/* _SECTION_NONE if there is none, or @name is NULL. */
SectionId section_find(const char *name);

/* NULL if there is none, or @name is NULL. */
const Setting *setting_find(SectionId section, const char *name);

/**
 * setting_parse() - put what a file says into @bounds
 *
 * Return: 0; or -EINVAL or -ERANGE, and @bounds are as they were.
 */
_warn_unused_ int setting_parse(const Setting *setting, const char *word, Bounds *bounds);

/* Appends "tables.listeners 256, …, windows.peak 1m". */
void settings_append_all(Text *text, const Bounds *bounds);

/* Appends what would be right: "a number of 1 to 512". */
void setting_append_wanted(Text *text, const Setting *setting);

/* Appends the names in a section, or of all sections: "tables or windows". */
void section_append_names(Text *text, SectionId section);
