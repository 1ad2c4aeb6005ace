/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A table of rows as bytes: what changed since the one before it
 *
 * A row is a key and 64-bit fields; a table is ordered by key. Packing steps
 * through the old table and the new one side by side. Each step begins with
 * varint n * 4 + kind:
 *
 *   kind 0  the next n rows of the old table, unchanged
 *   kind 1  the next n rows of the old table are gone
 *   kind 2  the next row of the old table, its fields changed: n is a mask of
 *           the fields, a delta each
 *   kind 3  a new row: its key, then as kind 2 with old fields of 0
 *
 * So a key is written once, for as long as its row lives, and a table in which
 * nothing changed is two bytes. Fields that a reader does not know are passed
 * over.
 *
 * Keys hold names of fixed size, which are mostly zeros. So a key is runs, until
 * it is whole. Each begins with
 *
 *   varint   number of zero bytes, and unless these end the key:
 *   varint   number of bytes that follow, at least 1
 *   bytes
 *
 * Zeros that are fewer than ROWS_ZEROS_MIN stay among the bytes, but at the ends
 * of a key: there they always are a run's.
 */

#include "store/packing.h"

/* The shape of a row: a key, compared by memcmp(), then 64-bit fields up to its end. */
typedef struct RowLayout {
        size_t row_size;
        size_t key_size; /* at most ROWS_KEY_SIZE_MAX */
        size_t fields_offset;
        size_t n_fields; /* at most ROW_FIELDS_MAX */
} RowLayout;

/* A mask of them and two bits more are one number. */
#define ROW_FIELDS_MAX 62

/* The least that ends a run, for the next one begins with two numbers, of three bytes at most: up to
 * 127 zeros are one byte, and more of them are worth it in any case. */
#define ROWS_ZEROS_MIN    3
#define ROWS_KEY_SIZE_MAX 16383

/* Most bytes that a key can take, which are those of one without any zeros: what begins its only run, and
 * the key. */
#define ROWS_KEY_PACKED_MAX(key_size) (((key_size) < 128 ? 2 : 3) + (key_size))

/* Most bytes that a row can take: a step that drops an old one, and a new one. */
#define ROWS_PACKED_MAX(key_size, n_fields) \
        (((n_fields) + 2) * PACKING_VARINT_MAX + ROWS_KEY_PACKED_MAX(key_size))

/* Both tables strictly ascending by key. */
void rows_pack(Packer *packer,
               const RowLayout *layout,
               const void *old_rows,
               size_t n_old,
               const void *rows,
               size_t n_rows);

/**
 * rows_unpack() - apply what rows_pack() wrote to the old table
 * @ret_rows:   receives at most @n_max rows, strictly ascending; other memory
 *              than @old_rows
 *
 * Return: the number of rows; @unpacker is bad if they are not to be used.
 */
size_t rows_unpack(Unpacker *unpacker,
                   const RowLayout *layout,
                   const void *old_rows,
                   size_t n_old,
                   void *ret_rows,
                   size_t n_max);
