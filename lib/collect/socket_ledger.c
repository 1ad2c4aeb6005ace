/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What queues did over time: out of the sockets of one dump after the other
 *
 * Two tables are carried from dump to dump, each walked side by side with the
 * sockets of the dump, in the same order, into a table for the next time.
 *
 *     sockets, by cookie    last   7: 40    9: 5
 *                           now    7: 42            12: 1
 *                           new       2                1
 *     totals, by key        A + 2, B + 1
 *
 * What is gone stays in both tables if it counted anything, or had a peak that is
 * still in the window: a listener comes back when its service does, and a socket
 * that is shut down and listens again, as HAProxy pauses and resumes, still has its
 * drops.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/sort.h"
#include "collect/selection.h"
#include "collect/socket_ledger.h"

/* As many again may be gone. */
#define LEDGER_MAX (2 * LEDGER_SOCKETS_MAX)

/* A window is kept as the highest of each of so many parts of it, and of the one that goes on. */
#define LEDGER_WINDOW_PARTS 7

/* A queue that is full in a dump was full since the one before, but no longer than this. */
#define LEDGER_GAP_MAX_USEC (10 * USEC_PER_SEC)

typedef struct LedgerOfSocket {
        uint64_t cookie;
        uint32_t drops;
        uint64_t first_seen; /* number of the dump from which on it was there, as far as that is known */
        uint64_t last_seen;
} LedgerOfSocket;

typedef struct LedgerOfGroup {
        SocketGroup group;
        bool is_full;             /* one of its queues was, in the last dump */
        uint64_t oldest_seen;     /* first_seen of the socket at index */
        uint64_t newest_seen;     /* of that at newest_index */
        uint32_t worst_new_drops; /* of that at worst_index */
        uint64_t n_new_drops;
        uint64_t new_saturated_usec;
        uint64_t part; /* of time, counted from boot, to which the highest[part % …] belongs */
        uint32_t highest[LEDGER_WINDOW_PARTS + 1];
        uint64_t last_seen;
        bool was_folded; /* it had no row when it was seen last */
} LedgerOfGroup;

struct SocketLedger {
        uint64_t n_dumps;
        usec_t last_usec; /* CLOCK_BOOTTIME of the last dump */
        usec_t window_usec;
        unsigned newer; /* which of the tables are those of the last dump */
        size_t n_sockets;
        size_t n_groups; /* those that are gone included */
        size_t n_present;
        size_t n_folded;
        bool has_other;
        SocketGroup other;
        LedgerOfSocket sockets[2][LEDGER_MAX + LEDGER_SOCKETS_MAX]; /* by cookie */
        LedgerOfGroup groups[2][LEDGER_MAX + LEDGER_SOCKETS_MAX];   /* by key */
        uint32_t present[LEDGER_SOCKETS_MAX];                       /* indices in groups */
        uint32_t order[LEDGER_SOCKETS_MAX];                         /* of the sockets of the dump */
        Candidate candidates[LEDGER_SOCKETS_MAX];
};

int socket_ledger_new(SocketLedger **ret) {
        SocketLedger *ledger;

        assert(ret);

        ledger = calloc(1, sizeof *ledger);
        if (!ledger)
                return -ENOMEM;

        *ret = ledger;
        return 0;
}

SocketLedger *socket_ledger_free(SocketLedger *ledger) {
        free(ledger);
        return NULL;
}

size_t socket_ledger_count(const SocketLedger *ledger) {
        return ledger->n_present;
}

const SocketGroup *socket_ledger_get(const SocketLedger *ledger, size_t i) {
        assert(i < ledger->n_present);

        return &ledger->groups[ledger->newer][ledger->present[i]].group;
}

size_t socket_ledger_count_folded(const SocketLedger *ledger) {
        return ledger->n_folded;
}

const SocketGroup *socket_ledger_other(const SocketLedger *ledger) {
        return ledger->has_other ? &ledger->other : NULL;
}

static int socket_compare_cookies(const LedgerSocket *a, const LedgerSocket *b) {
        return a->cookie < b->cookie ? -1 : a->cookie > b->cookie;
}

/* Indices of sockets. */
static int ledger_compare_cookies(const void *left, const void *right, const void *sockets) {
        const LedgerSocket *a = (const LedgerSocket *)sockets + *(const uint32_t *)left,
                           *b = (const LedgerSocket *)sockets + *(const uint32_t *)right;

        return socket_compare_cookies(a, b);
}

