/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A sample as bytes: what changed since the one before it
 *
 * A sample is walked part by part; how numbers and rows become bytes stands in
 * packing.c and rows.c.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "store/codec.h"
#include "store/packing.h"
#include "store/rows.h"

enum {
        SECTION_VALUES = 1,
        SECTION_REPORTS = 2,
};

enum {
        REPORT_IS_INCOMPLETE = 1,
};

static void encode_values(Packer *packer, const Sample *base, const Sample *sample) {
        unsigned next = 0;

        for (unsigned id = 0; id < _VALUE_ROOM; id++) {
                bool has = sample_has(sample, id);

                if (has == sample_has(base, id) && sample->values[id] == base->values[id])
                        continue;

                packer_put_varint(packer, (uint64_t)(id - next) << 1 | has);
                if (has)
                        packer_put_delta(packer, sample->values[id], base->values[id]);
                next = id + 1;
        }
}

static void encode_reports(Packer *packer, const Sample *base, const Sample *sample) {
        for (unsigned id = 0; id < _COLLECTOR_ROOM; id++) {
                const CollectorReport *report = &sample->reports[id];

                if (!report->is_present)
                        continue;

                packer_put_byte(packer, (uint8_t)id);
                packer_put_byte(packer, report->is_incomplete ? REPORT_IS_INCOMPLETE : 0);
                packer_put_delta(packer, (uint64_t)(int64_t)report->error, 0);
                packer_put_delta(packer, report->n_failures, base->reports[id].n_failures);
                packer_put_varint(packer, report->duration_nsec);
                packer_put_delta(packer, report->last_success_usec, sample->realtime_usec);
        }
}

size_t
sample_encode(const Sample *base, const Sample *sample, uint8_t ret_bytes[static SAMPLE_ENCODED_MAX]) {
        Packer packer = { .at = ret_bytes, .end = ret_bytes + SAMPLE_ENCODED_MAX };
        uint8_t *body;

        assert(base && sample);

        packer_put_delta(&packer, sample->number, base->number);
        packer_put_delta(&packer, sample->realtime_usec, base->realtime_usec);
        packer_put_delta(&packer, sample->boottime_usec, base->boottime_usec);

        body = packer_begin_section(&packer, SECTION_VALUES);
        encode_values(&packer, base, sample);
        packer_end_section(&packer, body);

        body = packer_begin_section(&packer, SECTION_REPORTS);
        encode_reports(&packer, base, sample);
        packer_end_section(&packer, body);

        for (TableId id = 0; id < _TABLES; id++) {
                body = packer_begin_section(&packer, table_infos[id].tag);
                rows_pack(&packer, &table_infos[id].layout, sample_get_row(base, id, 0),
                          sample_count_rows(base, id), sample_get_row(sample, id, 0),
                          sample_count_rows(sample, id));
                packer_end_section(&packer, body);
        }

        return (size_t)(packer.at - ret_bytes);
}

static void decode_values(Unpacker *unpacker, Sample *sample) {
        uint64_t next = 0;

        while (unpacker_has_more(unpacker)) {
                uint64_t code = unpacker_take_varint(unpacker), id = next + (code >> 1), value;

                if (id >= _VALUE_ROOM) {
                        unpacker->is_bad = true;
                        return;
                }

                if (code & 1) {
                        value = unpacker_take_delta(unpacker, sample->values[id]);
                        sample_set(sample, id, value);
                } else
                        sample_unset(sample, id);
                next = id + 1;
        }
}

static void decode_reports(Unpacker *unpacker, const Sample *base, Sample *sample) {
        while (unpacker_has_more(unpacker)) {
                CollectorReport report = { .is_present = true };
                uint8_t id = unpacker_take_byte(unpacker);
                int64_t error;

                if (id >= _COLLECTOR_ROOM) {
                        unpacker->is_bad = true;
                        return;
                }

                report.is_incomplete = unpacker_take_byte(unpacker) & REPORT_IS_INCOMPLETE;
                error = (int64_t)unpacker_take_delta(unpacker, 0);
                if (error > 0 || error < -4095)
                        unpacker->is_bad = true;
                else
                        report.error = (int)error;
                report.n_failures = unpacker_take_delta(unpacker, base->reports[id].n_failures);
                report.duration_nsec = unpacker_take_varint(unpacker);
                report.last_success_usec = unpacker_take_delta(unpacker, sample->realtime_usec);
                sample->reports[id] = report;
        }
}

