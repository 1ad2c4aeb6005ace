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
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "collect/collection.h"
#include "daemon/sampler.h"

/* A walk over ten million sockets takes five seconds. */
#define SAMPLER_STOP_MSEC 7000

struct Sampler {
        Collection *collection; /* the thread's */
        int request_fd;         /* main loop to thread */
        int answer_fd;          /* thread to main loop */
        Sample *sample;         /* of whoever has its turn; NULL in a request: end */
        Bounds bounds;          /* the same */

        pthread_t thread;
        bool is_running;
        bool is_busy;
        sd_event_source *source;
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

static void *sampler_main(void *userdata) {
        Sampler *sampler = userdata;

        (void)pthread_setname_np(pthread_self(), "sampler");

        while (sampler_wait(sampler->request_fd) == 0 && sampler->sample) {
                collection_run(sampler->collection, &sampler->bounds, sampler->sample);
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

        sample = TAKE_PTR(sampler->sample);
        sampler->is_busy = false;
        return sampler->on_sample(sample, sampler->userdata);
}

/* Signals are the main thread's, but for those that an instruction raises itself. */
static int sampler_start_thread(Sampler *sampler) {
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
        return r;
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

int sampler_request(Sampler *sampler, Sample *sample, const Bounds *bounds) {
        int r;

        assert(sampler && !sampler->is_busy);
        assert(sample);
        assert(bounds);

        sampler->sample = sample;
        sampler->bounds = *bounds;
        r = sampler_signal(sampler->request_fd);
        sampler->is_busy = r == 0;
        return r;
}

/* Waits for an answer that is still to come, so that it is our turn, and hands over the end. */
static bool sampler_join(Sampler *sampler) {
        struct pollfd answer = { .fd = sampler->answer_fd, .events = POLLIN };

        if (sampler->is_busy &&
            (poll(&answer, 1, SAMPLER_STOP_MSEC) <= 0 || sampler_wait(sampler->answer_fd) < 0))
                return false;

        sampler->sample = NULL;
        return sampler_signal(sampler->request_fd) == 0 && pthread_join(sampler->thread, NULL) == 0;
}

bool sampler_free(Sampler *sampler) {
        if (!sampler)
                return true;

        sampler->source = sd_event_source_disable_unref(sampler->source);
        if (sampler->is_running && !sampler_join(sampler))
                return false;

        sampler->collection = collection_free(sampler->collection);
        sampler->request_fd = close_fd(sampler->request_fd);
        sampler->answer_fd = close_fd(sampler->answer_fd);
        free(sampler);
        return true;
}
