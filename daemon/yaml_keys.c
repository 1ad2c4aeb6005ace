/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where the keys of a YAML text stand
 *
 * One walk over libyaml's events stops at each key. It is begun anew for each
 * question, as a file is small and questions are asked only when it is wrong.
 */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "daemon/yaml_keys.h"

/* Sections, and what stands in them. libyaml takes seconds for thousands of levels. */
#define YAML_DEPTH_MAX 2

typedef struct YamlWalk {
        yaml_parser_t parser;
        const char *text;
        size_t size;

        unsigned n_documents;
        unsigned depth;      /* mappings around */
        bool is_value_next;  /* of the key that was read last */
        unsigned begin_line; /* of the document's first word; 0: there is none */

        char section[YAML_KEY_SIZE]; /* the last key of the first level */
        char key[YAML_KEY_SIZE];     /* the last key */
        unsigned line;               /* of that */
} YamlWalk;

static int yaml_walk_init(YamlWalk *walk, const char *text, size_t size) {
        *walk = (YamlWalk){ .text = text, .size = size };
        if (!yaml_parser_initialize(&walk->parser))
                return -ENOMEM;

        yaml_parser_set_input_string(&walk->parser, (const unsigned char *)(text ? text : ""), size);
        return 0;
}

static void yaml_walk_done(YamlWalk *walk) {
        yaml_parser_delete(&walk->parser);
}

/* ---- what is wrong ---- */

static int yaml_complain(YamlProblem *problem, size_t line, const char *what, const char *wanted) {
        problem->line = (unsigned)line;
        problem->wanted = wanted;
        (void)snprintf(problem->what, sizeof problem->what, "%s", what);
        return -EBADMSG;
}

/* The line that a byte stands in. */
static size_t yaml_walk_line_of(const YamlWalk *walk, size_t offset) {
        size_t line = 1;

        for (size_t i = 0; i < MIN(offset, walk->size); i++)
                line += walk->text[i] == '\n';

        return line;
}

static int yaml_walk_complain_of_parser(const YamlWalk *walk, YamlProblem *problem) {
        const yaml_parser_t *parser = &walk->parser;
        size_t line = parser->problem_mark.line + 1;

        if (parser->error == YAML_MEMORY_ERROR)
                return -ENOMEM;

        /* Bytes that are no characters are told by their offset alone; the end is in the last line that is
         * there. */
        if (parser->error == YAML_READER_ERROR)
                line = yaml_walk_line_of(walk, parser->problem_offset);
        else if (walk->size > 0)
                line = MIN(line, yaml_walk_line_of(walk, walk->size - 1));

        problem->line = (unsigned)line;
        problem->wanted = "lines of \"key: value\", indented by blanks, as UTF-8";
        if (parser->context && parser->context_mark.line + 1 < line)
                (void)snprintf(problem->what, sizeof problem->what, "malformed YAML: %s %s of line %zu",
                               parser->problem, parser->context, parser->context_mark.line + 1);
        else
                (void)snprintf(problem->what, sizeof problem->what, "malformed YAML: %s", parser->problem);
        return -EBADMSG;
}

/* ---- the walk ---- */

static int yaml_walk_take_word(YamlWalk *walk, const yaml_event_t *event, YamlProblem *reterr) {
        const char *word = (const char *)event->data.scalar.value;
        size_t line = event->start_mark.line + 1;

        if (strlen(word) != event->data.scalar.length)
                return yaml_complain(reterr, line, "a NUL character", "none");

        if (walk->depth == 0 || walk->is_value_next) {
                walk->is_value_next = false;
                return 0;
        }

        (void)snprintf(walk->key, sizeof walk->key, "%s", word);
        if (walk->depth == 1)
                memcpy(walk->section, walk->key, sizeof walk->section);
        walk->line = (unsigned)line;
        walk->is_value_next = true;
        return 1;
}

/* Returns 1 at a key, 0, or a negative errno. */
static int yaml_walk_take(YamlWalk *walk, const yaml_event_t *event, bool *ret_is_end, YamlProblem *reterr) {
        size_t line = event->start_mark.line + 1;
        bool is_key_next = walk->depth > 0 && !walk->is_value_next;

        if (walk->n_documents > 0 && walk->begin_line == 0)
                walk->begin_line = (unsigned)line;

        switch (event->type) {
        case YAML_STREAM_END_EVENT:
                *ret_is_end = true;
                return 0;
        case YAML_DOCUMENT_START_EVENT:
                if (++walk->n_documents > 1)
                        return yaml_complain(reterr, line, "a second document", "one");
                return 0;
        case YAML_ALIAS_EVENT:
                return yaml_complain(reterr, line, "an alias", "the value itself");
        case YAML_SEQUENCE_START_EVENT:
        case YAML_MAPPING_START_EVENT:
                if (is_key_next)
                        return yaml_complain(reterr, line, "a key that is not a word", "\"key: value\"");
                walk->is_value_next = false;
                *ret_is_end = event->type == YAML_SEQUENCE_START_EVENT || ++walk->depth > YAML_DEPTH_MAX;
                return 0;
        case YAML_MAPPING_END_EVENT:
                walk->depth--;
                return 0;
        case YAML_SCALAR_EVENT:
                return yaml_walk_take_word(walk, event, reterr);
        default:
                return 0;
        }
}

/* Steps to the next key. Returns 1 there, 0 at the end, or a negative errno. */
static int yaml_walk_next(YamlWalk *walk, YamlProblem *reterr) {
        bool is_end = false;
        int r = 0;

        while (r == 0 && !is_end) {
                yaml_event_t event;

                if (!yaml_parser_parse(&walk->parser, &event))
                        return yaml_walk_complain_of_parser(walk, reterr);

                r = yaml_walk_take(walk, &event, &is_end, reterr);
                yaml_event_delete(&event);
        }

        return r;
}

int yaml_keys_check(const char *text, size_t size, YamlProblem *reterr) {
        YamlWalk walk;
        int r;

        assert(text || size == 0);
        assert(reterr);

        r = yaml_walk_init(&walk, text, size);
        if (r < 0)
                return r;

        do
                r = yaml_walk_next(&walk, reterr);
        while (r > 0);

        yaml_walk_done(&walk);
        return r;
}

static bool yaml_walk_is_at(const YamlWalk *walk, const char *section, const char *key) {
        if (walk->depth != (section ? 2 : 1) || strncmp(walk->key, key, YAML_KEY_SIZE - 1) != 0)
                return false;

        return !section || strncmp(walk->section, section, YAML_KEY_SIZE - 1) == 0;
}

unsigned yaml_keys_find(const char *text, size_t size, const char *section, const char *key, unsigned nth) {
        YamlProblem ignored;
        unsigned line = 0;
        YamlWalk walk;

        assert(text || size == 0);
        assert(nth > 0);

        if (yaml_walk_init(&walk, text, size) < 0)
                return 0;

        while (line == 0 && yaml_walk_next(&walk, &ignored) > 0)
                if (key && yaml_walk_is_at(&walk, section, key) && --nth == 0)
                        line = walk.line;

        if (!key)
                line = walk.begin_line;
        yaml_walk_done(&walk);
        return line;
}
