/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A sample as bytes: what changed since the one before it
 *
 * The encoder writes into a buffer that no sample can fill, so its bounds are
 * asserted. The decoder trusts nothing: it takes bytes through a Source whose
 * first shortage or nonsense makes it bad for good, and the callers look at
 * that once, at the end.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "store/codec.h"

enum {
        SECTION_VALUES = 1,
        SECTION_REPORTS = 2,
        SECTION_LISTENERS = 3,
};

enum {
        ROWS_KEPT = 0,
        ROWS_GONE = 1,
        ROW_CHANGED = 2,
        ROW_NEW = 3,
};

enum {
        REPORT_IS_INCOMPLETE = 1,
};

/* The shape of a row: a key, then 64-bit fields up to its end. */
typedef struct RowLayout {
        size_t row_size;
        size_t key_size;
        size_t fields_offset;
        size_t n_fields;
} RowLayout;

static const RowLayout listener_layout = {
        .row_size = sizeof(ListenerRow),
        .key_size = sizeof(ListenerKey),
        .fields_offset = offsetof(ListenerRow, length),
        .n_fields = LISTENER_FIELDS,
};

_Static_assert(offsetof(ListenerRow, length) + LISTENER_FIELDS * sizeof(uint64_t) == sizeof(ListenerRow),
               "LISTENER_FIELDS counts the fields of ListenerRow");
_Static_assert(offsetof(ListenerRow, key) == 0, "the key comes first");

static uint64_t zigzag_encode(uint64_t delta) {
        return delta << 1 ^ (delta >> 63 ? UINT64_MAX : 0);
}

static uint64_t zigzag_decode(uint64_t code) {
        return code >> 1 ^ (code & 1 ? UINT64_MAX : 0);
}

/* ---- writing ---- */

typedef struct Sink {
        uint8_t *at;
        const uint8_t *end;
} Sink;

static void sink_put_bytes(Sink *sink, const void *bytes, size_t n) {
        assert(n <= (size_t)(sink->end - sink->at));

        memcpy(sink->at, bytes, n);
        sink->at += n;
}

static void sink_put_byte(Sink *sink, uint8_t byte) {
        sink_put_bytes(sink, &byte, 1);
}

static void sink_put_varint(Sink *sink, uint64_t number) {
        while (number >= 0x80) {
                sink_put_byte(sink, (uint8_t)(number | 0x80));
                number >>= 7;
        }
        sink_put_byte(sink, (uint8_t)number);
}

static void sink_put_delta(Sink *sink, uint64_t number, uint64_t base) {
        sink_put_varint(sink, zigzag_encode(number - base));
}

/* Returns the section's body, for sink_end_section(). */
static uint8_t *sink_begin_section(Sink *sink, uint8_t tag) {
        static const uint8_t size_to_come[4];

        sink_put_byte(sink, tag);
        sink_put_bytes(sink, size_to_come, sizeof size_to_come);
        return sink->at;
}

static void sink_end_section(Sink *sink, uint8_t *body) {
        size_t size = (size_t)(sink->at - body);

        for (unsigned i = 0; i < 4; i++)
                body[(int)i - 4] = (uint8_t)(size >> 8 * i);
}

static void encode_values(Sink *sink, const Sample *base, const Sample *sample) {
        unsigned next = 0;

        for (unsigned id = 0; id < _VALUE_ROOM; id++) {
                bool has = sample_has(sample, id);

                if (has == sample_has(base, id) && sample->values[id] == base->values[id])
                        continue;

                sink_put_varint(sink, (uint64_t)(id - next) << 1 | has);
                if (has)
                        sink_put_delta(sink, sample->values[id], base->values[id]);
                next = id + 1;
        }
}

