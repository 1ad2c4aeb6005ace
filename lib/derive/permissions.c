/* SPDX-License-Identifier: Apache-2.0 */

/* Which privilege would tell more */

#include <assert.h>

#include "derive/permissions.h"

const char *permissions_wanted_for_owners(const Sample *sample) {
        bool wants_read_search, wants_ptrace;

        assert(sample);

        wants_read_search = sample->values[VALUE_OWNERS_WANT_READ_SEARCH] > 0;
        wants_ptrace = sample->values[VALUE_OWNERS_WANT_PTRACE] > 0;
        if (wants_read_search && wants_ptrace)
                return "CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE";
        if (wants_read_search)
                return "CAP_DAC_READ_SEARCH";
        return wants_ptrace ? "CAP_SYS_PTRACE" : NULL;
}
