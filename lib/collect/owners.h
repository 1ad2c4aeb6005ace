/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who holds a socket: what is known of it, and when to search again
 *
 * Asked only for sockets whose cgroup does not say enough: listeners, for the name
 * of their process; UNIX listeners, of which the kernel tells no cgroup; and what
 * systemd made for somebody else (socket activation). Answers are kept by inode.
 *
 * Where the unit is known its processes alone are searched, else all are
 * (fd_search.h). Of what was found the one descriptor is looked at again after some
 * seconds, then ever more rarely, and all is searched again when it is gone. What is
 * not found, or found with systemd, is searched again in the same rhythm; but soon when
 * something begins to wait at the socket.
 */

#include "base/macro.h"
#include "collect/processes.h"
#include "collect/units.h"
#include "kernel/sources.h"

/* Sockets whose owners are kept. */
#define OWNERS_MAX 8192

typedef enum OwnerState {
        OWNER_WANTED,        /* not searched yet */
        OWNER_FOUND,         /* systemd is one only as long as no other has it */
        OWNER_NOT_FOUND,     /* all could be read, and nobody has it among the first */
        OWNER_NOT_PERMITTED, /* not found, and some could not be read */
} OwnerState;

typedef struct Owner {
        OwnerState state;
        pid_t pid;
        Unit *unit; /* of the process; good for this sample */
        char process[PROCESS_NAME_SIZE];
        bool is_outdated; /* something happened at the socket since the search for it began */
} Owner;

typedef struct Owners Owners;

/* Return: 0 or -ENOMEM. */
_warn_unused_ int owners_new(const Sources *sources, Units *units, const Processes *processes, Owners **ret);

Owners *owners_free(Owners *owners);
DEFINE_CLEANUP(Owners *, owners_free)

/* Begins a sample, with its share of work; one that is hurried has all that there is after a rest. */
void owners_begin(Owners *owners, usec_t now_usec, bool is_hurried);

/**
 * owners_find() - what is known of a socket's owner
 * @inode:      not 0
 * @unit:       the unit whose processes are to be searched; NULL: all are
 *
 * What is not known yet is wanted from now on; owners_search() looks for it.
 *
 * Return: an owner, good until owners_find() or owners_search() is called again.
 */
const Owner *owners_find(Owners *owners, uint64_t inode, Unit *unit);

/* The same for a connection, of which there may be any number: they take half of the room at most. */
const Owner *owners_find_connection(Owners *owners, uint64_t inode);

/* Searches for what is wanted, as far as this sample's share of work goes. */
void owners_search(Owners *owners);

/* CPU time that searches took since the start: they come with whoever asks, and have their own share. */
uint64_t owners_cpu_nsec(const Owners *owners);

/* Whether something is wanted that was never searched to the end. */
bool owners_is_searching(const Owners *owners);

/* Something happened at this socket: search for its owner again soon. */
void owners_hurry(Owners *owners, uint64_t inode);

/* Whether something waits at this socket, or was dropped; once a sample at least. When it begins to be so,
 * its owner is searched again soon. */
void owners_note_busy(Owners *owners, uint64_t inode, bool is_busy);

/* Whether it is systemd, and may have passed the socket on since: as far as is known nobody did. */
bool owners_is_outdated(const Owners *owners, const Owner *owner);

/* Sets VALUE_OWNERS_NOT_PERMITTED, and which capability that is for want of, if we lack one. */
void owners_report(const Owners *owners, Sample *sample);
