/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "collect/field_map.h"
#include "fuzz/fuzz.h"
#include "kernel/proc_net.h"

static const char *const sources[] = {
        "net/snmp", "net/netstat", "net/snmp6", "net/sockstat", "net/sockstat6",
};

static FieldMap maps[ELEMENTSOF(sources)];

typedef struct Input {
        const char *text;
        size_t size;
} Input;

static void check_inside(const Input *input, const char *at, size_t size) {
        FUZZ_CHECK(at >= input->text && at <= input->text + input->size);
        FUZZ_CHECK(size <= (size_t)(input->text + input->size - at));
}

static void on_field(const ProcNetField *field, void *userdata) {
        check_inside(userdata, field->group, field->group_size);
        check_inside(userdata, field->name, field->name_size);
        FUZZ_CHECK(field->name_size > 0);

        for (size_t i = 0; i < ELEMENTSOF(maps); i++) {
                ValueId id = field_map_find(&maps[i], field);

                FUZZ_CHECK(id == 0 || value_infos[id].name);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const proc_net_parse_fn parsers[] = {
                proc_net_parse_paired,
                proc_net_parse_inline,
                proc_net_parse_listed,
        };
        Input input = { (const char *)data, size };

        for (size_t i = 0; i < ELEMENTSOF(maps); i++)
                field_map_init(&maps[i], sources[i]);

        for (size_t i = 0; i < ELEMENTSOF(parsers); i++) {
                int r = parsers[i](input.text, size, on_field, &input);

                FUZZ_CHECK(r == 0 || r == -EBADMSG);
        }
        return 0;
}
