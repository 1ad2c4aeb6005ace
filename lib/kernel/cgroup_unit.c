/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a person would call a cgroup
 *
 * Containers and pods are looked for first, anywhere in the path, from its root
 * down; then units, which stand below nothing but slices; what is neither is
 * called by its path. The name is hashed while it is put together, so that it
 * need not be kept whole to be cut.
 */

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "base/utf8.h"
#include "kernel/cgroup_unit.h"

#define CONTAINER_ID_DIGITS       64
#define CONTAINER_ID_DIGITS_SHOWN 12

/* What a cut name ends in: this and the hash, in hexadecimal. */
#define ELLIPSIS       "\xe2\x80\xa6"
#define CUT_TAIL_BYTES (sizeof ELLIPSIS - 1 + 16)

/* A part of the path. */
typedef struct Word {
        const char *text;
        size_t size;
} Word;

#define WORD(literal) ((Word){ (literal), sizeof(literal) - 1 })

static bool word_is(Word word, Word other) {
        return word.size == other.size && memcmp(word.text, other.text, word.size) == 0;
}

/* Removes what a word begins with, if it does and if that is not all of it. */
static bool word_skip_prefix(Word *word, Word prefix) {
        if (word->size <= prefix.size || memcmp(word->text, prefix.text, prefix.size) != 0)
                return false;

        *word = (Word){ word->text + prefix.size, word->size - prefix.size };
        return true;
}

static bool word_drop_suffix(Word *word, Word suffix) {
        if (word->size <= suffix.size ||
            memcmp(word->text + word->size - suffix.size, suffix.text, suffix.size) != 0)
                return false;

        word->size -= suffix.size;
        return true;
}

/* Splits off the first of the words that the separators stand between. */
static bool word_next(Word *rest, const char *separators, Word *ret) {
        size_t n = 0;

        while (rest->size > 0 && strchr(separators, *rest->text))
                *rest = (Word){ rest->text + 1, rest->size - 1 };
        while (n < rest->size && !strchr(separators, rest->text[n]))
                n++;

        *ret = (Word){ rest->text, n };
        *rest = (Word){ rest->text + n, rest->size - n };
        return n > 0;
}

/* A name in the making. */
typedef struct Name {
        char *text;
        size_t size;   /* of the whole, of which @text has the beginning */
        uint64_t hash; /* of the whole: FNV-1a, 64 bits (Fowler, Noll, Vo; RFC 9923) */
} Name;

static void name_append_byte(Name *name, char byte) {
        if (name->size < UNIT_NAME_SIZE - 1)
                name->text[name->size] = byte;
        name->size++;
        name->hash = (name->hash ^ (uint8_t)byte) * UINT64_C(0x100000001b3);
}

static void name_append(Name *name, Word word) {
        for (size_t i = 0; i < word.size; i++)
                name_append_byte(name, word.text[i]);
}

static void name_finish(Name *name) {
        size_t cut = UNIT_NAME_SIZE - 1 - CUT_TAIL_BYTES;

        name->text[MIN(name->size, (size_t)UNIT_NAME_SIZE - 1)] = '\0';
        if (name->size < UNIT_NAME_SIZE)
                return;

        /* A character may begin up to three bytes before the cut and end behind it. */
        for (size_t n_before = 1; n_before <= 3; n_before++)
                if (utf8_length(name->text + cut - n_before) > n_before) {
                        cut -= n_before;
                        break;
                }

        (void)snprintf(name->text + cut, UNIT_NAME_SIZE - cut, ELLIPSIS "%016llx",
                       (unsigned long long)name->hash);
}

typedef struct Runtime {
        Word prefix; /* of its scopes; also a folder of its containers */
        Word name;
} Runtime;

static const Runtime runtimes[] = {
        { WORD("docker"), WORD("docker") },
        { WORD("libpod"), WORD("podman") },
        { WORD("cri-containerd"), WORD("containerd") },
        { WORD("crio"), WORD("crio") },
};

/* What watches over a container, beside it. */
static const Word monitors[] = { WORD("libpod-conmon"), WORD("crio-conmon") };

static const Runtime *runtime_find(Word prefix) {
        for (size_t i = 0; i < ELEMENTSOF(runtimes); i++)
                if (word_is(prefix, runtimes[i].prefix))
                        return &runtimes[i];

        return NULL;
}

static bool is_monitor(Word prefix) {
        for (size_t i = 0; i < ELEMENTSOF(monitors); i++)
                if (word_is(prefix, monitors[i]))
                        return true;

        return false;
}

/* Splits "PREFIX-ID", "PREFIX-ID.scope" and "ID", whose prefix is empty. The id is shortened. */
static bool container_split(Word component, Word *ret_prefix, Word *ret_id, bool *ret_is_scope) {
        bool is_scope = word_drop_suffix(&component, WORD(".scope"));
        Word prefix = component, id;

        if (component.size < CONTAINER_ID_DIGITS)
                return false;

        prefix.size -= CONTAINER_ID_DIGITS;
        id = (Word){ component.text + prefix.size, CONTAINER_ID_DIGITS_SHOWN };
        for (size_t i = 0; i < CONTAINER_ID_DIGITS; i++)
                if (!strchr("0123456789abcdef", id.text[i]))
                        return false;
        if (prefix.size > 0 && !word_drop_suffix(&prefix, WORD("-")))
                return false;

        *ret_prefix = prefix;
        *ret_id = id;
        *ret_is_scope = is_scope;
        return true;
}

