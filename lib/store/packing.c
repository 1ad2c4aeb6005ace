/* SPDX-License-Identifier: Apache-2.0 */

/* Numbers as few bytes */

#include <assert.h>
#include <string.h>

#include "store/packing.h"

static uint64_t zigzag_encode(uint64_t delta) {
        return delta << 1 ^ (delta >> 63 ? UINT64_MAX : 0);
}

static uint64_t zigzag_decode(uint64_t code) {
        return code >> 1 ^ (code & 1 ? UINT64_MAX : 0);
}

void packer_put_bytes(Packer *packer, const void *bytes, size_t n) {
        assert(n <= (size_t)(packer->end - packer->at));

        memcpy(packer->at, bytes, n);
        packer->at += n;
}

void packer_put_byte(Packer *packer, uint8_t byte) {
        packer_put_bytes(packer, &byte, 1);
}

void packer_put_varint(Packer *packer, uint64_t number) {
        while (number >= 0x80) {
                packer_put_byte(packer, (uint8_t)(number | 0x80));
                number >>= 7;
        }
        packer_put_byte(packer, (uint8_t)number);
}

void packer_put_delta(Packer *packer, uint64_t number, uint64_t base) {
        packer_put_varint(packer, zigzag_encode(number - base));
}

uint8_t *packer_begin_section(Packer *packer, uint8_t tag) {
        static const uint8_t size_to_come[4];

        packer_put_byte(packer, tag);
        packer_put_bytes(packer, size_to_come, sizeof size_to_come);
        return packer->at;
}

void packer_end_section(Packer *packer, uint8_t *body) {
        size_t size = (size_t)(packer->at - body);

        for (unsigned i = 0; i < 4; i++)
                body[(int)i - 4] = (uint8_t)(size >> 8 * i);
}

const uint8_t *unpacker_take_bytes(Unpacker *unpacker, size_t n) {
        const uint8_t *bytes = unpacker->at;

        if (unpacker->is_bad || n > (size_t)(unpacker->end - unpacker->at)) {
                unpacker->is_bad = true;
                return NULL;
        }

        unpacker->at += n;
        return bytes;
}

uint8_t unpacker_take_byte(Unpacker *unpacker) {
        const uint8_t *byte = unpacker_take_bytes(unpacker, 1);

        return byte ? *byte : 0;
}

uint64_t unpacker_take_varint(Unpacker *unpacker) {
        uint64_t number = 0;

        for (unsigned shift = 0; shift < 64; shift += 7) {
                uint8_t byte = unpacker_take_byte(unpacker);

                if (shift == 63 && byte > 1)
                        break;

                number |= (uint64_t)(byte & 0x7f) << shift;
                if (!(byte & 0x80))
                        return unpacker->is_bad ? 0 : number;
        }

        unpacker->is_bad = true;
        return 0;
}

uint64_t unpacker_take_delta(Unpacker *unpacker, uint64_t base) {
        return base + zigzag_decode(unpacker_take_varint(unpacker));
}

bool unpacker_has_more(const Unpacker *unpacker) {
        return !unpacker->is_bad && unpacker->at < unpacker->end;
}

Unpacker unpacker_take_section(Unpacker *unpacker, uint8_t *ret_tag) {
        uint8_t tag = unpacker_take_byte(unpacker);
        const uint8_t *size = unpacker_take_bytes(unpacker, 4), *body = NULL;

        if (size)
                body = unpacker_take_bytes(unpacker, size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16 |
                                                             (size_t)size[3] << 24);

        *ret_tag = body ? tag : 0;
        return (Unpacker){ .at = body, .end = body ? unpacker->at : NULL, .is_bad = !body };
}
