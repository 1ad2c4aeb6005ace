/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which capabilities this thread has (capabilities(7)) */

#include <linux/capability.h>
#include <stdbool.h>

/**
 * capability_is_effective() - whether a capability is in force
 * @capability: CAP_SYS_PTRACE and the like
 *
 * In a user namespace of our own it may be, and be worth nothing towards
 * processes of another.
 *
 * Return: false also if capget(2) fails.
 */
bool capability_is_effective(unsigned capability);
