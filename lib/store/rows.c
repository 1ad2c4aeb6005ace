/* SPDX-License-Identifier: Apache-2.0 */

/* A table of rows as bytes: what changed since the one before it */

#include <assert.h>
#include <string.h>

#include "base/macro.h"
#include "store/rows.h"

enum {
        ROWS_KEPT = 0,
        ROWS_GONE = 1,
        ROW_CHANGED = 2,
        ROW_NEW = 3,
};

static size_t zeros_count(const uint8_t *bytes, size_t size) {
        size_t n = 0;

        while (n < size && bytes[n] == 0)
                n++;
        return n;
}

/* How many bytes there are before zeros that end a run. */
static size_t bytes_count(const uint8_t *bytes, size_t size) {
        size_t n = 0;

        while (n < size) {
                size_t n_zeros = zeros_count(bytes + n, size - n);

                if (n_zeros >= ROWS_ZEROS_MIN || n + n_zeros == size)
                        break;
                n += n_zeros + 1;
        }
        return n;
}

static void rows_pack_key(Packer *packer, const uint8_t *key, size_t size) {
        for (size_t at = 0, n; at < size; at += n) {
                n = zeros_count(key + at, size - at);
                packer_put_varint(packer, n);
                at += n;

                n = bytes_count(key + at, size - at);
                if (n == 0)
                        return;
                packer_put_varint(packer, n);
                packer_put_bytes(packer, key + at, n);
        }
}

static void
rows_pack_fields(Packer *packer, const RowLayout *layout, unsigned kind, const void *base, const void *row) {
        const uint64_t *fields = (const uint64_t *)((const char *)row + layout->fields_offset);
        const uint64_t *old = base ? (const uint64_t *)((const char *)base + layout->fields_offset) : NULL;
        uint64_t mask = 0;

        for (size_t i = 0; i < layout->n_fields; i++)
                if (fields[i] != (old ? old[i] : 0))
                        mask |= UINT64_C(1) << i;

        packer_put_varint(packer, mask << 2 | kind);
        if (kind == ROW_NEW)
                rows_pack_key(packer, row, layout->key_size);
        for (size_t i = 0; i < layout->n_fields; i++)
                if (mask >> i & 1)
                        packer_put_delta(packer, fields[i], old ? old[i] : 0);
}

/* A run of rows that were kept or are gone is written once it ends. */
static void rows_pack_run(Packer *packer, unsigned kind, uint64_t *n) {
        if (*n > 0)
                packer_put_varint(packer, *n << 2 | kind);
        *n = 0;
}

/* An empty table may be NULL. */
static const char *rows_end(const RowLayout *layout, const void *rows, size_t n) {
        return n > 0 ? (const char *)rows + n * layout->row_size : rows;
}

void rows_pack(Packer *packer,
               const RowLayout *layout,
               const void *old_rows,
               size_t n_old,
               const void *rows,
               size_t n_rows) {
        const char *old = old_rows, *old_end = rows_end(layout, old_rows, n_old);
        const char *row = rows, *row_end = rows_end(layout, rows, n_rows);
        uint64_t n_kept = 0, n_gone = 0;

        assert(layout->key_size <= ROWS_KEY_SIZE_MAX);

        while (old < old_end || row < row_end) {
                int order = old == old_end ? 1 : row == row_end ? -1 : memcmp(old, row, layout->key_size);

                if (order == 0 && memcmp(old, row, layout->row_size) == 0) {
                        rows_pack_run(packer, ROWS_GONE, &n_gone);
                        n_kept++;
                } else if (order < 0) {
                        rows_pack_run(packer, ROWS_KEPT, &n_kept);
                        n_gone++;
                } else {
                        rows_pack_run(packer, ROWS_KEPT, &n_kept);
                        rows_pack_run(packer, ROWS_GONE, &n_gone);
                        rows_pack_fields(packer, layout, order == 0 ? ROW_CHANGED : ROW_NEW,
                                         order == 0 ? old : NULL, row);
                }

                if (order <= 0)
                        old += layout->row_size;
                if (order >= 0)
                        row += layout->row_size;
        }

        rows_pack_run(packer, ROWS_KEPT, &n_kept);
        rows_pack_run(packer, ROWS_GONE, &n_gone);
}

