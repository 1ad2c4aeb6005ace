/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where the keys of a YAML text stand
 *
 * libcyaml judges a configuration but does not know every line: of malformed
 * YAML it tells none, of an unknown key that of the key before it, and a second
 * document it leaves unread. This looks at the text as libyaml sees it, down to
 * the second level of mappings, which is as deep as a configuration goes.
 */

#include <stddef.h>

#include "base/macro.h"

/* More of a name is neither kept nor compared. */
#define YAML_KEY_SIZE 128

typedef struct YamlProblem {
        unsigned line;      /* from 1 on */
        char what[256];     /* "malformed YAML: …", "an alias", … */
        const char *wanted; /* what would be right */
} YamlProblem;

/**
 * yaml_keys_check() - whether a text is one YAML document of words and mappings
 *
 * Looks no further than the first thing that cannot be part of a configuration
 * anyhow, a list or a third level, so that what it costs stays linear in @size.
 *
 * Return: 0; -EBADMSG with @reterr if it is malformed, has a second document, an
 * alias, a NUL, or a key that is not a word; or -ENOMEM.
 */
_warn_unused_ int yaml_keys_check(const char *text, size_t size, YamlProblem *reterr);

/**
 * yaml_keys_find() - the line of a key
 * @section:    the key above it; NULL for a key of the first level
 * @key:        NULL: where the document begins
 * @nth:        from 1 on, as a key may be there more than once
 *
 * Return: the line, from 1 on; 0 if there is none.
 */
unsigned yaml_keys_find(const char *text, size_t size, const char *section, const char *key, unsigned nth);
