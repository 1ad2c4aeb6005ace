/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The configuration file of sockwatchd
 *
 *     bytes ──▶ yaml_keys_check() ──▶ libcyaml ──▶ words ──▶ numbers in range
 *               well-formed,           no key but            Bounds
 *               one document           those of settings.h
 *
 * To libcyaml every value is a word: it knows no ranges and no durations, and
 * would take 010 for 8. What it objects to it says by its log alone, which is
 * where the names of keys come from. Its lines are often those of the key
 * before; the right ones come from yaml_keys_find().
 */

#include <assert.h>
#include <cyaml/cyaml.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/configuration.h"
#include "daemon/settings.h"
#include "daemon/yaml_keys.h"

/* Bytes of the path that a message shows; a longer one is none. */
#define CONFIGURATION_PATH_SHOWN 4096

/* Bytes of a wrong key or value that a message repeats. */
#define CONFIGURATION_SHOWN_MAX 60

typedef struct Source {
        const char *name;
        const char *bytes;
        size_t size;
        Text message;
} Source;

/* Keys from the first level down; NULL from where they end. */
typedef struct Path {
        const char *section, *key;
} Path;

/* ---- messages ---- */

/* Begins one. Line 0: it is not about a line. */
static Text *source_complain(Source *source, unsigned line) {
        text_clear(&source->message);
        text_append_bytes(&source->message, source->name, strnlen(source->name, CONFIGURATION_PATH_SHOWN));
        text_append(&source->message, ":");
        if (line > 0)
                text_appendf(&source->message, "%u:", line);
        text_append(&source->message, " ");
        return &source->message;
}

/* Begins one about a key that is there for the nth time. */
static Text *source_complain_of_key(Source *source, Path path, unsigned nth) {
        return source_complain(source, path.key ? yaml_keys_find(source->bytes, source->size, path.section,
                                                                 path.key, nth)
                                                : yaml_keys_find(source->bytes, source->size, NULL,
                                                                 path.section, nth));
}

static void message_append_path(Text *message, Path path) {
        text_append(message, path.section ? path.section : "the file");
        if (path.key) {
                text_append(message, ".");
                text_append(message, path.key);
        }
}

/* What came from a file, in whole characters. */
static void message_append_foreign(Text *message, const char *word) {
        size_t length = strlen(word), n = MIN(length, (size_t)CONFIGURATION_SHOWN_MAX);

        while (n < length && n > 0 && ((unsigned char)word[n] & 0xc0) == 0x80)
                n--;

        text_append_bytes(message, word, n);
        if (n < length)
                text_append(message, "...");
}

/* A message is one line, whatever a file or a key is named. */
static void source_finish(Source *source, char *reterr_message) {
        const Text *message = &source->message;

        if (text_error(message) < 0)
                (void)snprintf(reterr_message, CONFIGURATION_MESSAGE_SIZE,
                               "%.*s: out of memory; wanted: some more", CONFIGURATION_PATH_SHOWN,
                               source->name);
        else
                (void)snprintf(reterr_message, CONFIGURATION_MESSAGE_SIZE, "%.*s", (int)message->length,
                               message->data);

        for (char *at = reterr_message; *at; at++)
                if ((unsigned char)*at < ' ' || *at == 0x7f)
                        *at = '?';

        text_done(&source->message);
}

/* ---- what libcyaml is told ---- */

/* The words as they stand in the file; NULL: not there. */
typedef struct Words {
        char *of[SETTINGS_MAX];
} Words;

typedef struct Document {
        Words *sections[_SECTION_MAX]; /* NULL: not there, or empty */
} Document;

typedef struct Schema {
        cyaml_schema_field_t settings[_SECTION_MAX][SETTINGS_MAX + 1];
        cyaml_schema_field_t sections[_SECTION_MAX + 1];
        cyaml_schema_value_t document;
} Schema;

static void schema_init(Schema *schema) {
        size_t n[_SECTION_MAX] = { 0 };

        *schema = (Schema){
                .document = { CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER_NULL_STR, Document, schema->sections) },
        };

        for (size_t i = 0; i < n_settings; i++)
                schema->settings[settings[i].section][n[settings[i].section]++] = (cyaml_schema_field_t){
                        .key = settings[i].name,
                        .data_offset = (uint32_t)(i * sizeof(char *)),
                        .value = { CYAML_VALUE_STRING(CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, char, 0,
                                                      CYAML_UNLIMITED) },
                };

        for (size_t i = 0; i < _SECTION_MAX; i++)
                schema->sections[i] = (cyaml_schema_field_t){
                        .key = section_names[i],
                        .data_offset = (uint32_t)(i * sizeof(Words *)),
                        .value = { CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER_NULL_STR | CYAML_FLAG_OPTIONAL,
                                                       Words, schema->settings[i]) },
                };
}

