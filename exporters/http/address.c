/* SPDX-License-Identifier: Apache-2.0 */

/* Addresses to listen on */

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/number.h"
#include "exporters/http/address.h"

/* As much as the host allows: a burst of one client must not keep out the others. */
#define HTTP_ADDRESS_BACKLOG 4096

/* Cuts "host:port" at the last colon; brackets around the host are taken off. */
static int http_address_split(
        const char *text, char *ret_host, size_t host_size, uint16_t *ret_port, bool *ret_is_ipv6) {
        const char *colon = strrchr(text, ':');
        bool is_bracketed = text[0] == '[';
        uint64_t port;
        size_t size;

        if (!colon || number_parse_u64(colon + 1, strlen(colon + 1), &port) < 0 || port > UINT16_MAX)
                return -EINVAL;

        size = (size_t)(colon - text);
        if (is_bracketed) {
                if (size < 2 || text[size - 1] != ']')
                        return -EINVAL;
                text++;
                size -= 2;
        }
        if (size >= host_size)
                return -EINVAL;

        memcpy(ret_host, text, size);
        ret_host[size] = '\0';
        *ret_port = (uint16_t)port;
        *ret_is_ipv6 = is_bracketed;
        return 0;
}

int http_address_parse(const char *text, HttpAddress *ret) {
        struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6, .sin6_addr = in6addr_any };
        struct sockaddr_in ipv4 = { .sin_family = AF_INET };
        char host[INET6_ADDRSTRLEN];
        HttpAddress address = { 0 };
        uint16_t port;
        bool is_ipv6;

        assert(text);
        assert(ret);

        if (http_address_split(text, host, sizeof host, &port, &is_ipv6) < 0)
                return -EINVAL;

        ipv4.sin_port = ipv6.sin6_port = htons(port);
        if (!is_ipv6 && inet_pton(AF_INET, host, &ipv4.sin_addr) == 1) {
                memcpy(&address.storage, &ipv4, sizeof ipv4);
                address.size = sizeof ipv4;
        } else if ((is_ipv6 && inet_pton(AF_INET6, host, &ipv6.sin6_addr) == 1) ||
                   (!is_ipv6 && host[0] == '\0')) {
                memcpy(&address.storage, &ipv6, sizeof ipv6);
                address.size = sizeof ipv6;
        } else
                return -EINVAL;

        *ret = address;
        return 0;
}

static int http_address_bind(int fd, const HttpAddress *address) {
        const int on = 1, off = 0;

        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
                return -errno;
        if (address->storage.ss_family == AF_INET6 &&
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0)
                return -errno;
        if (bind(fd, (const struct sockaddr *)&address->storage, address->size) < 0)
                return -errno;
        if (listen(fd, HTTP_ADDRESS_BACKLOG) < 0)
                return -errno;

        return 0;
}

int http_address_listen(const HttpAddress *address, int *ret_fd) {
        _cleanup_(close_fdp) int fd = -1;
        int r;

        assert(address);
        assert(ret_fd);

        fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;

        r = http_address_bind(fd, address);
        if (r < 0)
                return r;

        *ret_fd = TAKE_FD(fd);
        return 0;
}

void http_address_format(int fd, char ret_text[static HTTP_ADDRESS_TEXT_SIZE]) {
        union {
                struct sockaddr any;
                struct sockaddr_in ipv4;
                struct sockaddr_in6 ipv6;
                struct sockaddr_un local;
        } address = { 0 };
        socklen_t size = sizeof address;
        char host[INET6_ADDRSTRLEN] = "";

        (void)snprintf(ret_text, HTTP_ADDRESS_TEXT_SIZE, "?");
        if (getsockname(fd, &address.any, &size) < 0)
                return;

        if (address.any.sa_family == AF_INET &&
            inet_ntop(AF_INET, &address.ipv4.sin_addr, host, sizeof host))
                (void)snprintf(ret_text, HTTP_ADDRESS_TEXT_SIZE, "%s:%u", host,
                               ntohs(address.ipv4.sin_port));
        else if (address.any.sa_family == AF_INET6 &&
                 inet_ntop(AF_INET6, &address.ipv6.sin6_addr, host, sizeof host))
                (void)snprintf(ret_text, HTTP_ADDRESS_TEXT_SIZE, "[%s]:%u", host,
                               ntohs(address.ipv6.sin6_port));
        else if (address.any.sa_family == AF_UNIX && size > offsetof(struct sockaddr_un, sun_path))
                (void)snprintf(ret_text, HTTP_ADDRESS_TEXT_SIZE, "unix:%.50s", address.local.sun_path);
}
