/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One file below /proc/net, read into a sample
 *
 * Shared by the collectors whose question is a file: which numbers of it are
 * kept stands in store/values.tbl.
 */

#include "collect/field_map.h"
#include "kernel/proc_net.h"
#include "kernel/sources.h"

typedef struct NetTable {
        const char *source; /* "net/snmp", below the root of /proc */
        proc_net_parse_fn parse;
        FieldMap map;
} NetTable;

void net_table_init(NetTable *table, const char *source, proc_net_parse_fn parse);

/**
 * net_table_read() - set in the sample what the file tells
 *
 * A field that the file does not have stays absent, as does a number that cannot be
 * (value_is_possible()).
 *
 * Return: 0, -EFBIG if the file is larger than any kernel's, -EBADMSG if it is
 * malformed (the sample then holds a part of it), or the errno of open(2).
 */
_warn_unused_ int net_table_read(const NetTable *table, const Sources *sources, Sample *sample);
