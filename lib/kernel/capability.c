/* SPDX-License-Identifier: Apache-2.0 */

/* Which capabilities this thread has (capabilities(7)) */

#include <assert.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/capability.h"

bool capability_is_effective(unsigned capability) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

        assert(capability <= CAP_LAST_CAP);

        return syscall(SYS_capget, &header, data) == 0 &&
               (data[capability / 32].effective >> capability % 32 & 1);
}
