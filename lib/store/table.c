/* SPDX-License-Identifier: Apache-2.0 */

/* The tables of a sample: names of states, and endpoints as text */

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "store/table.h"

const char *const state_names[_STATES] = {
        [STATE_ESTABLISHED] = "established",
        [STATE_SYN_SENT] = "syn_sent",
        [STATE_SYN_RECV] = "syn_recv",
        [STATE_FIN_WAIT1] = "fin_wait1",
        [STATE_FIN_WAIT2] = "fin_wait2",
        [STATE_TIME_WAIT] = "time_wait",
        [STATE_CLOSE] = "close",
        [STATE_CLOSE_WAIT] = "close_wait",
        [STATE_LAST_ACK] = "last_ack",
        [STATE_LISTEN] = "listen",
        [STATE_CLOSING] = "closing",
        [STATE_BOUND_INACTIVE] = "bound_inactive",
};

void endpoint_format_address(const Endpoint *endpoint, char ret_text[static ENDPOINT_ADDRESS_SIZE]) {
        char address[INET6_ADDRSTRLEN];

        if (endpoint_is_other(endpoint)) {
                (void)snprintf(ret_text, ENDPOINT_ADDRESS_SIZE, "%s", UNIT_OTHER);
                return;
        }

        if (!inet_ntop(endpoint->family, endpoint->address, address, sizeof address))
                address[0] = '\0';

        (void)snprintf(ret_text, ENDPOINT_ADDRESS_SIZE, "%s%s%.*s", address, endpoint->device[0] ? "%" : "",
                       (int)strnlen(endpoint->device, sizeof endpoint->device), endpoint->device);
}

void endpoint_format_port(const Endpoint *endpoint, char ret_text[static ENDPOINT_PORT_SIZE]) {
        if (endpoint_is_other(endpoint))
                (void)snprintf(ret_text, ENDPOINT_PORT_SIZE, "%s", UNIT_OTHER);
        else if (endpoint_port(endpoint) == ENDPOINT_PORT_EPHEMERAL)
                (void)snprintf(ret_text, ENDPOINT_PORT_SIZE, "ephemeral");
        else
                (void)snprintf(ret_text, ENDPOINT_PORT_SIZE, "%u", endpoint_port(endpoint));
}

void endpoint_format_name(const Endpoint *endpoint, char ret_text[static ENDPOINT_NAME_SIZE]) {
        char address[ENDPOINT_ADDRESS_SIZE], port[ENDPOINT_PORT_SIZE];

        endpoint_format_address(endpoint, address);
        endpoint_format_port(endpoint, port);
        if (endpoint_is_other(endpoint))
                (void)snprintf(ret_text, ENDPOINT_NAME_SIZE, "%s", address);
        else
                (void)snprintf(ret_text, ENDPOINT_NAME_SIZE,
                               endpoint->family == AF_INET6 ? "[%s]:%s" : "%s:%s", address, port);
}