/* Fields that this layout does not have are taken and forgotten. */
static void rows_unpack_fields(Unpacker *unpacker, const RowLayout *layout, uint64_t mask, void *row) {
        uint64_t *fields = (uint64_t *)((char *)row + layout->fields_offset);

        for (size_t i = 0; i < 62; i++) {
                if (!(mask >> i & 1))
                        continue;
                if (i < layout->n_fields)
                        fields[i] = unpacker_take_delta(unpacker, fields[i]);
                else
                        (void)unpacker_take_varint(unpacker);
        }
}

typedef struct RowsUnpacking {
        const char *old; /* next row of the old table */
        const char *old_end;
        char *rows;
        size_t n_rows;
        size_t n_max;
} RowsUnpacking;

/* The key is all zeros before, and it is whole after, or the unpacker is bad. */
static void rows_unpack_key(Unpacker *unpacker, uint8_t *key, size_t size) {
        for (size_t at = 0; at < size;) {
                uint64_t n = unpacker_take_varint(unpacker);
                const uint8_t *bytes;

                if (n > size - at) {
                        unpacker->is_bad = true;
                        return;
                }
                at += n;
                if (at == size)
                        return;

                n = unpacker_take_varint(unpacker);
                bytes = n > 0 && n <= size - at ? unpacker_take_bytes(unpacker, n) : NULL;
                if (!bytes) {
                        unpacker->is_bad = true;
                        return;
                }
                memcpy(key + at, bytes, n);
                at += n;
        }
}

/* Adds a row that was @from or, if that is NULL, begins with a key from the source. */
static void *
rows_unpack_row(Unpacker *unpacker, const RowLayout *layout, RowsUnpacking *rows, const void *from) {
        char *row = rows->rows + rows->n_rows * layout->row_size;

        if (rows->n_rows == rows->n_max) {
                unpacker->is_bad = true;
                return NULL;
        }

        if (from)
                memcpy(row, from, layout->row_size);
        else {
                memset(row, 0, layout->row_size);
                rows_unpack_key(unpacker, (uint8_t *)row, layout->key_size);
        }

        if (rows->n_rows > 0 && memcmp(row - layout->row_size, row, layout->key_size) >= 0)
                unpacker->is_bad = true;
        if (unpacker->is_bad)
                return NULL;

        rows->n_rows++;
        return row;
}

static void rows_unpack_step(Unpacker *unpacker, const RowLayout *layout, RowsUnpacking *rows) {
        uint64_t code = unpacker_take_varint(unpacker), n = code >> 2;
        size_t n_left = (size_t)(rows->old_end - rows->old) / layout->row_size;
        unsigned kind = code & 3;
        void *row;

        if ((kind == ROWS_KEPT || kind == ROWS_GONE) && (n == 0 || n > n_left))
                unpacker->is_bad = true;
        if (kind == ROW_CHANGED && n_left == 0)
                unpacker->is_bad = true;
        if (unpacker->is_bad)
                return;

        switch (kind) {
        case ROWS_KEPT:
                for (; n > 0 && !unpacker->is_bad; n--) {
                        (void)rows_unpack_row(unpacker, layout, rows, rows->old);
                        rows->old += layout->row_size;
                }
                break;

        case ROWS_GONE:
                rows->old += n * layout->row_size;
                break;

        case ROW_CHANGED:
        case ROW_NEW:
                row = rows_unpack_row(unpacker, layout, rows, kind == ROW_CHANGED ? rows->old : NULL);
                if (row)
                        rows_unpack_fields(unpacker, layout, n, row);
                if (kind == ROW_CHANGED)
                        rows->old += layout->row_size;
                break;
        }
}

size_t rows_unpack(Unpacker *unpacker,
                   const RowLayout *layout,
                   const void *old_rows,
                   size_t n_old,
                   void *ret_rows,
                   size_t n_max) {
        RowsUnpacking rows = {
                .old = old_rows,
                .old_end = rows_end(layout, old_rows, n_old),
                .rows = ret_rows,
                .n_max = n_max,
        };

        while (unpacker_has_more(unpacker))
                rows_unpack_step(unpacker, layout, &rows);

        /* The steps account for every row of the old table. */
        if (rows.old != rows.old_end)
                unpacker->is_bad = true;

        return rows.n_rows;
}
