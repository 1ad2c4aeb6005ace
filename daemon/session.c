/* SPDX-License-Identifier: Apache-2.0 */

/* What the daemon's session weighs beside others */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/macro.h"
#include "daemon/session.h"

#define SESSION_PATH "/proc/self/autogroup"

/* "/autogroup-12 nice 0" */
#define SESSION_BYTES 64

static bool session_is_ordinary(void) {
        static const char ordinary[] = " nice 0\n";
        char text[SESSION_BYTES];
        size_t length;

        return file_read_at(AT_FDCWD, SESSION_PATH, text, sizeof text, &length) == 0 &&
               length >= strlen(ordinary) && strcmp(text + length - strlen(ordinary), ordinary) == 0;
}

void session_init(Session *ret) {
        ret->fd = -1;
        ret->is_light = false;
        if (getsid(0) == getpid() && session_is_ordinary())
                ret->fd = open(SESSION_PATH, O_WRONLY | O_CLOEXEC);
}

void session_done(Session *session) {
        session->fd = close_fd(session->fd);
}

static int session_set_nice(const Session *session, const char *nice) {
        /* Not pwrite(2), which files of this kind refuse. */
        return write(session->fd, nice, strlen(nice)) < 0 ? -errno : 0;
}

void session_lighten(Session *session) {
        if (session->fd < 0 || session->is_light)
                return;

        /* Afterwards, or a session_restore() just now would do nothing and take it for done. */
        session->is_light = session_set_nice(session, "19") == 0;
}

bool session_restore(Session *session) {
        if (!session->is_light)
                return true;
        if (session_set_nice(session, "0") < 0)
                return false;

        session->is_light = false;
        return true;
}
