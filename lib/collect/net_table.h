/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One file below /proc/net, read into a sample
 *
 * Shared by the collectors whose question is a file: which numbers of it are
 * kept stands in store/values.tbl.
 */

#include "base/kept_file.h"
#include "collect/field_map.h"
#include "kernel/proc_net.h"
#include "kernel/sources.h"

typedef struct NetTable {
        KeptFile file; /* "net/snmp", below the root of /proc */
        proc_net_parse_fn parse;
        FieldMap map;
} NetTable;

void net_table_init(NetTable *table, const char *source, proc_net_parse_fn parse);

void net_table_done(NetTable *table);

/**
 * net_table_read() - set in the sample what the file tells
 *
 * A field that the file does not have stays absent, as does a number that cannot be
 * (value_is_possible()).
 *
 * Return: 0, -EFBIG if the file is larger than any kernel's, -EBADMSG if it is
 * malformed (the sample then holds a part of it), or the errno of open(2) or read(2).
 */
_warn_unused_ int net_table_read(NetTable *table, const Sources *sources, Sample *sample);
