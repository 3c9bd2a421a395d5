#define _GNU_SOURCE
#include "listening.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* An IPv6 address, perhaps with a zone: fe80::1%eth0. A zone that is unknown is left out, as libuv does. */
static int read_v6(const char *text, struct sockaddr_in6 *v6) {
  char address[INET6_ADDRSTRLEN];
  const char *zone = strchr(text, '%');
  const size_t length = zone == NULL ? strlen(text) : (size_t)(zone - text);
  if (length >= sizeof address) return -EINVAL;
  memcpy(address, text, length);
  address[length] = '\0';
  if (inet_pton(AF_INET6, address, &v6->sin6_addr) != 1) return -EINVAL;
  if (zone != NULL) v6->sin6_scope_id = if_nametoindex(zone + 1);
  return 0;
}

int address_read(struct address *address, const char *text, size_t length, int port) {
  memset(address, 0, sizeof *address);
  if (port < 0) {
    struct sockaddr_un *path = (struct sockaddr_un *)&address->storage;
    /* A path has a zero after it; an abstract name has one before it, which counts as a part of it. */
    const size_t room = sizeof path->sun_path - (text[0] != '\0');
    if (length == 0) return -EINVAL;
    if (length > room) return -ENAMETOOLONG;
    if (text[0] != '\0' && memchr(text, '\0', length) != NULL) return -EINVAL;
    path->sun_family = AF_UNIX;
    memcpy(path->sun_path, text, length);
    /* The length of an abstract name is exact; that of a path includes its zero. */
    address->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (text[0] != '\0'));
    return 0;
  }
  struct sockaddr_in *v4 = (struct sockaddr_in *)&address->storage;
  if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons((uint16_t)port);
    address->length = sizeof *v4;
    return 0;
  }
  memset(address, 0, sizeof *address);
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->storage;
  if (read_v6(text, v6) < 0) return -EINVAL;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons((uint16_t)port);
  address->length = sizeof *v6;
  return 0;
}

int listening_open(const struct address *address, int backlog) {
  const int on = 1, off = 0;
  const int family = address->storage.ss_family;
  const int descriptor = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  if (family != AF_UNIX) setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == AF_INET6) setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (bind(descriptor, (const struct sockaddr *)&address->storage, address->length) == 0 &&
      listen(descriptor, backlog) == 0) {
    return descriptor;
  }
  const int error = errno;
  close(descriptor);
  return -error;
}

int listening_adopt(int descriptor, int backlog) {
  const int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) < 0) return -errno;
  if (fcntl(descriptor, F_SETFD, FD_CLOEXEC) < 0) return -errno;
  return listen(descriptor, backlog) < 0 ? -errno : 0;
}
