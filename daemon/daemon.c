/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The loop that turns the crank
 *
 * Ticks stand at begin + n * interval on CLOCK_BOOTTIME, so they neither drift
 * nor pile up: one that comes while the last sample is still being taken, or
 * that the loop was too late for, is skipped and counted.
 *
 * Two samples go round. One is the newest, which is being served; the other is
 * with the sampler, or waits for the next tick.
 *
 * The watchdog is fed by a timer of its own, and only while samples are fresh:
 * a loop that turns without samples must look dead to systemd.
 */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "daemon/configuration.h"
#include "daemon/daemon.h"
#include "daemon/narrator.h"
#include "daemon/sampler.h"
#include "derive/freshness.h"
#include "exporters/http/server.h"
#include "exporters/journal/log.h"

/* How often systemd is told the vital numbers: each time wakes the manager. */
#define DAEMON_STATUS_USEC (10 * USEC_PER_SEC)

/* Chances to feed the watchdog before it bites. */
#define DAEMON_WATCHDOG_TURNS 4

/* One part in this of an interval is how long a sample may be kept waiting in all, so that the next tick is
 * not missed. */
#define DAEMON_PATIENCE_PART 10

/* For the same reason no rests are made after that part of it; nor after half a second, so that the
 * watchdog, who knows no intervals, never takes them for a sampler that hangs. */
#define DAEMON_REST_PART 2
#define DAEMON_REST_USEC (USEC_PER_SEC / 2)

/* How long clients wait for the first sample before they are told that there is none. */
#define DAEMON_HOLD_USEC USEC_PER_SEC

struct Daemon {
        sd_event *event;
        sd_event_source *hold;
        sd_event_source *tick;
        sd_event_source *watchdog;
        sd_event_source *signals[3];

        Recorder *recorder; /* borrowed */
        Sampler *sampler;
        HttpServer *server;
        size_t n_held;
        int held_fds[HTTP_LISTENERS_MAX]; /* listening sockets that nothing is accepted from yet */

        Sample *samples[2]; /* all there are; the two that follow point to them */
        Sample *latest;     /* the newest; number 0 before the first */
        Sample *spare;      /* NULL while the sampler has it */

        const char *config_path; /* NULL: none */
        Bounds bounds;           /* of the next sample */
        usec_t interval_usec;
        usec_t started_usec;   /* CLOCK_BOOTTIME */
        usec_t next_tick_usec; /* CLOCK_BOOTTIME */
        usec_t status_usec;    /* when systemd was last told */
        bool is_stale;         /* the watchdog was not fed the last time */
        uint64_t n_samples;
        uint64_t n_missed;
};

/* ---- sockets ---- */

void daemon_listen(Daemon *daemon, int fd) {
        assert(daemon && daemon->n_held < ELEMENTSOF(daemon->held_fds));
        assert(fd >= 0);

        daemon->held_fds[daemon->n_held++] = fd;
}