static int ledger_compare_keys(const void *left, const void *right, const void *sockets) {
        const LedgerSocket *a = (const LedgerSocket *)sockets + *(const uint32_t *)left,
                           *b = (const LedgerSocket *)sockets + *(const uint32_t *)right;
        int order = memcmp(&a->key, &b->key, sizeof a->key);

        return order != 0 ? order : socket_compare_cookies(a, b);
}

/* A dump follows its table while that changes, and may tell of a socket twice. */
static size_t ledger_drop_twins(uint32_t *order, const LedgerSocket *sockets, size_t n) {
        size_t n_kept = 0;

        for (size_t i = 0; i < n; i++)
                if (n_kept == 0 || sockets[order[n_kept - 1]].cookie != sockets[order[i]].cookie)
                        order[n_kept++] = order[i];

        return n_kept;
}

/* ---- sockets ---- */

/* Forgets those that are gone the longest, half of the time between them and the last dump but one at once,
 * until there is room for as many again. */
static size_t ledger_trim_sockets(LedgerOfSocket *sockets, size_t n, uint64_t now) {
        while (n > LEDGER_MAX) {
                uint64_t oldest = now;
                size_t n_kept = 0;

                for (size_t i = 0; i < n; i++)
                        oldest = MIN(oldest, sockets[i].last_seen);
                for (size_t i = 0; i < n; i++)
                        if (sockets[i].last_seen > oldest + (now - 1 - oldest) / 2)
                                sockets[n_kept++] = sockets[i];
                n = n_kept;
        }

        return n;
}

/* Finds out how many of each socket's drops are new. Returns how many sockets were forgotten. */
static size_t ledger_enter_sockets(SocketLedger *ledger, LedgerSocket *sockets, size_t n) {
        const LedgerOfSocket *last = ledger->sockets[ledger->newer], *last_end = last + ledger->n_sockets;
        LedgerOfSocket *known = ledger->sockets[!ledger->newer];
        size_t n_known = 0;

        for (size_t i = 0; i < n || last < last_end;) {
                LedgerSocket *socket;

                if (i == n || (last < last_end && last->cookie < sockets[ledger->order[i]].cookie)) {
                        if (last->drops > 0)
                                known[n_known++] = *last;
                        last++;
                        continue;
                }

                socket = &sockets[ledger->order[i++]];
                known[n_known++] = (LedgerOfSocket){
                        .cookie = socket->cookie,
                        .drops = socket->drops,
                        .first_seen = ledger->n_dumps,
                        .last_seen = ledger->n_dumps,
                };
                /* Both have 32 bits, so a counter that wrapped gives the right difference. */
                socket->n_new_drops = socket->drops;
                if (last < last_end && last->cookie == socket->cookie) {
                        known[n_known - 1].first_seen = last->first_seen;
                        socket->n_new_drops -= (last++)->drops;
                }
                socket->first_seen = known[n_known - 1].first_seen;
        }

        ledger->n_sockets = ledger_trim_sockets(known, n_known, ledger->n_dumps);
        return n_known - ledger->n_sockets;
}

/* ---- groups ---- */

static size_t ledger_count_present(const LedgerOfGroup *groups, size_t n, uint64_t now) {
        size_t n_present = 0;

        for (size_t i = 0; i < n; i++)
                n_present += groups[i].last_seen == now;
        return n_present;
}

/* As ledger_trim_sockets(). */
static size_t ledger_trim_groups(LedgerOfGroup *groups, size_t n, uint64_t now) {
        while (n > LEDGER_MAX && ledger_count_present(groups, n, now) < n) {
                uint64_t oldest = now;
                size_t n_kept = 0;

                for (size_t i = 0; i < n; i++)
                        oldest = MIN(oldest, groups[i].last_seen);
                for (size_t i = 0; i < n; i++)
                        if (groups[i].last_seen > oldest + (now - 1 - oldest) / 2)
                                groups[n_kept++] = groups[i];
                n = n_kept;
        }

        return n;
}

static void group_add_socket(LedgerOfGroup *entry, const LedgerSocket *socket) {
        SocketGroup *group = &entry->group;
        uint64_t share = socket->length * MAX(group->worst_limit, UINT64_C(1)),
                 worst_share = group->worst_length * MAX(socket->limit, 1U);

        /* Cookies tell no age: each processor has a store of its own (DEFINE_COOKIE() in
         * include/linux/cookie.h). */
        if (group->n_sockets == 0 || socket->first_seen < entry->oldest_seen) {
                group->index = socket->index;
                entry->oldest_seen = socket->first_seen;
        }
        if (group->n_sockets == 0 || socket->first_seen > entry->newest_seen) {
                group->newest_index = socket->index;
                entry->newest_seen = socket->first_seen;
        }
        if (group->n_sockets == 0 || share > worst_share ||
            (share == worst_share && socket->n_new_drops > entry->worst_new_drops)) {
                group->worst_index = socket->index;
                entry->worst_new_drops = socket->n_new_drops;
        }
        if (group->n_sockets == 0 || share > worst_share) {
                group->worst_length = socket->length;
                group->worst_limit = socket->limit;
        }

        group->length += socket->length;
        group->limit += socket->limit;
        group->n_sockets++;
        entry->is_full |= socket->length > socket->limit;
        entry->n_new_drops += socket->n_new_drops;
}

