/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Addresses to listen on
 *
 * "127.0.0.1:7625", "[::1]:7625", ":7625" (every address of both families).
 * Names are not looked up: a daemon that must start without a network must not
 * wait for one.
 */

#include <sys/socket.h>

#include "base/macro.h"

typedef struct HttpAddress {
        struct sockaddr_storage storage;
        socklen_t size;
} HttpAddress;

/**
 * http_address_parse() - text to address
 *
 * Return: 0, or -EINVAL if @text is none of the forms above.
 */
_warn_unused_ int http_address_parse(const char *text, HttpAddress *ret);

/**
 * http_address_listen() - a socket that listens there
 * @ret_fd:     receives it, non-blocking, owned by the caller
 *
 * Return: 0, or the errno of socket(2), bind(2) or listen(2): -EADDRINUSE,
 * -EACCES for a privileged port, -EADDRNOTAVAIL.
 */
_warn_unused_ int http_address_listen(const HttpAddress *address, int *ret_fd);

/* "127.0.0.1:7625": where a socket listens. "?" if that cannot be told. */
#define HTTP_ADDRESS_TEXT_SIZE 64
void http_address_format(int fd, char ret_text[static HTTP_ADDRESS_TEXT_SIZE]);
