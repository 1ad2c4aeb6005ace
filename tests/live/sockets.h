/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sockets for tests, on loopback
 *
 * Whatever goes wrong fails the test. Descriptors are not taken care of: they
 * end with the process of the test.
 *
 * A packet is lost by a filter on the socket that would have got it
 * (SO_ATTACH_FILTER), which needs neither a firewall nor privileges, and hits
 * nothing else.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"

typedef struct Spot {
        union {
                struct sockaddr any;
                struct sockaddr_in in;
                struct sockaddr_in6 in6;
        };
        socklen_t size;
} Spot;

/* An IPv4 or IPv6 address and a port, 0 for any. */
Spot spot(const char *address, uint16_t port);
uint16_t spot_port(const Spot *spot);

/* The three ways to an accepted socket. */
typedef struct Route {
        const char *name;
        const char *listen; /* address of the listener */
        const char *connect;
        bool is_mapped; /* IPv4 to a socket of IPv6 */
} Route;

#define N_ROUTES 3
extern const Route routes[N_ROUTES];

int set_option(int fd, int level, int name, int value);

/* Not yet listening; SO_REUSEADDR is set. Stores the port it got in @spot. */
int bind_to(Spot *spot, int type);

/* A TCP listener. */
int listen_on(Spot *spot, int backlog);

/* A connected TCP socket. */
int connect_to(const Spot *spot);

/* A TCP socket that does not block and began to connect. */
int connect_begin(const Spot *spot);

/* A connection without a peer, ESTABLISHED as soon as this returns, on which no packet is ever sent
 * (TCP_REPAIR, tcp(7)); also from where others listen. @from: NULL: from anywhere. */
int repair_connect(const Spot *from, const Spot *to);

/* Lets this process have as many descriptors as it may. Returns how many. */
unsigned raise_fd_limit(void);

typedef struct Pair {
        int client;
        int server;
} Pair;

/* A listener and what was accepted from it. */
typedef struct Line {
        Spot to; /* where clients connect to */
        int listener;
        unsigned n_pairs;
        Pair *pairs; /* never freed before line_free() */
} Line;

Line *line_new(const Route *route, unsigned n_pairs);
Line *line_free(Line *line);
DEFINE_CLEANUP(Line *, line_free)

/* No packet reaches the socket any more. */
void make_deaf(int fd);

/* Of a listener: nothing but SYN reaches it, so that handshakes stay half done. */
void make_deaf_to_ack(int fd);

/* Ends the above. */
void make_hear(int fd);

void write_bytes(int fd, unsigned n);
void read_bytes(int fd, unsigned n);
void read_end(int fd);

/* Closes with a RST. */
void abort_socket(int fd);

/* Writes a sysctl of the namespace, "net/ipv4/tcp_syncookies". */
void write_sysctl(const char *path, const char *text);
