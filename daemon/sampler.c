/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The sampler thread
 *
 * Two eventfds carry the handoff: writing to one is what makes the sample's
 * bytes visible to the thread that reads from it (the kernel orders the two).
 */

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "collect/collection.h"
#include "collect/pace.h"
#include "daemon/sampler.h"
#include "daemon/scheduling.h"

/* What takes no longer than that is no more than what comes every second. */
#define SAMPLER_SHORT_NSEC (2 * NSEC_PER_MSEC)

/* A walk over ten million sockets takes five seconds. */
#define SAMPLER_STOP_MSEC 7000

/* How often it is pushed meanwhile. */
#define SAMPLER_PUSH_MSEC 100

struct Sampler {
        Collection *collection; /* the thread's */
        int request_fd;         /* main loop to thread */
        int answer_fd;          /* thread to main loop */
        Sample *sample;         /* of whoever has its turn; NULL in a request: end */
        Bounds bounds;          /* the same */
        Scheduling scheduling;  /* of the thread, which sets it before anything else */
        bool is_aside;          /* the thread's */
        Pace pace;              /* the thread's */

        pthread_t thread;
        bool is_running;
        bool is_busy;
        sd_event_source *source;
        clockid_t cpu_clock;        /* of the thread */
        uint64_t begin_cpu_nsec;    /* by that, when the sample was requested */
        uint64_t begin_nsec;        /* and by CLOCK_MONOTONIC */
        uint64_t end_nsec;          /* until when it may rest, by the same */
        _Atomic uint64_t rest_nsec; /* how long it rested since */
        _Atomic bool is_ending;     /* nobody rests any more */
        usec_t patience_usec;       /* of this sample */
        sd_event_source *patience;  /* on for as long as the sampler is busy */
        sampler_fn on_sample;
        void *userdata;
};

static int sampler_signal(int fd) {
        const uint64_t one = 1;
        ssize_t n;

        do
                n = write(fd, &one, sizeof one);
        while (n < 0 && errno == EINTR);

        return n < 0 ? -errno : 0;
}

static int sampler_wait(int fd) {
        uint64_t count;
        ssize_t n;

        do
                n = read(fd, &count, sizeof count);
        while (n < 0 && errno == EINTR);

        return n < 0 ? -errno : 0;
}

/* Of the time since the request, what the thread wanted and did not get. */
static usec_t sampler_waited_usec(const Sampler *sampler) {
        uint64_t passed = clock_nsec(CLOCK_MONOTONIC) - sampler->begin_nsec,
                 used = clock_nsec(sampler->cpu_clock) - sampler->begin_cpu_nsec + sampler->rest_nsec;

        return passed > used ? (passed - used) / NSEC_PER_USEC : 0;
}

static int sampler_arm_patience(Sampler *sampler, usec_t usec) {
        int r;

        r = sd_event_source_set_time(sampler->patience, clock_usec(CLOCK_MONOTONIC) + usec);
        return r < 0 ? r : sd_event_source_set_enabled(sampler->patience, SD_EVENT_ONESHOT);
}

/* It may step aside after that once more, so patience is looked at again. */
static int sampler_on_patience(sd_event_source *source, uint64_t usec, void *userdata) {
        Sampler *sampler = userdata;
        usec_t waited = sampler_waited_usec(sampler);

        if (waited < sampler->patience_usec)
                return sampler_arm_patience(sampler, sampler->patience_usec - waited);

        scheduling_return(&sampler->scheduling);
        return sampler_arm_patience(sampler, sampler->patience_usec);
}

static void sampler_before_costly(uint64_t expected_nsec, void *userdata) {
        Sampler *sampler = userdata;

        sampler->pace = (Pace){ 0 };
        if (expected_nsec <= SAMPLER_SHORT_NSEC)
                return;

        pace_begin(&sampler->pace, expected_nsec, clock_nsec(CLOCK_MONOTONIC), sampler->end_nsec,
                   clock_nsec(CLOCK_THREAD_CPUTIME_ID));
        if (sampler->is_aside)
                return;

        scheduling_step_aside(&sampler->scheduling);
        sampler->is_aside = true;
}

static void sampler_pause(void *userdata) {
        Sampler *sampler = userdata;
        struct timespec rest = { 0 };

        if (sampler->is_ending)
                return;

        rest.tv_nsec = (long)pace_rest_nsec(&sampler->pace, clock_nsec(CLOCK_MONOTONIC),
                                            clock_nsec(CLOCK_THREAD_CPUTIME_ID));
        if (rest.tv_nsec == 0)
                return;

        sampler->rest_nsec += (uint64_t)rest.tv_nsec;
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, NULL);
}

static void sampler_take(Sampler *sampler) {
        collection_run(sampler->collection, &sampler->bounds, sampler->sample);
        if (sampler->is_aside)
                scheduling_return(&sampler->scheduling);
        sampler->is_aside = false;
}

static void *sampler_main(void *userdata) {
        Sampler *sampler = userdata;

        (void)pthread_setname_np(pthread_self(), "sampler");
        scheduling_init(&sampler->scheduling);
        if (sampler_signal(sampler->answer_fd) < 0)
                return NULL;

        while (sampler_wait(sampler->request_fd) == 0 && sampler->sample) {
                sampler_take(sampler);
                if (sampler_signal(sampler->answer_fd) < 0)
                        break;
        }

        return NULL;
}

static int sampler_on_answer(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Sampler *sampler = userdata;
        Sample *sample;
        int r;

        r = sampler_wait(fd);
        if (r < 0)
                return r == -EAGAIN ? 0 : r;

        r = sd_event_source_set_enabled(sampler->patience, SD_EVENT_OFF);
        if (r < 0)
                return r;

        sample = TAKE_PTR(sampler->sample);
        sampler->is_busy = false;
        return sampler->on_sample(sample, sampler->userdata);
}

