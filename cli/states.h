/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The states of a host's TCP sockets as a table */

#include "base/macro.h"
#include "store/sample.h"

/* Writes it to stdout. Return: 0, -ENOMEM, or what scols_print_table(3) returns. */
_warn_unused_ int states_print(const Sample *sample);
