/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Serving the newest sample over HTTP, on the caller's event loop
 *
 * libmicrohttpd keeps its own epoll set and its own clock, one of each for each
 * listening socket. We watch the first from sd-event, and after every run copy
 * the second into a timer, because timeouts are only acted on inside MHD_run().
 */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "derive/freshness.h"
#include "exporters/http/accept.h"
#include "exporters/http/deadline.h"
#include "exporters/http/pages.h"
#include "exporters/http/server.h"

typedef struct HttpListener {
        struct MHD_Daemon *daemon;
        sd_event_source *io;
        sd_event_source *timer;
        Deadlines deadlines;
} HttpListener;

struct HttpServer {
        sd_event *event;
        sd_event_source *sweep;
        usec_t interval_usec;
        usec_t started_usec;

        Pages pages;
        unsigned n_connections_max;

        size_t n_listeners;
        HttpListener listeners[HTTP_LISTENERS_MAX];
};

/* How often connections are looked at that do not get on. */
#define HTTP_SWEEP_USEC (5 * USEC_PER_SEC)

/* What a path leads to. */
typedef enum MHD_Result (*http_handler_fn)(HttpServer *server, struct MHD_Connection *connection);

/* ---- answers ---- */

/* Queues a response and lets go of it. NULL closes the connection: there was no memory. */
static enum MHD_Result
http_queue(struct MHD_Connection *connection, unsigned status, struct MHD_Response *response) {
        enum MHD_Result result;

        if (!response)
                return MHD_NO;

        result = MHD_queue_response(connection, status, response);
        MHD_destroy_response(response);
        return result;
}

static void http_add_header(struct MHD_Response *response, const char *name, const char *value) {
        if (response)
                (void)MHD_add_response_header(response, name, value);
}

static enum MHD_Result
http_respond_text(struct MHD_Connection *connection, unsigned status, const char *text) {
        struct MHD_Response *response;

        response = MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
        http_add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8");
        http_add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
        if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
                http_add_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
        return http_queue(connection, status, response);
}

static usec_t http_server_age(const HttpServer *server) {
        usec_t now = clock_usec(CLOCK_BOOTTIME);

        return server->pages.sample && now > server->pages.sample->boottime_usec
                       ? now - server->pages.sample->boottime_usec
                       : 0;
}

static void http_on_page_sent(void *page) {
        (void)page_unref(page);
}

static enum MHD_Result http_on_metrics(HttpServer *server, struct MHD_Connection *connection) {
        const char *accept =
                MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
        ExpositionFormat format = accept_choose(accept);
        struct MHD_Response *response;
        Page *page;
        char age[24];

        if (!server->pages.sample)
                return http_respond_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
                                         "No sample has been taken yet.\n");

        page = pages_take(&server->pages, format);
        if (!page)
                return http_respond_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "Out of memory.\n");

        response = MHD_create_response_from_buffer_with_free_callback_cls(page->text.length, page->text.data,
                                                                          http_on_page_sent, page);
        if (!response)
                (void)page_unref(page);

        (void)snprintf(age, sizeof age, "%" PRIu64, http_server_age(server) / USEC_PER_SEC);
        http_add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, exposition_content_type(format));
        http_add_header(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT);
        http_add_header(response, MHD_HTTP_HEADER_AGE, age);
        return http_queue(connection, MHD_HTTP_OK, response);
}

/* "ok: …" or what is the matter, for people and for load balancers. */
static enum MHD_Result
http_respond_health(HttpServer *server, struct MHD_Connection *connection, bool is_starting_ok) {
        usec_t now = clock_usec(CLOCK_BOOTTIME),
               taken = server->pages.sample ? server->pages.sample->boottime_usec : 0;
        Freshness freshness = freshness_judge(server->interval_usec, server->started_usec, taken, now);
        double age_sec = (double)(now - MAX(taken, server->started_usec)) / (double)USEC_PER_SEC;
        double limit_sec = (double)freshness_limit(server->interval_usec) / (double)USEC_PER_SEC;
        unsigned status = MHD_HTTP_OK;
        char text[256];

        if (freshness == FRESHNESS_STALE)
                (void)snprintf(text, sizeof text,
                               "stale: %s %.1f s ago and %.1f s is the limit; the sampler is stuck or the "
                               "host stalls\n",
                               taken > 0 ? "the last sample was taken"
                                         : "sampling was begun without a sample",
                               age_sec, limit_sec);
        else if (freshness == FRESHNESS_STARTING)
                (void)snprintf(text, sizeof text, "starting: the first sample is being taken\n");
        else
                (void)snprintf(text, sizeof text, "ok: the last sample was taken %.1f s ago\n", age_sec);

        if (freshness == FRESHNESS_STALE || (freshness == FRESHNESS_STARTING && !is_starting_ok))
                status = MHD_HTTP_SERVICE_UNAVAILABLE;

        return http_respond_text(connection, status, text);
}

static enum MHD_Result http_on_healthy(HttpServer *server, struct MHD_Connection *connection) {
        return http_respond_health(server, connection, /* is_starting_ok= */ true);
}

