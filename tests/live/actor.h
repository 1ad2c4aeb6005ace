/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Processes that do what the test tells them to
 *
 * Each has sockets and a cgroup of its own, and runs functions of the test, one at
 * a time: they are one program. What a function leaves in static variables stays
 * in its process. If one fails the test fails; all end with the test.
 */

#include <stdint.h>
#include <sys/types.h>

typedef struct Actor {
        pid_t pid;
        int fd;
} Actor;

typedef uint64_t (*actor_fn)(uint64_t argument);

/* @cgroup: which it enters first, "/a" in our folder; NULL: that of the test */
Actor actor_start(const char *cgroup);

/* Has it run a function, and waits for what that returns. */
uint64_t actor_do(const Actor *actor, actor_fn run, uint64_t argument);

/* The same in two steps, so that several run at once. */
void actor_begin(const Actor *actor, actor_fn run, uint64_t argument);
uint64_t actor_await(const Actor *actor);

/* Has one give a descriptor to another, and keep its own. Returns its number there. */
int actor_pass(const Actor *from, int fd, const Actor *to);

/* Ends it: its sockets are closed when this returns. */
void actor_end(Actor *actor);