static void encode_reports(Sink *sink, const Sample *base, const Sample *sample) {
        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++) {
                const CollectorReport *report = &sample->reports[id];

                if (!report->is_present)
                        continue;

                sink_put_byte(sink, (uint8_t)id);
                sink_put_byte(sink, report->is_incomplete ? REPORT_IS_INCOMPLETE : 0);
                sink_put_delta(sink, (uint64_t)(int64_t)report->error, 0);
                sink_put_delta(sink, report->n_failures, base->reports[id].n_failures);
                sink_put_varint(sink, report->duration_nsec);
                sink_put_delta(sink, report->last_success_usec, sample->realtime_usec);
        }
}

static void
encode_fields(Sink *sink, const RowLayout *layout, unsigned kind, const void *base, const void *row) {
        const uint64_t *fields = (const uint64_t *)((const char *)row + layout->fields_offset);
        const uint64_t *old = base ? (const uint64_t *)((const char *)base + layout->fields_offset) : NULL;
        uint64_t mask = 0;

        for (size_t i = 0; i < layout->n_fields; i++)
                if (fields[i] != (old ? old[i] : 0))
                        mask |= UINT64_C(1) << i;

        sink_put_varint(sink, mask << 2 | kind);
        if (kind == ROW_NEW)
                sink_put_bytes(sink, row, layout->key_size);
        for (size_t i = 0; i < layout->n_fields; i++)
                if (mask >> i & 1)
                        sink_put_delta(sink, fields[i], old ? old[i] : 0);
}

/* A run of rows that were kept or are gone is written once it ends. */
static void encode_run(Sink *sink, unsigned kind, uint64_t *n) {
        if (*n > 0)
                sink_put_varint(sink, *n << 2 | kind);
        *n = 0;
}

static void encode_rows(Sink *sink,
                        const RowLayout *layout,
                        const void *base,
                        size_t n_base,
                        const void *rows,
                        size_t n_rows) {
        const char *old = base, *old_end = old + n_base * layout->row_size;
        const char *row = rows, *row_end = row + n_rows * layout->row_size;
        uint64_t n_kept = 0, n_gone = 0;

        while (old < old_end || row < row_end) {
                int order = old == old_end ? 1 : row == row_end ? -1 : memcmp(old, row, layout->key_size);

                if (order == 0 && memcmp(old, row, layout->row_size) == 0) {
                        encode_run(sink, ROWS_GONE, &n_gone);
                        n_kept++;
                } else if (order < 0) {
                        encode_run(sink, ROWS_KEPT, &n_kept);
                        n_gone++;
                } else {
                        encode_run(sink, ROWS_KEPT, &n_kept);
                        encode_run(sink, ROWS_GONE, &n_gone);
                        encode_fields(sink, layout, order == 0 ? ROW_CHANGED : ROW_NEW,
                                      order == 0 ? old : NULL, row);
                }

                if (order <= 0)
                        old += layout->row_size;
                if (order >= 0)
                        row += layout->row_size;
        }

        encode_run(sink, ROWS_KEPT, &n_kept);
        encode_run(sink, ROWS_GONE, &n_gone);
}

size_t
sample_encode(const Sample *base, const Sample *sample, uint8_t ret_bytes[static SAMPLE_ENCODED_MAX]) {
        Sink sink = { .at = ret_bytes, .end = ret_bytes + SAMPLE_ENCODED_MAX };
        uint8_t *body;

        assert(base && sample);

        sink_put_delta(&sink, sample->number, base->number);
        sink_put_delta(&sink, sample->realtime_usec, base->realtime_usec);
        sink_put_delta(&sink, sample->boottime_usec, base->boottime_usec);

        body = sink_begin_section(&sink, SECTION_VALUES);
        encode_values(&sink, base, sample);
        sink_end_section(&sink, body);

        body = sink_begin_section(&sink, SECTION_REPORTS);
        encode_reports(&sink, base, sample);
        sink_end_section(&sink, body);

        body = sink_begin_section(&sink, SECTION_LISTENERS);
        encode_rows(&sink, &listener_layout, base->listeners, base->n_listeners, sample->listeners,
                    sample->n_listeners);
        sink_end_section(&sink, body);

        return (size_t)(sink.at - ret_bytes);
}

