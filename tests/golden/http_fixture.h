/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An HTTP server to be tested, and its clock
 *
 * What uses this is linked with --wrap=clock_gettime: our own code then has
 * boottime_usec for CLOCK_BOOTTIME, by which freshness and deadlines are judged,
 * and libraries have the real one.
 */

#include "exporters/http/server.h"
#include "http_client.h"

extern usec_t boottime_usec;

/* Of the running test, between server_setup() and server_teardown(). */
extern sd_event *event;
extern HttpServer *server;
extern uint16_t port;
extern Sample samples[2];

void server_setup(void);
void server_teardown(void);

/* Listens on one more port of 127.0.0.1, with so much room for what is sent; 0: as the kernel sees fit. */
uint16_t server_add_port(int send_bytes);

/* Publishes samples[i], taken now, with as many listeners, each of which is some 500 bytes of text. */
void publish(size_t i, uint64_t n_established, uint32_t n_listeners);

/* Sends a request in full, or one without a body, on a connection of its own. */
HttpAnswer ask(const char *request);
HttpAnswer ask_for(const char *method, const char *path);

/* Fails unless metrics are served. */
void assert_alive(void);

/* Turns the loop until it has nothing to do. */
void turn_until_idle(void);
