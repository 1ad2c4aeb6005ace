/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The command line of sockwatchd
 *
 * Flags in Prometheus style: --name=value or --name value. Every one has a
 * default, so none has to be given.
 */

#include <stdint.h>

#include "base/clock.h"
#include "base/macro.h"
#include "exporters/http/address.h"

#define OPTIONS_LISTEN_MAX        8
#define OPTIONS_INTERVAL_MIN_USEC (10 * USEC_PER_MSEC)
#define OPTIONS_INTERVAL_MAX_USEC USEC_PER_HOUR
#define OPTIONS_MESSAGE_SIZE      512

typedef enum OptionsAction {
        OPTIONS_RUN,
        OPTIONS_HELP,
        OPTIONS_VERSION,
} OptionsAction;

typedef struct Options {
        OptionsAction action;

        size_t n_listen; /* 0: the default, unless systemd passes sockets */
        HttpAddress listen[OPTIONS_LISTEN_MAX];
        const char *listen_texts[OPTIONS_LISTEN_MAX];

        const char *config_file; /* NULL: none */
        usec_t interval_usec;
        const char *ring_file; /* NULL: "ring" in the runtime directory */
        uint64_t ring_bytes;
        const char *proc_root;
        const char *sys_root;
        int log_level;
} Options;

#define OPTIONS_LISTEN_DEFAULT "127.0.0.1:7625"

/**
 * options_parse() - read the command line
 * @ret:        strings in it point into @argv
 * @reterr_message: on failure, what is wrong and what would be right
 *
 * Return: 0 or -EINVAL.
 */
_warn_unused_ int
options_parse(int argc, char *argv[], Options *ret, char reterr_message[static OPTIONS_MESSAGE_SIZE]);

/* Writes --help to stdout. */
void options_print_help(void);