static int daemon_open(Daemon *daemon) {
        int r;

        while (daemon->n_held > 0) {
                r = http_server_listen(daemon->server, daemon->held_fds[--daemon->n_held]);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int daemon_on_hold_end(sd_event_source *source, uint64_t usec, void *userdata) {
        return daemon_open(userdata);
}

static int daemon_add_hold(Daemon *daemon) {
        int r;

        r = sd_event_add_time_relative(daemon->event, &daemon->hold, CLOCK_MONOTONIC, DAEMON_HOLD_USEC,
                                       /* accuracy= */ 0, daemon_on_hold_end, daemon);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(daemon->hold, "hold");

        return sd_event_source_set_exit_on_failure(daemon->hold, true);
}

/* ---- ticks and samples ---- */

static int daemon_on_tick(sd_event_source *source, uint64_t usec, void *userdata) {
        Daemon *daemon = userdata;
        usec_t now = clock_usec(CLOCK_BOOTTIME);
        uint64_t n_late =
                now > daemon->next_tick_usec ? (now - daemon->next_tick_usec) / daemon->interval_usec : 0;
        int r;

        daemon->n_missed += n_late;
        daemon->next_tick_usec += (n_late + 1) * daemon->interval_usec;

        if (sampler_is_busy(daemon->sampler))
                daemon->n_missed++;
        else {
                r = sampler_request(daemon->sampler, daemon->spare, &daemon->bounds,
                                    daemon->interval_usec / DAEMON_PATIENCE_PART,
                                    MIN(daemon->interval_usec / DAEMON_REST_PART, DAEMON_REST_USEC));
                if (r < 0)
                        return r;
                daemon->spare = NULL;
        }

        return sd_event_source_set_time(source, daemon->next_tick_usec);
}

static void daemon_notify(Daemon *daemon, bool is_first) {
        usec_t now = clock_usec(CLOCK_BOOTTIME);
        char status[512];

        if (!is_first && now - daemon->status_usec < DAEMON_STATUS_USEC)
                return;

        daemon->status_usec = now;
        narrator_format_status(daemon->latest, status, sizeof status);
        (void)sd_notifyf(/* unset_environment= */ 0, "%sSTATUS=%s", is_first ? "READY=1\n" : "", status);
}

static int daemon_on_sample(Sample *sample, void *userdata) {
        Daemon *daemon = userdata;
        bool is_first = daemon->n_samples == 0;

        daemon->n_samples++;
        sample_set(sample, VALUE_SAMPLES, daemon->n_samples);
        sample_set(sample, VALUE_MISSED_TICKS, daemon->n_missed);
        sample_set(sample, VALUE_SAMPLING_INTERVAL_USEC, daemon->interval_usec);

        recorder_append(daemon->recorder, sample);
        http_server_publish(daemon->server, sample);
        narrator_tell_changes(is_first ? NULL : daemon->latest, sample);

        daemon->spare = daemon->latest;
        daemon->latest = sample;
        daemon_notify(daemon, is_first);
        return is_first ? daemon_open(daemon) : 0;
}

static int daemon_add_tick(Daemon *daemon) {
        int r;

        daemon->next_tick_usec = daemon->started_usec = clock_usec(CLOCK_BOOTTIME);
        r = sd_event_add_time(daemon->event, &daemon->tick, CLOCK_BOOTTIME, daemon->next_tick_usec,
                              /* accuracy= */ 1, daemon_on_tick, daemon);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(daemon->tick, "tick");

        r = sd_event_source_set_exit_on_failure(daemon->tick, true);
        if (r < 0)
                return r;

        return sd_event_source_set_enabled(daemon->tick, SD_EVENT_ON);
}

/* ---- the watchdog ---- */

static int daemon_on_watchdog(sd_event_source *source, uint64_t usec, void *userdata) {
        Daemon *daemon = userdata;
        usec_t now = clock_usec(CLOCK_BOOTTIME), taken = daemon->latest->boottime_usec;
        bool is_stale =
                freshness_judge(daemon->interval_usec, daemon->started_usec, taken, now) == FRESHNESS_STALE;
        uint64_t limit_usec;

        if (is_stale && !daemon->is_stale)
                log_warning("no sample for %.1f s, not feeding the watchdog",
                            (double)(now - MAX(daemon->started_usec, taken)) / (double)USEC_PER_SEC);
        if (!is_stale && daemon->is_stale)
                log_notice("samples are fresh again, feeding the watchdog");
        daemon->is_stale = is_stale;

        if (!is_stale)
                (void)sd_notify(/* unset_environment= */ 0, "WATCHDOG=1");

        if (sd_watchdog_enabled(/* unset_environment= */ 0, &limit_usec) <= 0)
                return 0;

        return sd_event_source_set_time_relative(source, limit_usec / DAEMON_WATCHDOG_TURNS);
}

static int daemon_add_watchdog(Daemon *daemon) {
        uint64_t limit_usec;
        int r;

        r = sd_watchdog_enabled(/* unset_environment= */ 0, &limit_usec);
        if (r <= 0)
                return r;

        r = sd_event_add_time_relative(daemon->event, &daemon->watchdog, CLOCK_MONOTONIC,
                                       limit_usec / DAEMON_WATCHDOG_TURNS,
                                       /* accuracy= */ 0, daemon_on_watchdog, daemon);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(daemon->watchdog, "watchdog");

        return sd_event_source_set_enabled(daemon->watchdog, SD_EVENT_ON);
}

/* ---- the configuration ---- */

static void daemon_tell_settings(const Daemon *daemon) {
        char settings[CONFIGURATION_TEXT_SIZE];

        configuration_format(&daemon->bounds, settings);
        log_info("in force from %s: %s", daemon->config_path, settings);
}

static void daemon_reload(Daemon *daemon) {
        char message[CONFIGURATION_MESSAGE_SIZE];

        if (!daemon->config_path)
                log_info("told to reload, but there is no configuration file: none was given with "
                         "--config.file");
        else if (configuration_load(daemon->config_path, &daemon->bounds, message) < 0)
                log_warning("%s; keeping the settings before", message);
        else
                daemon_tell_settings(daemon);
}

/* ---- signals ---- */

static int daemon_on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        Daemon *daemon = userdata;

        log_info("stopping, as told by signal %s", sigabbrev_np((int)info->ssi_signo));
        (void)sd_notify(/* unset_environment= */ 0, "STOPPING=1");
        return sd_event_exit(daemon->event, 0);
}

/* systemd takes READY=1 for the end of a reload, but before the first sample for that of the start. */
static int daemon_on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        Daemon *daemon = userdata;

        if (daemon->n_samples > 0)
                (void)sd_notifyf(/* unset_environment= */ 0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
                                 clock_usec(CLOCK_MONOTONIC));

        daemon_reload(daemon);

        if (daemon->n_samples > 0)
                (void)sd_notify(/* unset_environment= */ 0, "READY=1");
        return 0;
}