/* ---- reading ---- */

typedef struct Source {
        const uint8_t *at;
        const uint8_t *end;
        bool is_bad; /* something was short or senseless; everything taken since is 0 */
} Source;

static const uint8_t *source_take_bytes(Source *source, size_t n) {
        const uint8_t *bytes = source->at;

        if (source->is_bad || n > (size_t)(source->end - source->at)) {
                source->is_bad = true;
                return NULL;
        }

        source->at += n;
        return bytes;
}

static uint8_t source_take_byte(Source *source) {
        const uint8_t *byte = source_take_bytes(source, 1);

        return byte ? *byte : 0;
}

static uint64_t source_take_varint(Source *source) {
        uint64_t number = 0;

        for (unsigned shift = 0; shift < 64; shift += 7) {
                uint8_t byte = source_take_byte(source);

                if (shift == 63 && byte > 1)
                        break;

                number |= (uint64_t)(byte & 0x7f) << shift;
                if (!(byte & 0x80))
                        return number;
        }

        source->is_bad = true;
        return 0;
}

static uint64_t source_take_delta(Source *source, uint64_t base) {
        return base + zigzag_decode(source_take_varint(source));
}

static bool source_has_more(const Source *source) {
        return !source->is_bad && source->at < source->end;
}

static void decode_values(Source *source, Sample *sample) {
        uint64_t next = 0;

        while (source_has_more(source)) {
                uint64_t code = source_take_varint(source), id = next + (code >> 1), value;

                if (id >= _VALUE_ROOM) {
                        source->is_bad = true;
                        return;
                }

                if (code & 1) {
                        value = source_take_delta(source, sample->values[id]);
                        sample_set(sample, id, value);
                } else
                        sample_unset(sample, id);
                next = id + 1;
        }
}

static void decode_reports(Source *source, const Sample *base, Sample *sample) {
        while (source_has_more(source)) {
                CollectorReport report = { .is_present = true };
                uint8_t id = source_take_byte(source);
                int64_t error;

                if (id >= _COLLECTOR_ROOM) {
                        source->is_bad = true;
                        return;
                }

                report.is_incomplete = source_take_byte(source) & REPORT_IS_INCOMPLETE;
                error = (int64_t)source_take_delta(source, 0);
                if (error > 0 || error < -4095)
                        source->is_bad = true;
                else
                        report.error = (int)error;
                report.n_failures = source_take_delta(source, base->reports[id].n_failures);
                report.duration_nsec = source_take_varint(source);
                report.last_success_usec = source_take_delta(source, sample->realtime_usec);
                sample->reports[id] = report;
        }
}

/* Fields that this layout does not have are taken and forgotten. */
static void decode_fields(Source *source, const RowLayout *layout, uint64_t mask, void *row) {
        uint64_t *fields = (uint64_t *)((char *)row + layout->fields_offset);

        for (size_t i = 0; i < 62; i++) {
                if (!(mask >> i & 1))
                        continue;
                if (i < layout->n_fields)
                        fields[i] = source_take_delta(source, fields[i]);
                else
                        (void)source_take_varint(source);
        }
}

typedef struct RowsSource {
        const char *base; /* next row of the base */
        const char *base_end;
        char *rows;
        size_t n_rows;
        size_t n_max;
} RowsSource;

/* Adds a row that was @from or, if that is NULL, begins with a key from the source. */
static void *decode_row(Source *source, const RowLayout *layout, RowsSource *rows, const void *from) {
        const void *key = from ? from : source_take_bytes(source, layout->key_size);
        char *row = rows->rows + rows->n_rows * layout->row_size;

        if (!key || rows->n_rows == rows->n_max ||
            (rows->n_rows > 0 && memcmp(row - layout->row_size, key, layout->key_size) >= 0)) {
                source->is_bad = true;
                return NULL;
        }

        if (from)
                memcpy(row, from, layout->row_size);
        else {
                memset(row, 0, layout->row_size);
                memcpy(row, key, layout->key_size);
        }
        rows->n_rows++;
        return row;
}