static bool bytes_are_0(const void *bytes, size_t size) {
        const uint8_t *at = bytes;

        for (size_t i = 0; i < size; i++)
                if (at[i] != 0)
                        return false;

        return true;
}

/* Whether a text ends within its room, with zeros behind it. */
static bool text_is_valid(const char *text, size_t size) {
        size_t length = strnlen(text, size);

        return length < size && bytes_are_0(text + length, size - length);
}

static bool endpoint_is_valid(const Endpoint *endpoint) {
        size_t address_size = endpoint->family == AF_INET6 ? 16 : endpoint->family == AF_INET ? 4 : 0;

        /* It has no address, no port and no device. */
        if (endpoint_is_other(endpoint))
                return bytes_are_0((const uint8_t *)endpoint + sizeof endpoint->family,
                                   sizeof *endpoint - sizeof endpoint->family);

        return address_size > 0 && endpoint->reserved == 0 &&
               bytes_are_0(endpoint->address + address_size, sizeof endpoint->address - address_size) &&
               text_is_valid(endpoint->device, sizeof endpoint->device);
}

/* What table.h says of a key. Two that differ in unused bytes would be shown as one row, twice. */
static bool key_is_valid(TableId id, const void *row) {
        const UnixListenerKey *unix_listener = row;
        const ListenerKey *listener = row;
        const ProcessKey *process = row;
        const UnitKey *unit = row;

        switch (id) {
        case TABLE_LISTENERS:
        case TABLE_UDP_SOCKETS:
                return endpoint_is_valid(&listener->endpoint) &&
                       text_is_valid(listener->unit, sizeof listener->unit) &&
                       text_is_valid(listener->process, sizeof listener->process);
        case TABLE_UNIX_LISTENERS:
                return text_is_valid(unix_listener->path, sizeof unix_listener->path) &&
                       text_is_valid(unix_listener->unit, sizeof unix_listener->unit) &&
                       text_is_valid(unix_listener->process, sizeof unix_listener->process);
        case TABLE_UNITS:
                return text_is_valid(unit->unit, sizeof unit->unit);
        case TABLE_PROCESSES:
                return text_is_valid(process->unit, sizeof process->unit) &&
                       text_is_valid(process->process, sizeof process->process);
        case TABLE_DESTINATIONS:
                return endpoint_is_valid(row);
        default:
                return false;
        }
}

static bool keys_are_valid(const Sample *sample) {
        for (TableId id = 0; id < _TABLES; id++)
                for (uint32_t i = 0; i < sample_count_rows(sample, id); i++)
                        if (!key_is_valid(id, sample_get_row(sample, id, i)))
                                return false;

        return true;
}

static void decode_table(Unpacker *unpacker, uint8_t tag, const Sample *base, Sample *sample) {
        for (TableId id = 0; id < _TABLES; id++)
                if (table_infos[id].tag == tag)
                        *sample_row_count(sample, id) =
                                (uint32_t)rows_unpack(unpacker, &table_infos[id].layout,
                                                      sample_get_row(base, id, 0),
                                                      sample_count_rows(base, id), sample_rows(sample, id),
                                                      table_infos[id].n_max);
}

static void decode_section(Unpacker *unpacker, const Sample *base, Sample *sample) {
        uint8_t tag;
        Unpacker inner = unpacker_take_section(unpacker, &tag);

        switch (tag) {
        case SECTION_VALUES:
                decode_values(&inner, sample);
                break;
        case SECTION_REPORTS:
                decode_reports(&inner, base, sample);
                break;
        default:
                decode_table(&inner, tag, base, sample);
        }

        unpacker->is_bad |= inner.is_bad;
}

int sample_decode(const Sample *base, const uint8_t *bytes, size_t size, Sample *ret) {
        Unpacker unpacker = { .at = bytes, .end = bytes + size };

        assert(base && ret && base != ret);
        assert(bytes);

        sample_clear(ret);
        memcpy(ret->present, base->present, sizeof ret->present);
        memcpy(ret->values, base->values, sizeof ret->values);

        ret->number = unpacker_take_delta(&unpacker, base->number);
        ret->realtime_usec = unpacker_take_delta(&unpacker, base->realtime_usec);
        ret->boottime_usec = unpacker_take_delta(&unpacker, base->boottime_usec);

        while (unpacker_has_more(&unpacker))
                decode_section(&unpacker, base, ret);

        return unpacker.is_bad || !keys_are_valid(ret) ? -EBADMSG : 0;
}
