#ifndef ENGINE_LISTENING_H
#define ENGINE_LISTENING_H

#include <stddef.h>
#include <sys/socket.h>

/* An address of a socket: IP, or a path. */
struct address {
  struct sockaddr_storage storage;
  socklen_t length;
};

/* Reads an IP address and a port; with a port of -1, the path of a Unix socket. Returns 0, or a negative errno. */
int address_read(struct address *address, const char *text, size_t length, int port);

/* Opens a socket that listens there, and does not block. Returns its descriptor, or a negative errno. */
int listening_open(const struct address *address, int backlog);

/* Has a socket listen that is bound already. Returns 0, or a negative errno. */
int listening_adopt(int descriptor, int backlog);

#endif
