/* SPDX-License-Identifier: Apache-2.0 */

/* Sorting without memory */

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/macro.h"
#include "base/sort.h"

typedef struct Heap {
        char *array;
        size_t size; /* of an element */
        sort_compare_fn compare;
        const void *userdata;
} Heap;

static char *heap_at(const Heap *heap, size_t i) {
        return heap->array + i * heap->size;
}

static int heap_compare(const Heap *heap, size_t left, size_t right) {
        return heap->compare(heap_at(heap, left), heap_at(heap, right), heap->userdata);
}

/* Word by word: most elements are a few words, for which a call of memcpy(3) would cost more than the copy.
 */
static void heap_swap(const Heap *heap, size_t left, size_t right) {
        char *a = heap_at(heap, left), *b = heap_at(heap, right);
        size_t n = heap->size;
        uint64_t word;
        uint32_t half;
        char byte;

        for (; n >= sizeof word; n -= sizeof word, a += sizeof word, b += sizeof word) {
                memcpy(&word, a, sizeof word);
                memcpy(a, b, sizeof word);
                memcpy(b, &word, sizeof word);
        }
        if (n >= sizeof half) {
                memcpy(&half, a, sizeof half);
                memcpy(a, b, sizeof half);
                memcpy(b, &half, sizeof half);
                n -= sizeof half;
                a += sizeof half;
                b += sizeof half;
        }
        for (; n > 0; n--, a++, b++) {
                byte = *a;
                *a = *b;
                *b = byte;
        }
}

/* The element at @i sinks to where none below it is greater: down to a leaf where it mostly belongs, by the
 * greater child each time, and up again from there as far as need be. */
static void heap_sink(const Heap *heap, size_t i, size_t n) {
        size_t top = i, leaf = i;

        for (size_t child = 2 * leaf + 1; child < n; child = 2 * leaf + 1) {
                if (child + 1 < n && heap_compare(heap, child, child + 1) < 0)
                        child++;
                leaf = child;
        }

        while (leaf != top && heap_compare(heap, leaf, top) < 0)
                leaf = (leaf - 1) / 2;

        /* All on the way there move up by one; the path from a place to the top is that of its parents. */
        for (; leaf != top; leaf = (leaf - 1) / 2)
                heap_swap(heap, leaf, top);
}

static bool heap_is_in_order(const Heap *heap, size_t n) {
        for (size_t i = 1; i < n; i++)
                if (heap_compare(heap, i - 1, i) > 0)
                        return false;

        return true;
}

void sort_in_place(void *array, size_t n, size_t size, sort_compare_fn compare, const void *userdata) {
        Heap heap = { .array = array, .size = size, .compare = compare, .userdata = userdata };

        assert(array || n == 0);
        assert(size > 0);
        assert(compare);

        if (heap_is_in_order(&heap, n))
                return;

        for (size_t i = n / 2; i > 0; i--)
                heap_sink(&heap, i - 1, n);
        for (size_t i = n - 1; i > 0; i--) {
                heap_swap(&heap, 0, i);
                heap_sink(&heap, 0, i);
        }
}
