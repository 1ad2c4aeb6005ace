/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What listeners dropped, as counters that do not fall
 *
 * Two tables are carried from dump to dump, each walked side by side with the
 * sockets of the dump, in the same order, into a table for the next time.
 *
 *     sockets, by cookie    last   7: 40    9: 5
 *                           now    7: 42            12: 1
 *                           new       2                1
 *     totals, by key        A + 2, B + 1
 *
 * What is gone stays in both tables if it dropped anything: a listener comes back
 * when its service does, and a socket that is shut down and listens again, as
 * HAProxy pauses and resumes, still has its drops.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "collect/listen_ledger.h"

/* As many again may be gone. */
#define LEDGER_MAX (2 * LISTEN_SOCKETS_MAX)

typedef struct LedgerSocket {
        uint64_t cookie;
        uint32_t drops;
        uint64_t last_seen; /* number of the dump in which it was there */
} LedgerSocket;

typedef struct LedgerTotal {
        ListenerKey key;
        uint64_t drops;
        uint64_t last_seen;
} LedgerTotal;

struct ListenLedger {
        uint64_t n_dumps;
        unsigned newer; /* which of the tables are those of the last dump */
        size_t n_sockets;
        size_t n_totals;
        LedgerSocket sockets[2][LEDGER_MAX + LISTEN_SOCKETS_MAX]; /* by cookie */
        LedgerTotal totals[2][LEDGER_MAX + LISTEN_SOCKETS_MAX];   /* by key */
};

int listen_ledger_new(ListenLedger **ret) {
        ListenLedger *ledger;

        assert(ret);

        ledger = calloc(1, sizeof *ledger);
        if (!ledger)
                return -ENOMEM;

        *ret = ledger;
        return 0;
}

ListenLedger *listen_ledger_free(ListenLedger *ledger) {
        free(ledger);
        return NULL;
}

static int ledger_compare_cookies(const void *left, const void *right) {
        const ListenSocket *a = left, *b = right;

        return a->cookie < b->cookie ? -1 : a->cookie > b->cookie;
}

static int ledger_compare_keys(const void *left, const void *right) {
        const ListenSocket *a = left, *b = right;
        int order = memcmp(&a->key, &b->key, sizeof a->key);

        return order != 0 ? order : ledger_compare_cookies(a, b);
}

/* A dump follows its table while that changes, and may tell of a socket twice. */
static size_t ledger_drop_twins(ListenSocket *sockets, size_t n) {
        size_t n_kept = 0;

        for (size_t i = 0; i < n; i++)
                if (n_kept == 0 || sockets[n_kept - 1].cookie != sockets[i].cookie)
                        sockets[n_kept++] = sockets[i];

        return n_kept;
}

/* ---- totals ---- */

static size_t ledger_count_present_totals(const LedgerTotal *totals, size_t n, uint64_t now) {
        size_t n_present = 0;

        for (size_t i = 0; i < n; i++)
                n_present += totals[i].last_seen == now;
        return n_present;
}

/* Forgets those that are gone the longest, until there is room for as many again. */
static size_t ledger_trim_totals(LedgerTotal *totals, size_t n, uint64_t now) {
        while (n > LEDGER_MAX && ledger_count_present_totals(totals, n, now) < n) {
                uint64_t oldest = now;
                size_t n_kept = 0;

                for (size_t i = 0; i < n; i++)
                        oldest = MIN(oldest, totals[i].last_seen);
                for (size_t i = 0; i < n; i++)
                        if (totals[i].last_seen > oldest + (now - oldest) / 2 || totals[i].last_seen == now)
                                totals[n_kept++] = totals[i];
                n = n_kept;
        }

        return n;
}