/* Signals are the main thread's, but for those that an instruction raises itself. */
static int sampler_start_thread(Sampler *sampler) {
        struct pollfd answer = { .fd = sampler->answer_fd, .events = POLLIN };
        sigset_t all, before;
        int r;

        (void)sigfillset(&all);
        (void)sigdelset(&all, SIGBUS);
        (void)sigdelset(&all, SIGFPE);
        (void)sigdelset(&all, SIGILL);
        (void)sigdelset(&all, SIGSEGV);

        r = -pthread_sigmask(SIG_SETMASK, &all, &before);
        if (r < 0)
                return r;

        r = -pthread_create(&sampler->thread, NULL, sampler_main, sampler);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        sampler->is_running = r == 0;
        if (r < 0)
                return r;

        r = -pthread_getcpuclockid(sampler->thread, &sampler->cpu_clock);
        if (r < 0)
                return r;

        /* How it is scheduled is set from then on. */
        do
                r = poll(&answer, 1, /* timeout= */ -1);
        while (r < 0 && errno == EINTR);
        return r < 0 ? -errno : sampler_wait(sampler->answer_fd);
}

static int sampler_init(Sampler *sampler, sd_event *event, const Sources *sources) {
        int r;

        sampler->request_fd = eventfd(0, EFD_CLOEXEC);
        if (sampler->request_fd < 0)
                return -errno;
        sampler->answer_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (sampler->answer_fd < 0)
                return -errno;

        r = collection_new(sources, &sampler->collection);
        if (r < 0)
                return r;

        r = sd_event_add_io(event, &sampler->source, sampler->answer_fd, EPOLLIN, sampler_on_answer,
                            sampler);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(sampler->source, "sampler");

        r = sd_event_source_set_exit_on_failure(sampler->source, true);
        if (r < 0)
                return r;

        r = sd_event_add_time(event, &sampler->patience, CLOCK_MONOTONIC, /* usec= */ 0, /* accuracy= */ 0,
                              sampler_on_patience, sampler);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(sampler->patience, "sampler patience");
        r = sd_event_source_set_enabled(sampler->patience, SD_EVENT_OFF);
        if (r < 0)
                return r;

        collection_set_costly(sampler->collection, sampler_before_costly, sampler_pause, sampler);
        return sampler_start_thread(sampler);
}

int sampler_new(
        sd_event *event, const Sources *sources, sampler_fn on_sample, void *userdata, Sampler **ret) {
        Sampler *sampler;
        int r;

        assert(event);
        assert(sources);
        assert(on_sample);
        assert(ret);

        sampler = malloc(sizeof *sampler);
        if (!sampler)
                return -ENOMEM;

        *sampler = (Sampler){
                .request_fd = -1,
                .answer_fd = -1,
                .on_sample = on_sample,
                .userdata = userdata,
        };

        r = sampler_init(sampler, event, sources);
        if (r < 0) {
                (void)sampler_free(sampler);
                return r;
        }

        *ret = sampler;
        return 0;
}

bool sampler_is_busy(const Sampler *sampler) {
        return sampler->is_busy;
}

int sampler_request(
        Sampler *sampler, Sample *sample, const Bounds *bounds, usec_t patience_usec, usec_t rest_usec) {
        int r;

        assert(sampler && !sampler->is_busy);
        assert(sample);
        assert(bounds);
        assert(patience_usec > 0);

        r = sampler_arm_patience(sampler, patience_usec);
        if (r < 0)
                return r;

        sampler->patience_usec = patience_usec;
        sampler->begin_nsec = clock_nsec(CLOCK_MONOTONIC);
        sampler->begin_cpu_nsec = clock_nsec(sampler->cpu_clock);
        sampler->end_nsec = sampler->begin_nsec + rest_usec * NSEC_PER_USEC;
        sampler->rest_nsec = 0;
        sampler->sample = sample;
        sampler->bounds = *bounds;
        r = sampler_signal(sampler->request_fd);
        sampler->is_busy = r == 0;
        return r;
}

/* It has its share meanwhile, even if it steps aside just now. */
static bool sampler_await_answer(const Sampler *sampler) {
        struct pollfd answer = { .fd = sampler->answer_fd, .events = POLLIN };

        for (int msec = 0; msec < SAMPLER_STOP_MSEC; msec += SAMPLER_PUSH_MSEC) {
                scheduling_return(&sampler->scheduling);
                if (poll(&answer, 1, SAMPLER_PUSH_MSEC) != 0)
                        break;
        }
        return sampler_wait(sampler->answer_fd) == 0;
}

/* Waits for an answer that is still to come, so that it is our turn, and hands over the end. */
static bool sampler_join(Sampler *sampler) {
        if (sampler->is_busy && !sampler_await_answer(sampler))
                return false;

        sampler->sample = NULL;
        return sampler_signal(sampler->request_fd) == 0 && pthread_join(sampler->thread, NULL) == 0;
}

bool sampler_free(Sampler *sampler) {
        if (!sampler)
                return true;

        sampler->source = sd_event_source_disable_unref(sampler->source);
        sampler->patience = sd_event_source_disable_unref(sampler->patience);
        sampler->is_ending = true;
        if (sampler->is_running && !sampler_join(sampler))
                return false;

        sampler->collection = collection_free(sampler->collection);
        sampler->request_fd = close_fd(sampler->request_fd);
        sampler->answer_fd = close_fd(sampler->answer_fd);
        free(sampler);
        return true;
}