static enum MHD_Result http_on_ready(HttpServer *server, struct MHD_Connection *connection) {
        return http_respond_health(server, connection, /* is_starting_ok= */ false);
}

static enum MHD_Result http_on_root(HttpServer *server, struct MHD_Connection *connection) {
        static const char page[] =
                "<!DOCTYPE html>\n"
                "<html lang=\"en\">\n"
                "<head><meta charset=\"utf-8\"><title>sockwatch</title></head>\n"
                "<body>\n"
                "<h1>sockwatch</h1>\n"
                "<p>What the sockets of this host are doing. Version " SOCKWATCH_VERSION ".</p>\n"
                "<ul>\n"
                "<li><a href=\"/metrics\">Metrics</a>, for Prometheus</li>\n"
                "<li><a href=\"/-/healthy\">Healthy</a>: whether samples are fresh</li>\n"
                "<li><a href=\"/-/ready\">Ready</a>: whether there is a sample</li>\n"
                "</ul>\n"
                "<p>What was, on this host: <code>sockwatch status</code>, <code>sockwatch "
                "history</code>.</p>\n"
                "</body>\n"
                "</html>\n";
        struct MHD_Response *response;

        response = MHD_create_response_from_buffer(sizeof page - 1, (void *)page, MHD_RESPMEM_PERSISTENT);
        http_add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/html; charset=utf-8");
        http_add_header(response, "Content-Security-Policy", "default-src 'none'");
        http_add_header(response, "X-Content-Type-Options", "nosniff");
        return http_queue(connection, MHD_HTTP_OK, response);
}

/* Asked for each connection, before anything is read from it. */
static enum MHD_Result http_on_accept(void *userdata, const struct sockaddr *address, socklen_t size) {
        const HttpServer *server = userdata;
        size_t n = 0;

        for (size_t i = 0; i < server->n_listeners; i++)
                n += server->listeners[i].deadlines.n_entries;

        return n < server->n_connections_max ? MHD_YES : MHD_NO;
}

/* Paths are compared as they are written: none of ours needs an escape, and a
 * path with an escaped end of string in it is none of ours. */
static size_t http_keep_escapes(void *userdata, struct MHD_Connection *connection, char *text) {
        return strlen(text);
}

static http_handler_fn http_find_handler(const char *path) {
        static const struct {
                const char *path;
                http_handler_fn handler;
        } handlers[] = {
                { "/metrics", http_on_metrics },
                { "/-/healthy", http_on_healthy },
                { "/-/ready", http_on_ready },
                { "/", http_on_root },
        };

        for (size_t i = 0; i < ELEMENTSOF(handlers); i++)
                if (strcmp(handlers[i].path, path) == 0)
                        return handlers[i].handler;

        return NULL;
}

static enum MHD_Result http_on_request(void *userdata,
                                       struct MHD_Connection *connection,
                                       const char *path,
                                       const char *method,
                                       const char *version,
                                       const char *upload_data,
                                       size_t *upload_size,
                                       void **request) {
        static int begun;
        HttpServer *server = userdata;
        http_handler_fn handler;

        /* Answered before its body is read, so that there is no body worth sending. */
        if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
                return http_respond_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "Only GET and HEAD.\n");

        /* The first call tells of the head alone; an answer there would end the connection. */
        if (!*request) {
                *request = &begun;
                return MHD_YES;
        }

        /* Nothing here takes a body: it is read and forgotten. */
        if (*upload_size > 0) {
                *upload_size = 0;
                return MHD_YES;
        }

        handler = http_find_handler(path);
        if (!handler)
                return http_respond_text(connection, MHD_HTTP_NOT_FOUND,
                                         "Nothing here; try /metrics, /-/healthy or /-/ready.\n");

        return handler(server, connection);
}

/* ---- the loop ---- */

static unsigned http_listener_count_connections(const HttpListener *listener) {
        const union MHD_DaemonInfo *info =
                MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

        return info ? info->num_connections : 0;
}

static int http_listener_run(HttpListener *listener) {
        MHD_UNSIGNED_LONG_LONG wait_msec;
        unsigned n_before;
        int r;

        /* At its limit the library stops to watch the listening socket. It begins again only in the run
         * after the one in which a connection ended, and asks for none when that was the last one. */
        do {
                n_before = http_listener_count_connections(listener);
                if (MHD_run(listener->daemon) != MHD_YES)
                        return -EIO;
        } while (http_listener_count_connections(listener) < n_before);

        if (MHD_get_timeout(listener->daemon, &wait_msec) != MHD_YES)
                return sd_event_source_set_enabled(listener->timer, SD_EVENT_OFF);

        r = sd_event_source_set_time_relative(listener->timer, wait_msec * USEC_PER_MSEC);
        if (r < 0)
                return r;

        return sd_event_source_set_enabled(listener->timer, SD_EVENT_ONESHOT);
}

static int http_on_io(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        return http_listener_run(userdata);
}

static int http_on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        return http_listener_run(userdata);
}

