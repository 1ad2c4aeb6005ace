/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which format a client wants, by its Accept header
 *
 * Pure. Follows RFC 9110, 12.5.1 (quality values, wildcards, the more specific
 * range decides) and Prometheus' rule that a scraper that asks for nothing we
 * have gets the text format rather than an error.
 */

#include "exporters/prometheus/exposition.h"

/**
 * accept_choose() - the format to answer in
 * @accept:     value of the header, or NULL if there is none
 *
 * Of formats that are wanted equally, OpenMetrics is taken only if it was named
 * (a wildcard means "whatever is usual"), and before the text format only if it
 * was named before it.
 */
ExpositionFormat accept_choose(const char *accept);