/* The part of time that this moment belongs to. Parts are rounded up, so that seven are no less than a
 * window. */
static uint64_t window_part(usec_t now_usec, usec_t window_usec) {
        return now_usec / MAX((window_usec + LEDGER_WINDOW_PARTS - 1) / LEDGER_WINDOW_PARTS, UINT64_C(1));
}

/* Enters the length of now into the window, and takes the peak out of it. */
static void group_enter_peak(LedgerOfGroup *entry, usec_t now_usec, usec_t window_usec) {
        const uint64_t n_parts = ELEMENTSOF(entry->highest);
        uint64_t part = window_part(now_usec, window_usec);
        uint32_t *highest;

        if (part < entry->part || part - entry->part >= n_parts)
                memset(entry->highest, 0, sizeof entry->highest);
        else
                for (uint64_t i = entry->part + 1; i <= part; i++)
                        entry->highest[i % n_parts] = 0;
        entry->part = part;

        highest = &entry->highest[part % n_parts];
        *highest = MAX(*highest, (uint32_t)MIN(entry->group.length, (uint64_t)UINT32_MAX));

        entry->group.peak = 0;
        for (uint64_t i = 0; i < n_parts; i++)
                entry->group.peak = MAX(entry->group.peak, (uint64_t)entry->highest[i]);
}

/* Begins a group of this dump with what is known of it. */
static LedgerOfGroup group_begin(const LedgerOfGroup *last, const LedgerKey *key, uint64_t now) {
        LedgerOfGroup entry = { .group.key = *key };

        if (last)
                entry = *last;

        entry.last_seen = now;
        entry.is_full = false;
        entry.n_new_drops = entry.new_saturated_usec = 0;
        entry.group.n_sockets = 0;
        entry.group.length = entry.group.limit = 0;
        return entry;
}

static void group_end(LedgerOfGroup *entry, usec_t elapsed_usec, usec_t now_usec, usec_t window_usec) {
        if (entry->is_full)
                entry->new_saturated_usec = elapsed_usec;

        entry->group.is_busy = entry->group.length > 0 || entry->n_new_drops > 0;
        entry->group.drops += entry->n_new_drops;
        entry->group.saturated_usec += entry->new_saturated_usec;
        group_enter_peak(entry, now_usec, window_usec);
}

/* Of one that is gone. A peak is worth it as long as it is in the window. */
static bool group_is_worth_keeping(const LedgerOfGroup *entry, uint64_t part) {
        return entry->group.drops > 0 || entry->group.saturated_usec > 0 ||
               (entry->group.peak > 0 && part - entry->part < ELEMENTSOF(entry->highest));
}

static void ledger_enter_groups(
        SocketLedger *ledger, const LedgerSocket *sockets, size_t n, usec_t elapsed_usec, usec_t now_usec) {
        const LedgerOfGroup *last = ledger->groups[ledger->newer], *last_end = last + ledger->n_groups;
        LedgerOfGroup *groups = ledger->groups[!ledger->newer];
        uint64_t part = window_part(now_usec, ledger->window_usec);
        size_t n_groups = 0;

        for (size_t i = 0; i < n || last < last_end;) {
                int order = last == last_end ? 1
                            : i == n         ? -1
                                             : memcmp(&last->group.key, &sockets[ledger->order[i]].key,
                                                      sizeof(LedgerKey));
                LedgerOfGroup *entry = &groups[n_groups];

                if (order < 0) {
                        if (group_is_worth_keeping(last, part))
                                groups[n_groups++] = *last;
                        last++;
                        continue;
                }

                *entry = group_begin(order == 0 ? last : NULL, &sockets[ledger->order[i]].key,
                                     ledger->n_dumps);
                for (; i < n &&
                       memcmp(&entry->group.key, &sockets[ledger->order[i]].key, sizeof(LedgerKey)) == 0;
                     i++)
                        group_add_socket(entry, &sockets[ledger->order[i]]);
                group_end(entry, elapsed_usec, now_usec, ledger->window_usec);
                n_groups++;
                last += order == 0;
        }

        ledger->n_groups = ledger_trim_groups(groups, n_groups, ledger->n_dumps);
}