static int daemon_add_signals(Daemon *daemon) {
        static const struct {
                int number;
                sd_event_signal_handler_t handler;
        } signals[] = {
                { SIGTERM, daemon_on_stop },
                { SIGINT, daemon_on_stop },
                { SIGHUP, daemon_on_reload },
        };
        int r;

        _Static_assert(ELEMENTSOF(signals) == ELEMENTSOF(daemon->signals), "a source for each signal");

        for (size_t i = 0; i < ELEMENTSOF(signals); i++) {
                r = sd_event_add_signal(daemon->event, &daemon->signals[i], signals[i].number,
                                        signals[i].handler, daemon);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* ---- the whole ---- */

static int daemon_init(Daemon *daemon, const Sources *sources) {
        int r;

        for (size_t i = 0; i < ELEMENTSOF(daemon->samples); i++) {
                daemon->samples[i] = calloc(1, sizeof *daemon->samples[i]);
                if (!daemon->samples[i])
                        return -ENOMEM;
        }
        daemon->latest = daemon->samples[0];
        daemon->spare = daemon->samples[1];

        r = sd_event_new(&daemon->event);
        if (r < 0)
                return r;

        r = daemon_add_signals(daemon);
        if (r < 0)
                return r;

        r = http_server_new(daemon->event, daemon->interval_usec, &daemon->server);
        if (r < 0)
                return r;

        return sampler_new(daemon->event, sources, daemon_on_sample, daemon, &daemon->sampler);
}

int daemon_new(usec_t interval_usec,
               const char *config_path,
               const Bounds *bounds,
               const Sources *sources,
               Recorder *recorder,
               Daemon **ret) {
        Daemon *daemon;
        int r;

        assert(interval_usec > 0);
        assert(bounds);
        assert(sources);
        assert(recorder);
        assert(ret);

        daemon = calloc(1, sizeof *daemon);
        if (!daemon)
                return -ENOMEM;

        daemon->interval_usec = interval_usec;
        daemon->config_path = config_path;
        daemon->bounds = *bounds;
        daemon->recorder = recorder;
        r = daemon_init(daemon, sources);
        if (r < 0) {
                (void)daemon_free(daemon);
                return r;
        }

        *ret = daemon;
        return 0;
}

bool daemon_free(Daemon *daemon) {
        bool is_stopped;

        if (!daemon)
                return true;

        daemon->hold = sd_event_source_disable_unref(daemon->hold);
        daemon->tick = sd_event_source_disable_unref(daemon->tick);
        daemon->watchdog = sd_event_source_disable_unref(daemon->watchdog);
        for (size_t i = 0; i < ELEMENTSOF(daemon->signals); i++)
                daemon->signals[i] = sd_event_source_disable_unref(daemon->signals[i]);

        is_stopped = sampler_free(daemon->sampler);
        daemon->server = http_server_free(daemon->server);
        while (daemon->n_held > 0)
                (void)close_fd(daemon->held_fds[--daemon->n_held]);
        daemon->event = sd_event_unref(daemon->event);
        /* A stuck thread may still write into the one that it has. */
        for (size_t i = 0; is_stopped && i < ELEMENTSOF(daemon->samples); i++)
                free(daemon->samples[i]);
        free(daemon);
        return is_stopped;
}

int daemon_run(Daemon *daemon) {
        int r;

        assert(daemon);

        if (daemon->config_path)
                daemon_tell_settings(daemon);

        r = daemon_add_tick(daemon);
        if (r < 0)
                return r;

        r = daemon_add_hold(daemon);
        if (r < 0)
                return r;

        r = daemon_add_watchdog(daemon);
        if (r < 0)
                return r;

        return sd_event_loop(daemon->event);
}