static void decode_step(Source *source, const RowLayout *layout, RowsSource *rows) {
        uint64_t code = source_take_varint(source), n = code >> 2;
        size_t n_left = (size_t)(rows->base_end - rows->base) / layout->row_size;
        unsigned kind = code & 3;
        void *row;

        if ((kind == ROWS_KEPT || kind == ROWS_GONE) && (n == 0 || n > n_left))
                source->is_bad = true;
        if (kind == ROW_CHANGED && n_left == 0)
                source->is_bad = true;
        if (source->is_bad)
                return;

        switch (kind) {
        case ROWS_KEPT:
                for (; n > 0 && !source->is_bad; n--) {
                        (void)decode_row(source, layout, rows, rows->base);
                        rows->base += layout->row_size;
                }
                break;

        case ROWS_GONE:
                rows->base += n * layout->row_size;
                break;

        case ROW_CHANGED:
        case ROW_NEW:
                row = decode_row(source, layout, rows, kind == ROW_CHANGED ? rows->base : NULL);
                if (row)
                        decode_fields(source, layout, n, row);
                if (kind == ROW_CHANGED)
                        rows->base += layout->row_size;
                break;
        }
}

static size_t decode_rows(Source *source,
                          const RowLayout *layout,
                          const void *base,
                          size_t n_base,
                          void *ret_rows,
                          size_t n_max) {
        RowsSource rows = {
                .base = base,
                .base_end = (const char *)base + n_base * layout->row_size,
                .rows = ret_rows,
                .n_max = n_max,
        };

        while (source_has_more(source))
                decode_step(source, layout, &rows);

        /* The steps account for every row of the base. */
        if (rows.base != rows.base_end)
                source->is_bad = true;

        return rows.n_rows;
}

/* What listener_format_address() and others rely on. */
static bool listener_keys_are_valid(const Sample *sample) {
        for (uint32_t i = 0; i < sample->n_listeners; i++) {
                const ListenerKey *key = &sample->listeners[i].key;

                if (key->family != AF_INET && key->family != AF_INET6)
                        return false;
                if (key->reserved != 0 || key->device[sizeof key->device - 1] != '\0')
                        return false;
        }

        return true;
}

static void decode_section(Source *source, const Sample *base, Sample *sample) {
        uint8_t tag = source_take_byte(source);
        const uint8_t *size = source_take_bytes(source, 4);
        const uint8_t *body;
        Source inner;

        if (!size)
                return;
        body = source_take_bytes(source, size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16 |
                                                 (size_t)size[3] << 24);
        if (!body)
                return;
        inner = (Source){ .at = body, .end = source->at };

        switch (tag) {
        case SECTION_VALUES:
                decode_values(&inner, sample);
                break;
        case SECTION_REPORTS:
                decode_reports(&inner, base, sample);
                break;
        case SECTION_LISTENERS:
                sample->n_listeners =
                        (uint32_t)decode_rows(&inner, &listener_layout, base->listeners, base->n_listeners,
                                              sample->listeners, SAMPLE_LISTENERS_MAX);
                break;
        }

        source->is_bad |= inner.is_bad;
}

int sample_decode(const Sample *base, const uint8_t *bytes, size_t size, Sample *ret) {
        Source source = { .at = bytes, .end = bytes + size };

        assert(base && ret && base != ret);
        assert(bytes);

        sample_clear(ret);
        memcpy(ret->present, base->present, sizeof ret->present);
        memcpy(ret->values, base->values, sizeof ret->values);

        ret->number = source_take_delta(&source, base->number);
        ret->realtime_usec = source_take_delta(&source, base->realtime_usec);
        ret->boottime_usec = source_take_delta(&source, base->boottime_usec);

        while (source_has_more(&source))
                decode_section(&source, base, ret);

        return source.is_bad || !listener_keys_are_valid(ret) ? -EBADMSG : 0;
}
