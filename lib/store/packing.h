/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Numbers as few bytes
 *
 *   varint   7 bits a byte, lowest first, bit 7: more follow (LEB128)
 *   delta    new - old modulo 2^64 as a signed number, zigzag (0 -1 1 -2 … are
 *            0 1 2 3 …), as a varint
 *   section  tag byte, size of its body in 4 bytes little-endian, body
 *
 * A Packer writes into a buffer that is known to be large enough: its bounds are
 * asserted. An Unpacker trusts nothing: the first shortage or nonsense makes it
 * bad for good, what is taken from then on is 0, and its user looks once, at the
 * end.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most bytes of a varint, and of a section's head. */
#define PACKING_VARINT_MAX  10
#define PACKING_SECTION_MAX 5

typedef struct Packer {
        uint8_t *at;
        const uint8_t *end;
} Packer;

void packer_put_byte(Packer *packer, uint8_t byte);
void packer_put_bytes(Packer *packer, const void *bytes, size_t n);
void packer_put_varint(Packer *packer, uint64_t number);
void packer_put_delta(Packer *packer, uint64_t number, uint64_t base);

/* Returns the section's body, for packer_end_section(). */
uint8_t *packer_begin_section(Packer *packer, uint8_t tag);
void packer_end_section(Packer *packer, uint8_t *body);

typedef struct Unpacker {
        const uint8_t *at;
        const uint8_t *end;
        bool is_bad;
} Unpacker;

uint8_t unpacker_take_byte(Unpacker *unpacker);
uint64_t unpacker_take_varint(Unpacker *unpacker);
uint64_t unpacker_take_delta(Unpacker *unpacker, uint64_t base);

/* NULL if there are not so many. */
const uint8_t *unpacker_take_bytes(Unpacker *unpacker, size_t n);

/* Takes a section and stands on its body. A bad one, if there is none; its tag is then 0. */
Unpacker unpacker_take_section(Unpacker *unpacker, uint8_t *ret_tag);

/* False at the end, and once it is bad. */
bool unpacker_has_more(const Unpacker *unpacker);