static int http_on_sweep(sd_event_source *source, uint64_t usec, void *userdata) {
        const HttpServer *server = userdata;
        int r;

        for (size_t i = 0; i < server->n_listeners; i++)
                deadlines_enforce(&server->listeners[i].deadlines, clock_usec(CLOCK_BOOTTIME));

        r = sd_event_source_set_time_relative(source, HTTP_SWEEP_USEC);
        return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int http_server_add_sweep(HttpServer *server) {
        int r;

        r = sd_event_add_time_relative(server->event, &server->sweep, CLOCK_MONOTONIC, HTTP_SWEEP_USEC,
                                       /* accuracy= */ USEC_PER_SEC, http_on_sweep, server);
        if (r < 0)
                return r;

        (void)sd_event_source_set_description(server->sweep, "http-deadlines");
        return sd_event_source_set_exit_on_failure(server->sweep, true);
}

static void http_listener_done(HttpListener *listener) {
        listener->io = sd_event_source_disable_unref(listener->io);
        listener->timer = sd_event_source_disable_unref(listener->timer);
        if (listener->daemon)
                MHD_stop_daemon(listener->daemon);
        listener->daemon = NULL;
}

/* The daemon owns the socket as soon as it runs: MHD_stop_daemon() closes it. */
static struct MHD_Daemon *http_daemon_start(HttpServer *server, HttpListener *listener, int fd) {
        return MHD_start_daemon(MHD_USE_EPOLL,
                                /* port= */ 0, http_on_accept, server, http_on_request, server,
                                MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
                                (unsigned)HTTP_CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                                (unsigned)HTTP_CONNECTIONS_PER_ADDRESS_MAX,
                                MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_REQUEST_BYTES_MAX,
                                MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_SILENCE_SEC,
                                MHD_OPTION_NOTIFY_CONNECTION, deadlines_on_connection, &listener->deadlines,
                                MHD_OPTION_NOTIFY_COMPLETED, deadlines_on_completed, &listener->deadlines,
                                MHD_OPTION_UNESCAPE_CALLBACK, http_keep_escapes, NULL,
                                MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}

static int http_listener_watch(HttpListener *listener, sd_event *event) {
        const union MHD_DaemonInfo *info;
        int r;

        info = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD);
        if (!info)
                return -EIO;

        r = sd_event_add_io(event, &listener->io, info->epoll_fd, EPOLLIN, http_on_io, listener);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(listener->io, "http");
        (void)sd_event_source_set_exit_on_failure(listener->io, true);

        r = sd_event_add_time_relative(event, &listener->timer, CLOCK_MONOTONIC, 0,
                                       /* accuracy= */ USEC_PER_MSEC, http_on_timer, listener);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(listener->timer, "http-timeout");
        (void)sd_event_source_set_exit_on_failure(listener->timer, true);

        return 0;
}

void http_server_publish(HttpServer *server, const Sample *sample) {
        assert(server);

        pages_publish(&server->pages, sample);
}

int http_server_listen(HttpServer *server, int fd) {
        HttpListener *listener;
        int r;

        assert(server);
        assert(fd >= 0);

        if (server->n_listeners == ELEMENTSOF(server->listeners)) {
                (void)close_fd(fd);
                return -EMFILE;
        }

        listener = &server->listeners[server->n_listeners];
        listener->daemon = http_daemon_start(server, listener, fd);
        if (!listener->daemon) {
                (void)close_fd(fd);
                return -ENOMEM;
        }

        r = http_listener_watch(listener, server->event);
        if (r < 0) {
                http_listener_done(listener);
                return r;
        }

        server->n_listeners++;
        return 0;
}

static unsigned http_connections_max(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
            limit.rlim_cur >= HTTP_CONNECTIONS_MAX + HTTP_DESCRIPTORS_RESERVED)
                return HTTP_CONNECTIONS_MAX;

        return limit.rlim_cur > HTTP_DESCRIPTORS_RESERVED
                       ? (unsigned)limit.rlim_cur - HTTP_DESCRIPTORS_RESERVED
                       : 1;
}

int http_server_new(sd_event *event, usec_t interval_usec, HttpServer **ret) {
        _cleanup_(http_server_freep) HttpServer *server = NULL;
        int r;

        assert(event);
        assert(interval_usec > 0);
        assert(ret);

        server = calloc(1, sizeof *server);
        if (!server)
                return -ENOMEM;

        server->event = sd_event_ref(event);
        server->interval_usec = interval_usec;
        server->started_usec = clock_usec(CLOCK_BOOTTIME);
        server->n_connections_max = http_connections_max();

        r = http_server_add_sweep(server);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(server);
        return 0;
}

HttpServer *http_server_free(HttpServer *server) {
        if (!server)
                return NULL;

        server->sweep = sd_event_source_disable_unref(server->sweep);
        for (size_t i = 0; i < server->n_listeners; i++)
                http_listener_done(&server->listeners[i]);
        pages_done(&server->pages);
        server->event = sd_event_unref(server->event);
        free(server);
        return NULL;
}
