/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Names that others chose, on a terminal
 *
 * Units, processes, paths and devices may be called anything, and what is no
 * text, or would be a command to the terminal, must not come to one.
 */

#include <stdio.h>

#include "base/macro.h"

/* Puts "?" for each byte that is not UTF-8, and for control characters (C0, C1 and DEL). */
void printable_make(char *text);

/* Writes one line, made printable, and ends it. What is longer than 1 KiB is cut. */
void printable_write_line(FILE *file, const char *format, ...) _printf_(2, 3);
