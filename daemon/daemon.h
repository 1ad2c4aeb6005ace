/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The loop that turns the crank
 *
 * Every interval it hands the sampler an empty sample; what comes back is
 * committed to the ring, published to scrapers and told to systemd. It knows
 * nothing of sockets.
 */

#include "base/clock.h"
#include "base/macro.h"
#include "collect/bounds.h"
#include "daemon/recorder.h"
#include "kernel/sources.h"

typedef struct Daemon Daemon;

/**
 * daemon_new() - prepare the loop
 * @config_path: read again on SIGHUP; NULL: there is none; must outlive the daemon
 * @bounds:     what samples are bounded by until then
 * @sources:    must outlive the daemon
 * @recorder:   must outlive the daemon
 *
 * SIGTERM, SIGINT and SIGHUP must be blocked by the caller, before any thread is made.
 *
 * Return: 0, -ENOMEM, or what sd-event and pthread_create(3) return.
 */
_warn_unused_ int daemon_new(usec_t interval_usec,
                             const char *config_path,
                             const Bounds *bounds,
                             const Sources *sources,
                             Recorder *recorder,
                             Daemon **ret);

/**
 * daemon_free() - end it
 *
 * Return: false if the sampler thread is stuck: then what it uses, the sources,
 * must not be freed, and the process should end.
 */
bool daemon_free(Daemon *daemon);

/**
 * daemon_listen() - serve on a listening socket, once daemon_run() does
 * @fd:         owned by the daemon from here on; at most HTTP_LISTENERS_MAX are given
 *
 * Who connects before the first sample is there waits for it in the socket's
 * queue, so that a start is not told from a moment of load; but for a second at
 * most, and is then told that there is none.
 */
void daemon_listen(Daemon *daemon, int fd);

/* Runs until a signal ends it. Return: 0, or a negative errno. */
_warn_unused_ int daemon_run(Daemon *daemon);