static void ledger_enter_totals(ListenLedger *ledger, const ListenSocket *sockets, size_t n) {
        const LedgerTotal *last = ledger->totals[ledger->newer], *last_end = last + ledger->n_totals;
        LedgerTotal *totals = ledger->totals[!ledger->newer];
        size_t n_totals = 0;

        for (size_t i = 0; i < n || last < last_end;) {
                int order = last == last_end ? 1
                            : i == n         ? -1
                                             : memcmp(&last->key, &sockets[i].key, sizeof last->key);

                if (order < 0) {
                        if (last->drops > 0)
                                totals[n_totals++] = *last;
                        last++;
                        continue;
                }

                totals[n_totals] = (LedgerTotal){
                        .key = sockets[i].key,
                        .drops = order == 0 ? last->drops : 0,
                        .last_seen = ledger->n_dumps,
                };
                for (; i < n && memcmp(&totals[n_totals].key, &sockets[i].key, sizeof sockets[i].key) == 0;
                     i++)
                        totals[n_totals].drops += sockets[i].n_new_drops;
                n_totals++;
                last += order == 0;
        }

        ledger->n_totals = ledger_trim_totals(totals, n_totals, ledger->n_dumps);
}

uint64_t listen_ledger_total(const ListenLedger *ledger, const ListenerKey *key) {
        const LedgerTotal *totals = ledger->totals[ledger->newer];
        size_t low = 0, high = ledger->n_totals;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = memcmp(&totals[middle].key, key, sizeof *key);

                if (order == 0)
                        return totals[middle].drops;
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }

        return 0;
}

/* ---- sockets ---- */

/* As ledger_trim_totals(). */
static size_t ledger_trim_sockets(LedgerSocket *sockets, size_t n, uint64_t now) {
        while (n > LEDGER_MAX) {
                uint64_t oldest = now;
                size_t n_kept = 0;

                for (size_t i = 0; i < n; i++)
                        oldest = MIN(oldest, sockets[i].last_seen);
                for (size_t i = 0; i < n; i++)
                        if (sockets[i].last_seen > oldest + (now - oldest) / 2 ||
                            sockets[i].last_seen == now)
                                sockets[n_kept++] = sockets[i];
                n = n_kept;
        }

        return n;
}

/* Finds out how many of each socket's drops are new. Returns how many sockets were forgotten. */
static size_t ledger_enter_sockets(ListenLedger *ledger, ListenSocket *sockets, size_t n) {
        const LedgerSocket *last = ledger->sockets[ledger->newer], *last_end = last + ledger->n_sockets;
        LedgerSocket *known = ledger->sockets[!ledger->newer];
        size_t n_known = 0;

        for (size_t i = 0; i < n || last < last_end;) {
                if (i == n || (last < last_end && last->cookie < sockets[i].cookie)) {
                        if (last->drops > 0)
                                known[n_known++] = *last;
                        last++;
                        continue;
                }

                known[n_known++] = (LedgerSocket){
                        .cookie = sockets[i].cookie,
                        .drops = sockets[i].drops,
                        .last_seen = ledger->n_dumps,
                };
                /* Both have 32 bits, so a counter that wrapped gives the right difference. */
                sockets[i].n_new_drops = sockets[i].drops;
                if (last < last_end && last->cookie == sockets[i].cookie)
                        sockets[i].n_new_drops -= (last++)->drops;
                i++;
        }

        ledger->n_sockets = ledger_trim_sockets(known, n_known, ledger->n_dumps);
        return n_known - ledger->n_sockets;
}

size_t listen_ledger_enter(ListenLedger *ledger, ListenSocket *sockets, size_t n, size_t *ret_n) {
        size_t n_forgotten;

        assert(ledger);
        assert(sockets || n == 0);
        assert(n <= LISTEN_SOCKETS_MAX);
        assert(ret_n);

        ledger->n_dumps++;

        qsort(sockets, n, sizeof *sockets, ledger_compare_cookies);
        n = ledger_drop_twins(sockets, n);
        n_forgotten = ledger_enter_sockets(ledger, sockets, n);

        qsort(sockets, n, sizeof *sockets, ledger_compare_keys);
        ledger_enter_totals(ledger, sockets, n);

        ledger->newer = !ledger->newer;
        *ret_n = n;
        return n_forgotten;
}
