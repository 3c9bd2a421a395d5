// Clients that pipeline Submits and never read an ack, with the smallest receive buffer that the system gives.
//   cc -O2 -o never-reading never-reading.c && ./never-reading PORT CONNECTIONS
// When one of its connections ends, it prints a line with the seconds since its start. It exits when all have ended, or when
// its standard input is closed.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FRAME = 13, BATCH = 5000 * FRAME, MOST = 1000 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  int port = argc > 1 ? atoi(argv[1]) : 0, connections = argc > 2 ? atoi(argv[2]) : 0;
  if (port < 1 || connections < 1 || connections > MOST) return 2;
  signal(SIGPIPE, SIG_IGN);
  // It represents other machines, so it must not take processor time from the server.
  if (nice(10) == -1) return perror("nice"), 1;

  static char batch[BATCH];
  for (char *p = batch; p < batch + BATCH; p += FRAME) memcpy(p, "\0\0\0\x0d\x02" "00000001", FRAME);

  static struct pollfd fds[MOST + 1];
  static size_t at[MOST];
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  for (int i = 0; i < connections; i++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), least = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
    if (connect(fd, (void *)&to, sizeof to)) return perror("connect"), 1;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    fds[i] = (struct pollfd){.fd = fd, .events = POLLOUT};
  }
  fds[connections] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};

  double start = now();
  for (int open = connections; open > 0;) {
    poll(fds, connections + 1, -1);
    if (fds[connections].revents) return 0;
    for (int i = 0; i < connections; i++) {
      if (!fds[i].revents) continue;
      ssize_t n = write(fds[i].fd, batch + at[i], BATCH - at[i]);
      if (n > 0) at[i] = (at[i] + n) % BATCH;
      if (n >= 0 || errno == EAGAIN) continue;
      printf("%.3f\n", now() - start), fflush(stdout);
      close(fds[i].fd);
      fds[i].fd = -1, open--;
    }
  }
  return 0;
}
