// http_listen.h -- the socket that a server listens at.
#ifndef TD_IO_HTTP_HTTP_LISTEN_H
#define TD_IO_HTTP_HTTP_LISTEN_H

#include "base/err.h"

// Listens at a name or address; port 0: any that is free.  *real gets the port.  The caller closes
// *fd, which never blocks.  ERR_CONFIG: there is no such host, or the port is taken.
Err http_listen(const char *host, int port, int *fd, int *real);

#endif
