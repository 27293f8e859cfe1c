#define _GNU_SOURCE // SOCK_NONBLOCK
#include "io/http/http_listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 511 };

static Err listen_at(const char *host, int port, const struct addrinfo *list, int *out)
{
    int one = 1, reason = 0;

    for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        if (fd < 0) {
            reason = errno;
            continue;
        }
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) {
            *out = fd;
            return OK;
        }
        reason = errno;
        close(fd);
    }
    FAIL(ERR_CONFIG, "cannot listen at %s, port %d: %s; choose another port, or 0 for any", host,
         port, strerror(reason));
}

static Err open_socket(const char *host, int port, int *fd)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list;
    char            number[16];
    int             code;
    Err             e;

    snprintf(number, sizeof number, "%d", port);
    code = getaddrinfo(host, number, &hints, &list);
    if (code != 0)
        FAIL(ERR_CONFIG, "cannot listen at \"%s\": %s", host, gai_strerror(code));
    e = listen_at(host, port, list, fd);
    freeaddrinfo(list);
    return e;
}

static int port_of(int fd)
{
    struct sockaddr_storage at;
    socklen_t               size = sizeof at;

    CHECK(getsockname(fd, (struct sockaddr *)&at, &size) == 0, "%s", strerror(errno));
    return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                          : ((struct sockaddr_in *)&at)->sin_port);
}

Err http_listen(const char *host, int port, int *fd, int *real)
{
    TRY(open_socket(host, port, fd));
    *real = port_of(*fd);
    return OK;
}