/* ---- what libcyaml says ---- */

/* Of an error it logs "Load: Unexpected key: NAME", then the keys of the schema that this was below, the
 * innermost first: "  in mapping field 'NAME' (line: 2, column: 14)". */
typedef struct Complaint {
        char subject[2 * YAML_KEY_SIZE]; /* behind the last colon of the former */
        size_t n_keys;
        char keys[2][YAML_KEY_SIZE];
} Complaint;

_printf_(3, 0) static void complaint_on_log(cyaml_log_t level,
                                            void *userdata,
                                            const char *format,
                                            va_list arguments) {
        static const char about[] = "Load: ", below[] = "  in mapping field '";
        Complaint *complaint = userdata;
        char line[2 * YAML_KEY_SIZE];
        const char *at;

        (void)vsnprintf(line, sizeof line, format, arguments);

        if (strncmp(line, about, strlen(about)) == 0 && !complaint->subject[0]) {
                at = strstr(line + strlen(about), ": ");
                if (at)
                        (void)snprintf(complaint->subject, sizeof complaint->subject, "%.*s",
                                       (int)strlen(at + 2) - (at[strlen(at) - 1] == '\n'), at + 2);
        } else if (strncmp(line, below, strlen(below)) == 0 &&
                   complaint->n_keys < ELEMENTSOF(complaint->keys)) {
                at = line + strlen(below);
                (void)snprintf(complaint->keys[complaint->n_keys++], YAML_KEY_SIZE, "%.*s",
                               (int)strcspn(at, "'"), at);
        }
}

static Path complaint_path(const Complaint *complaint) {
        return (Path){
                .section = complaint->n_keys > 0 ? complaint->keys[complaint->n_keys - 1] : NULL,
                .key = complaint->n_keys > 1 ? complaint->keys[0] : NULL,
        };
}

static void source_explain_unknown_key(Source *source, const char *section, const char *key) {
        Path path = section ? (Path){ section, key } : (Path){ key, NULL };
        Text *message = source_complain_of_key(source, path, 1);

        text_append(message, "unknown key \"");
        message_append_foreign(message, key);
        text_append(message, "\"");
        if (section)
                text_appendf(message, " in %s", section);
        text_append(message, "; wanted: ");
        section_append_names(message, section_find(section));
}

static void source_explain_type(Source *source, Path path, const char *event) {
        const Setting *setting = setting_find(section_find(path.section), path.key);
        Text *message = source_complain_of_key(source, path, 1);

        message_append_path(message, path);
        text_append(message, strcmp(event, "SEQUENCE_START") == 0  ? " is a list"
                             : strcmp(event, "MAPPING_START") == 0 ? " is a mapping"
                                                                   : " is a single value");
        text_append(message, "; wanted: ");
        if (setting)
                setting_append_wanted(message, setting);
        else {
                text_append(message, "a mapping of ");
                section_append_names(message, section_find(path.section));
        }
}

static void source_explain_second(Source *source, Path path) {
        Text *message = source_complain_of_key(source, path, 2);

        message_append_path(message, path);
        text_append(message, " is there twice; wanted: once");
}

static int source_explain(Source *source, cyaml_err_t error, const Complaint *complaint) {
        Path path = complaint_path(complaint);

        if (error == CYAML_ERR_OOM)
                return -ENOMEM;

        if (error == CYAML_ERR_INVALID_KEY)
                source_explain_unknown_key(source, path.section, complaint->subject);
        else if (error == CYAML_ERR_INVALID_VALUE)
                source_explain_type(source, path, complaint->subject);
        else if (error == CYAML_ERR_UNEXPECTED_EVENT && path.section)
                source_explain_second(source, path);
        else
                text_appendf(source_complain_of_key(source, path, 1),
                             "%s; wanted: a file as in sockwatchd(8)", cyaml_strerror(error));

        return -EBADMSG;
}

/* ---- from bytes to Bounds ---- */

static int source_read_setting(Source *source, const Setting *setting, const char *word, Bounds *bounds) {
        Path path = { section_names[setting->section], setting->name };
        Text *message;

        if (setting_parse(setting, word, bounds) == 0)
                return 0;

        message = source_complain_of_key(source, path, 1);
        message_append_path(message, path);
        text_append(message, word[0] ? " is " : " has no value");
        message_append_foreign(message, word);
        text_append(message, "; wanted: ");
        setting_append_wanted(message, setting);
        return -EBADMSG;
}