/* What a path tells of containers, up to one of its components. */
typedef struct ContainerPath {
        Word parent; /* the component before */
        Word pod_uid;
        bool is_below_kubepods;
} ContainerPath;

/* Finds the UID in "kubepods-burstable-podUID.slice", and in "podUID" below "kubepods". */
static bool container_path_find_pod(const ContainerPath *path, Word component, Word *ret_uid) {
        Word uid = component;

        if (word_drop_suffix(&uid, WORD(".slice"))) {
                const char *dash = memrchr(uid.text, '-', uid.size);

                if (!dash || !memmem(uid.text, (size_t)(dash - uid.text), "kubepods", strlen("kubepods")))
                        return false;
                uid = (Word){ dash + 1, (size_t)(uid.text + uid.size - dash - 1) };
        } else if (!path->is_below_kubepods)
                return false;

        if (!word_skip_prefix(&uid, WORD("pod")))
                return false;

        *ret_uid = uid;
        return true;
}

static void name_append_pod(Name *name, Word uid) {
        name_append(name, WORD("pod/"));
        for (size_t i = 0; i < uid.size; i++)
                name_append_byte(name, uid.text[i] == '_' ? '-' : uid.text[i]);
}

/* Writes the name if the component is a container or a monitor of one. */
static bool container_name(const ContainerPath *path, Word component, Name *name) {
        const Runtime *runtime;
        Word prefix, id;
        bool is_scope;

        if (!container_split(component, &prefix, &id, &is_scope))
                return false;

        if (is_monitor(prefix)) {
                name_append(name, prefix);
                name_append(name, WORD("-"));
                name_append(name, id);
                if (is_scope)
                        name_append(name, WORD(".scope"));
                return true;
        }

        runtime = runtime_find(prefix.size > 0 ? prefix : path->parent);
        if (!runtime && prefix.size > 0 && path->pod_uid.size == 0)
                return false;

        /* A pod of Podman's own: its containers are below it. */
        if (prefix.size == 0 && word_is(path->parent, WORD("libpod_parent")))
                return false;

        if (path->pod_uid.size > 0)
                name_append_pod(name, path->pod_uid);
        else
                name_append(name, runtime ? runtime->name : WORD("container"));
        name_append(name, WORD("/"));
        name_append(name, id);
        return true;
}

static bool name_by_container(Word rest, Name *name) {
        ContainerPath path = { 0 };
        Word component;

        for (; word_next(&rest, "/:", &component); path.parent = component) {
                if (path.pod_uid.size == 0 && container_path_find_pod(&path, component, &path.pod_uid))
                        continue;
                if (container_name(&path, component, name))
                        return true;
                path.is_below_kubepods |= word_is(component, WORD("kubepods"));
        }

        if (path.pod_uid.size == 0)
                return false;

        name_append_pod(name, path.pod_uid);
        return true;
}

static bool is_slice(Word component) {
        return word_drop_suffix(&component, WORD(".slice"));
}

/* The types that have processes, if only for a moment. */
static bool is_unit(Word component) {
        return word_drop_suffix(&component, WORD(".service")) ||
               word_drop_suffix(&component, WORD(".scope")) ||
               word_drop_suffix(&component, WORD(".socket")) ||
               word_drop_suffix(&component, WORD(".mount")) || word_drop_suffix(&component, WORD(".swap"));
}

/* "user@1000.service", which has slices and units of its own. */
static bool is_user_manager(Word component) {
        if (!word_skip_prefix(&component, WORD("user@")) || !word_drop_suffix(&component, WORD(".service")))
                return false;

        for (size_t i = 0; i < component.size; i++)
                if (component.text[i] < '0' || component.text[i] > '9')
                        return false;

        return true;
}

static bool name_by_unit(Word rest, Name *name) {
        Word component, manager = { 0 }, unit = { 0 };

        while (word_next(&rest, "/", &component)) {
                (void)word_skip_prefix(&component, WORD("_"));

                if (is_slice(component)) {
                        unit = component;
                        continue;
                }
                if (manager.size == 0 && is_user_manager(component)) {
                        manager = component;
                        unit = (Word){ 0 };
                        continue;
                }
                if (is_unit(component))
                        unit = component;
                else if (manager.size == 0)
                        return false;
                break;
        }

        if (manager.size == 0 && unit.size == 0)
                return false;

        name_append(name, manager);
        if (manager.size > 0 && unit.size > 0)
                name_append(name, WORD("/"));
        name_append(name, unit);
        return true;
}

void cgroup_unit_name(const char *path, size_t size, char ret_name[static UNIT_NAME_SIZE]) {
        Name name = { .text = ret_name, .hash = UINT64_C(0xcbf29ce484222325) };
        Word whole;

        assert(path || size == 0);
        assert(ret_name);

        whole = size > 0 ? (Word){ path, strnlen(path, size) } : WORD("");
        if (!name_by_container(whole, &name) && !name_by_unit(whole, &name))
                name_append(&name, whole.size > 0 ? whole : WORD("/"));
        name_finish(&name);
}
