/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A network namespace of the test's own
 *
 * Check runs each test in a process of its own. One that enters a namespace
 * first has loopback, IPv4 and IPv6, every counter at 0 and no socket but those
 * it makes; all of it is gone when the test ends. The namespace belongs to the
 * test, so it may write its sysctls and use TCP_REPAIR, whoever runs it.
 */

#include "base/macro.h"

/* Enters a fresh network namespace, within a new user namespace unless privileged. Fails the test if it
 * cannot. */
void namespace_enter(void);

/* Called first by main(): ends the program as skipped where namespaces are refused. */
void namespace_require(void);

/* Likewise where there is no such program in PATH or in the folders of root. */
void namespace_require_program(const char *name);