/* ---- rows ---- */

static uint64_t group_score(const LedgerOfGroup *entry) {
        const SocketGroup *group = &entry->group;
        uint64_t fullness = MIN(MAX(group->peak, group->length) * 1000 / (group->limit + 1), UINT64_C(1000));

        return fullness * 1000 + (entry->n_new_drops > 0 ? 1000000 : 0) + (group->drops > 0 ? 500 : 0) +
               MIN(group->length, UINT64_C(400)) + 1;
}

static void ledger_fold(SocketLedger *ledger, const LedgerOfGroup *entry) {
        const SocketGroup *group = &entry->group;
        SocketGroup *other = &ledger->other;

        if (other->n_sockets == 0 || group->worst_length * MAX(other->worst_limit, UINT64_C(1)) >
                                             other->worst_length * MAX(group->worst_limit, UINT64_C(1))) {
                other->worst_length = group->worst_length;
                other->worst_limit = group->worst_limit;
        }

        other->length += group->length;
        other->limit += group->limit;
        other->n_sockets += group->n_sockets;
        other->peak = MAX(other->peak, group->peak);
        ledger->has_other = true;
}

/* What is new of a group goes to `other` also with the dump that brings it a row: it happened before it had
 * one, and the row begins with it. */
static void ledger_add_to_other(SocketLedger *ledger, const LedgerOfGroup *entry) {
        ledger->other.drops += entry->n_new_drops;
        ledger->other.saturated_usec += entry->new_saturated_usec;
}

static void ledger_choose(SocketLedger *ledger, size_t n_rows_max) {
        LedgerOfGroup *groups = ledger->groups[ledger->newer];
        size_t n_chosen;

        ledger->n_present = 0;
        for (size_t i = 0; i < ledger->n_groups; i++) {
                if (groups[i].last_seen != ledger->n_dumps)
                        continue;

                ledger->candidates[ledger->n_present] = (Candidate){
                        .score = group_score(&groups[i]),
                        .index = (uint32_t)i,
                        .was_chosen = groups[i].group.is_chosen,
                };
                ledger->present[ledger->n_present++] = (uint32_t)i;
        }

        n_chosen = selection_choose(ledger->candidates, ledger->n_present, n_rows_max);
        ledger->n_folded = ledger->n_present - n_chosen;
        ledger->other = (SocketGroup){
                .drops = ledger->other.drops,
                .saturated_usec = ledger->other.saturated_usec,
        };
        for (size_t i = 0; i < ledger->n_present; i++) {
                LedgerOfGroup *entry = &groups[ledger->candidates[i].index];

                entry->group.is_chosen = i < n_chosen;
                if (!entry->group.is_chosen)
                        ledger_fold(ledger, entry);
                if (!entry->group.is_chosen || entry->was_folded)
                        ledger_add_to_other(ledger, entry);
                entry->was_folded = !entry->group.is_chosen;
        }
}

size_t socket_ledger_enter(SocketLedger *ledger,
                           LedgerSocket *sockets,
                           size_t n,
                           usec_t now_usec,
                           usec_t window_usec,
                           size_t n_rows_max) {
        usec_t elapsed_usec;
        size_t n_forgotten;

        assert(ledger);
        assert(sockets || n == 0);
        assert(n <= LEDGER_SOCKETS_MAX);

        elapsed_usec =
                ledger->n_dumps > 0 && now_usec > ledger->last_usec ? now_usec - ledger->last_usec : 0;
        elapsed_usec = MIN(elapsed_usec, LEDGER_GAP_MAX_USEC);
        ledger->last_usec = now_usec;
        ledger->window_usec = window_usec;
        ledger->n_dumps++;

        for (uint32_t i = 0; i < n; i++)
                ledger->order[i] = i;
        sort_in_place(ledger->order, n, sizeof *ledger->order, ledger_compare_cookies, sockets);
        n = ledger_drop_twins(ledger->order, sockets, n);
        n_forgotten = ledger_enter_sockets(ledger, sockets, n);

        sort_in_place(ledger->order, n, sizeof *ledger->order, ledger_compare_keys, sockets);
        ledger_enter_groups(ledger, sockets, n, elapsed_usec, now_usec);

        ledger->newer = !ledger->newer;
        ledger_choose(ledger, n_rows_max);
        return n_forgotten;
}
