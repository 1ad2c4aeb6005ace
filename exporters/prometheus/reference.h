/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The metrics reference: the catalogue as a page for people
 *
 * docs/metrics.md is what this writes; a test fails when it is not.
 */

#include "base/text.h"

/* Appends the page, in Markdown. Whether memory sufficed, text_error() tells. */
void reference_render(Text *text);