static int source_read_document(Source *source, const Document *document, Bounds *bounds) {
        int r = 0;

        for (size_t i = 0; i < n_settings && r == 0; i++) {
                const Words *words = document->sections[settings[i].section];

                if (words && words->of[i])
                        r = source_read_setting(source, &settings[i], words->of[i], bounds);
        }

        return r;
}

static int source_read_by_schema(Source *source, Bounds *bounds) {
        Complaint complaint = { 0 };
        const cyaml_config_t config = {
                .log_fn = complaint_on_log,
                .log_ctx = &complaint,
                .log_level = CYAML_LOG_ERROR,
                .mem_fn = cyaml_mem,
                .flags = CYAML_CFG_NO_ALIAS,
        };
        cyaml_data_t *document = NULL;
        cyaml_err_t error;
        Schema schema;
        int r;

        schema_init(&schema);
        error = cyaml_load_data((const uint8_t *)source->bytes, source->size, &config, &schema.document,
                                &document,
                                /* seq_count= */ NULL);
        if (error != CYAML_OK)
                return source_explain(source, error, &complaint);
        if (!document)
                return 0;

        r = source_read_document(source, document, bounds);
        (void)cyaml_free(&config, &schema.document, document, /* seq_count= */ 0);
        return r;
}

static int source_read(Source *source, Bounds *bounds) {
        YamlProblem problem;
        int r;

        r = yaml_keys_check(source->bytes, source->size, &problem);
        if (r == 0)
                r = source_read_by_schema(source, bounds);
        else if (r == -EBADMSG)
                text_appendf(source_complain(source, problem.line), "%s; wanted: %s", problem.what,
                             problem.wanted);

        if (r == -ENOMEM)
                source->message.error = r;
        return r;
}

int configuration_parse(const char *name,
                        const char *text,
                        size_t size,
                        Bounds *ret,
                        char reterr_message[static CONFIGURATION_MESSAGE_SIZE]) {
        Source source = { .name = name, .bytes = text, .size = size };
        Bounds bounds = bounds_default;
        int r;

        assert(name);
        assert(text);
        assert(ret);

        r = source_read(&source, &bounds);
        if (r < 0) {
                source_finish(&source, reterr_message);
                return r;
        }

        *ret = bounds;
        return 0;
}

/* ---- the file ---- */

/* Reads to the end, or to one byte more than is allowed. */
static int configuration_read(const char *path, char *buffer, size_t *ret_size) {
        _cleanup_(close_fdp) int fd = -1;
        struct stat status;
        size_t size = 0;
        ssize_t n;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &status) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode))
                return -ENOTSUP;

        do {
                n = read(fd, buffer + size, CONFIGURATION_BYTES_MAX + 1 - size);
                if (n < 0)
                        return -errno;
                size += (size_t)n;
        } while (n > 0 && size <= CONFIGURATION_BYTES_MAX);

        *ret_size = size;
        return size > CONFIGURATION_BYTES_MAX ? -EFBIG : 0;
}

static void source_explain_file(Source *source, int error) {
        Text *message = source_complain(source, 0);

        if (error == -ENOTSUP)
                text_append(message, "not a regular file; wanted: one");
        else if (error == -EFBIG)
                text_appendf(message, "larger than %d KiB; wanted: at most that",
                             CONFIGURATION_BYTES_MAX / 1024);
        else
                text_appendf(message, "%s; wanted: a file that sockwatchd may read", strerror(-error));
}

int configuration_load(const char *path,
                       Bounds *ret,
                       char reterr_message[static CONFIGURATION_MESSAGE_SIZE]) {
        _cleanup_(freep) char *text = malloc(CONFIGURATION_BYTES_MAX + 1);
        Source source = { .name = path };
        size_t size = 0;
        int r;

        assert(path);
        assert(ret);

        r = text ? configuration_read(path, text, &size) : -ENOMEM;
        if (r < 0) {
                source_explain_file(&source, r);
                source_finish(&source, reterr_message);
                return r;
        }

        return configuration_parse(path, text, size, ret, reterr_message);
}

void configuration_format(const Bounds *bounds, char ret_text[static CONFIGURATION_TEXT_SIZE]) {
        Text text = { 0 };

        assert(bounds);

        settings_append_all(&text, bounds);
        (void)snprintf(ret_text, CONFIGURATION_TEXT_SIZE, "%.*s", (int)text.length,
                       text.data ? text.data : "");
        text_done(&text);
}
