#define _GNU_SOURCE
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "answers.h"
#include "bytes.h"

enum {
  ACCEPTED_AT_ONCE = 64,
  LISTENERS_MOST = 64,
  /* Parts of the arena that different connections are read to do not share a cache line. */
  CACHE_LINE = 64,
  /* Of a listener's number in the data of epoll. */
  LISTENER_BIT = 1 << 30,
  /* Idle time before keep-alive probes, in seconds, of what is accepted and of what is connected. */
  KEEP_ALIVE_ACCEPTED = 60,
  KEEP_ALIVE_CONNECTED = 30,
  KEEP_ALIVE_INTERVAL = 1,
  KEEP_ALIVE_PROBES = 10
};

struct connection {
  int descriptor; /* -1 once it is closed */
  int slot;
  uint32_t generation; /* tells it from others that had its slot */
  int error;           /* an errno that is not reported yet */
  bool queued;         /* it is in the queue of those to be read */
  bool connecting;
  bool ended;    /* the peer's end was reported, or an error: nothing more is read */
  bool failed;   /* the error was reported: nothing more is written either */
  bool read_on;  /* a short read may not be the last: an end, an error or urgent bytes are there to be read */
  bool ending;   /* our side ends when everything is sent */
  bool shut;     /* our side is ended */
  bool watched;  /* epoll says when it can be written */
  bool told_to_wait;
  struct cut_plan plan;
  size_t high_water_mark;
  struct bytes unsent;
  struct bytes tail;
  int32_t *segment; /* the event of this turn whose answers may be kept */
  struct connection *next;
  struct connection *before;
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } peer;
};

struct listener {
  int descriptor; /* -1 once it is given up */
  bool used;      /* until the turn ends in which it was given up: events of it may be in the list */
  bool paused;
  bool shared; /* other processes accept from it too */
};

struct queue {
  struct connection *first;
  struct connection *last;
  size_t length;
};

struct engine {
  int epoll;
  int reserve; /* a descriptor to be given up when there is no other */
  uint32_t generation;
  struct engine_memory memory;
  struct connection **connections; /* by slot */
  size_t slots_used;               /* slots that were ever used */
  int *free_slots;
  size_t free_count;
  struct listener listeners[LISTENERS_MOST];
  struct queue ready;
  struct connection *closed;        /* freed when the turn ends: events of it may be in the list */
  struct connection **segments;     /* those with answers written ahead in this turn */
  size_t segment_count;
  size_t live;
  size_t event_count;
  uint8_t requests[READ_LENGTH]; /* where requests are put together */
};

static int32_t *slot_of(const struct engine *engine, const struct connection *c) {
  return engine->memory.slots + (size_t)c->slot * SLOT_FIELDS;
}

static struct connection *find(const struct engine *engine, int slot) {
  if (slot < 0 || (size_t)slot >= engine->slots_used) return NULL;
  struct connection *c = engine->connections[slot];
  return c == NULL || c->descriptor < 0 ? NULL : c;
}

static int32_t *add_event(struct engine *engine, enum event_kind kind, int slot, int value) {
  int32_t *event = engine->memory.events + engine->event_count * EVENT_FIELDS;
  memset(event, 0, EVENT_FIELDS * sizeof *event);
  event[EVENT_KIND] = kind;
  event[EVENT_SLOT] = slot;
  event[EVENT_VALUE] = value;
  engine->event_count += 1;
  return event;
}

static void enqueue(struct engine *engine, struct connection *c) {
  struct queue *queue = &engine->ready;
  if (c->queued) return;
  c->queued = true;
  c->next = NULL;
  c->before = queue->last;
  if (queue->last == NULL) queue->first = c;
  else queue->last->next = c;
  queue->last = c;
  queue->length += 1;
}

static void dequeue(struct engine *engine, struct connection *c) {
  struct queue *queue = &engine->ready;
  if (!c->queued) return;
  c->queued = false;
  if (c->before == NULL) queue->first = c->next;
  else c->before->next = c->next;
  if (c->next == NULL) queue->last = c->before;
  else c->next->before = c->before;
  queue->length -= 1;
}

static struct epoll_event interest(const struct connection *c) {
  return (struct epoll_event){
      .events = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET | (c->watched || c->connecting ? EPOLLOUT : 0),
      .data.u64 = (uint64_t)c->generation << 32 | (uint32_t)c->slot,
  };
}

static void watch(struct engine *engine, struct connection *c, bool watched) {
  if (c->watched == watched) return;
  c->watched = watched;
  struct epoll_event event = interest(c);
  epoll_ctl(engine->epoll, EPOLL_CTL_MOD, c->descriptor, &event);
}

/* Reported by a read, in its turn: a write that fails says nothing at once. */
static void fail(struct engine *engine, struct connection *c, int error) {
  if (c->error == 0) c->error = error;
  bytes_free(&c->unsent);
  slot_of(engine, c)[SLOT_UNSENT] = 0;
  enqueue(engine, c);
}

/* The number that the caller sees: the most that it holds where there are more. */
static int shown_unsent(const struct connection *c) {
  return c->unsent.length < INT32_MAX ? (int)c->unsent.length : INT32_MAX;
}

static bool is_full(const struct connection *c) { return c->unsent.length >= c->high_water_mark; }

/* Answers that are written ahead go on growing with what is read: then the engine itself must wait. */
static bool waits_for_room(const struct engine *engine, const struct connection *c) {
  return is_full(c) && !c->plan.answers && (slot_of(engine, c)[SLOT_FLAGS] & FLAG_CUT);
}

static void finish_if_sent(struct connection *c) {
  if (!c->ending || c->shut || c->unsent.length > 0 || c->error != 0) return;
  c->shut = true;
  /* Fails only where the peer has reset the connection, which the next read says. */
  shutdown(c->descriptor, SHUT_WR);
}

/* Sends what the system takes. Returns false when the connection has failed. */
static bool send_bytes(struct engine *engine, struct connection *c, const uint8_t *bytes, size_t length, size_t *sent) {
  *sent = 0;
  while (*sent < length) {
    ssize_t taken = send(c->descriptor, bytes + *sent, length - *sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (taken >= 0) *sent += (size_t)taken;
    else if (errno == EAGAIN || errno == EWOULDBLOCK) return true;
    else if (errno != EINTR) {
      fail(engine, c, errno);
      return false;
    }
  }
  return true;
}

static void send_or_keep(struct engine *engine, struct connection *c, const uint8_t *bytes, size_t length) {
  if (c->error != 0 || length == 0) return;
  size_t sent = 0;
  if (c->unsent.length == 0 && !c->connecting && !send_bytes(engine, c, bytes, length, &sent)) return;
  if (sent == length) return;
  if (!bytes_append(&c->unsent, bytes + sent, length - sent)) {
    fail(engine, c, ENOMEM);
    return;
  }
  slot_of(engine, c)[SLOT_UNSENT] = shown_unsent(c);
  if (!c->connecting) watch(engine, c, true);
}

/* The answers that the caller has kept so far come before all that it writes otherwise. */
static void send_segment(struct engine *engine, struct connection *c) {
  if (c->segment == NULL) return;
  const int32_t first = c->segment[EVENT_ANSWERS];
  const int32_t end = (c->segment[EVENT_FIRST_FRAME] + c->segment[EVENT_FRAMES]) * ANSWER_LENGTH;
  const int32_t wanted = c->segment[EVENT_KEPT];
  const int32_t kept = wanted < 0 ? 0 : wanted < end - first ? wanted : end - first;
  c->segment[EVENT_ANSWERS] += kept;
  c->segment[EVENT_KEPT] = 0;
  if (!c->ending) send_or_keep(engine, c, engine->memory.answers + first, (size_t)kept);
}

/* The system takes more. */
static void send_unsent(struct engine *engine, struct connection *c) {
  if (c->unsent.length > 0) {
    size_t sent = 0;
    if (!send_bytes(engine, c, bytes_first(&c->unsent), c->unsent.length, &sent)) return;
    bytes_take(&c->unsent, sent);
    int32_t *slot = slot_of(engine, c);
    slot[SLOT_UNSENT] = shown_unsent(c);
    if (!is_full(c) && (slot[SLOT_FLAGS] & FLAG_READY) && !(slot[SLOT_FLAGS] & FLAG_PAUSED)) {
      slot[SLOT_FLAGS] &= ~FLAG_READY;
      enqueue(engine, c);
    }
  }
  if (c->unsent.length > 0) return;
  watch(engine, c, false);
  if (c->told_to_wait) {
    c->told_to_wait = false;
    add_event(engine, WRITABLE, c->slot, 0);
  }
  if (c->ending && !c->shut) {
    finish_if_sent(c);
    if (c->shut) add_event(engine, FINISHED, c->slot, 0);
  }
}

static struct connection *add_connection(struct engine *engine, int descriptor, bool connecting) {
  struct connection *c = calloc(1, sizeof *c);
  if (c == NULL) return NULL;
  if (engine->free_count > 0) {
    engine->free_count -= 1;
    c->slot = engine->free_slots[engine->free_count];
  } else if (engine->slots_used < engine->memory.slots_room) {
    c->slot = (int)engine->slots_used;
    engine->slots_used += 1;
  } else {
    free(c);
    return NULL;
  }
  engine->generation += 1;
  c->generation = engine->generation;
  c->descriptor = descriptor;
  c->connecting = connecting;
  c->high_water_mark = READ_LENGTH;
  int32_t *slot = slot_of(engine, c);
  memset(slot, 0, SLOT_FIELDS * sizeof *slot);
  slot[SLOT_FLAGS] = FLAG_PAUSED;
  struct epoll_event event = interest(c);
  if (epoll_ctl(engine->epoll, EPOLL_CTL_ADD, descriptor, &event) < 0) {
    engine->free_slots[engine->free_count++] = c->slot;
    free(c);
    return NULL;
  }
  engine->connections[c->slot] = c;
  engine->live += 1;
  return c;
}

/* libuv's own settings for a socket that Node accepts with noDelay and keepAlive. Unix sockets know none of them. */
static void set_options(int descriptor, int idle) {
  const int on = 1, interval = KEEP_ALIVE_INTERVAL, probes = KEEP_ALIVE_PROBES;
  if (setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0) return;
  setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

/* Without a descriptor left, the listener would stay readable for ever: takes the connection, and closes it. */
static void shed(struct engine *engine, int listener) {
  close(engine->reserve);
  const int descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (descriptor >= 0) close(descriptor);
  engine->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void accept_all(struct engine *engine, int number) {
  struct listener *listener = &engine->listeners[number];
  /* One at a time of a shared one: after each, the process may leave the next to the others. */
  const int most = listener->shared ? 1 : ACCEPTED_AT_ONCE;
  for (int i = 0; i < most && listener->descriptor >= 0 && !listener->paused; i++) {
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    const int descriptor =
        accept4(listener->descriptor, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;
      add_event(engine, ACCEPT_FAILED, -1, errno)[EVENT_START] = number;
      if (errno == EMFILE || errno == ENFILE) shed(engine, listener->descriptor);
      return;
    }
    struct connection *c = add_connection(engine, descriptor, false);
    if (c == NULL) {
      close(descriptor);
      add_event(engine, ACCEPT_FAILED, -1, ENOBUFS)[EVENT_START] = number;
      return;
    }
    if (length <= sizeof c->peer && (peer.ss_family == AF_INET || peer.ss_family == AF_INET6)) {
      memcpy(&c->peer, &peer, length);
    }
    add_event(engine, ACCEPTED, c->slot, number);
  }
}

static void connected(struct engine *engine, struct connection *c) {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(c->descriptor, SOL_SOCKET, SO_ERROR, &error, &length) < 0) error = errno;
  c->connecting = false;
  if (error != 0) {
    fail(engine, c, error);
    return;
  }
  struct epoll_event event = interest(c);
  epoll_ctl(engine->epoll, EPOLL_CTL_MOD, c->descriptor, &event);
  add_event(engine, CONNECTED, c->slot, 0);
  if (c->unsent.length > 0) watch(engine, c, true);
  else if (c->ending) {
    finish_if_sent(c);
    add_event(engine, FINISHED, c->slot, 0);
  }
}

static void cut(struct engine *engine, struct connection *c, int32_t *event, const uint8_t *arena, size_t *frame_count) {
  const size_t first = *frame_count;
  const size_t start = (size_t)event[EVENT_START];
  const size_t end = (size_t)event[EVENT_END];
  int32_t *index = engine->memory.frames + 2 * first;
  const struct cut_result result =
      c->plan.answers ? cut_answers(c->plan.answer, arena, start, end, index, c->plan.most)
                      : cut_frames(&c->plan, arena, start, end, index, engine->memory.answers + first * ANSWER_LENGTH);
  event[EVENT_KIND] = c->plan.answers ? ANSWERS : FRAMES;
  event[EVENT_CUT_END] = (int32_t)result.end;
  event[EVENT_STOPPED] = result.why == CUT_STOPPED;
  event[EVENT_FIRST_FRAME] = (int32_t)first;
  event[EVENT_FRAMES] = (int32_t)result.frames;
  event[EVENT_ANSWERS] = (int32_t)(first * ANSWER_LENGTH);
  *frame_count += result.frames;
  const size_t left = (size_t)event[EVENT_END] - result.end;
  if (result.why == CUT_TAIL && left > 0 && !bytes_append(&c->tail, arena + result.end, left)) {
    event[EVENT_STOPPED] = 1;
  }
  slot_of(engine, c)[SLOT_TAIL] = (int32_t)c->tail.length;
  if (result.frames > 0 && !c->plan.answers) {
    c->segment = event;
    engine->segments[engine->segment_count++] = c;
  }
}

static void report_failure(struct engine *engine, struct connection *c, int error) {
  c->error = error;
  c->ended = c->failed = true;
  add_event(engine, FAILED, c->slot, error);
}

/*
 * Receives bytes. On a Unix socket the read ends where the peer has sent descriptors, which are not taken: `*more` says
 * that more may follow.
 */
static ssize_t receive(const struct connection *c, uint8_t *bytes, bool *more) {
  if (c->peer.any.sa_family != AF_UNSPEC) return recv(c->descriptor, bytes, READ_LENGTH, MSG_DONTWAIT);
  struct iovec part = {.iov_base = bytes, .iov_len = READ_LENGTH};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  const ssize_t length = recvmsg(c->descriptor, &message, MSG_DONTWAIT);
  *more = length > 0 && (message.msg_flags & MSG_CTRUNC);
  return length;
}

/* Reads one connection once. Returns where the bytes end. */
static size_t read_once(struct engine *engine, struct connection *c, uint8_t *arena, size_t at, size_t *frame_count) {
  int32_t *slot = slot_of(engine, c);
  /* The caller may have taken it over. */
  const size_t kept = slot[SLOT_TAIL] == 0 ? 0 : c->tail.length;
  if (kept > 0) memcpy(arena + at, bytes_first(&c->tail), kept);
  const size_t fresh = at + kept;
  bool more = false;
  ssize_t length;
  do {
    length = receive(c, arena + fresh, &more);
  } while (length < 0 && errno == EINTR);
  if (length < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return at;
    report_failure(engine, c, errno);
    return at;
  }
  c->tail.start = c->tail.length = 0;
  slot[SLOT_TAIL] = 0;
  const size_t end = fresh + (size_t)length;
  if (end > at) {
    int32_t *event = add_event(engine, BYTES, c->slot, 0);
    event[EVENT_START] = (int32_t)at;
    event[EVENT_FRESH] = (int32_t)fresh;
    event[EVENT_END] = (int32_t)end;
    if (length > 0 && (slot[SLOT_FLAGS] & FLAG_CUT)) cut(engine, c, event, arena, frame_count);
  }
  if (c->tail.length == 0) bytes_free(&c->tail);
  if (length == 0) {
    c->ended = true;
    add_event(engine, ENDED, c->slot, 0);
  } else if (length == READ_LENGTH || more || c->read_on) enqueue(engine, c);
  return (end + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
}

static void read_ready(struct engine *engine, uint8_t *arena, size_t position, size_t length, size_t *used) {
  size_t at = position;
  size_t frame_count = 0;
  for (size_t left = engine->ready.length; left > 0; left--) {
    if (at + LONGEST_TAIL + READ_LENGTH + CACHE_LINE > length) break;
    if (frame_count + LEAST_FRAMES > engine->memory.frames_room) break;
    if (engine->event_count + 4 > engine->memory.events_room) break;
    struct connection *c = engine->ready.first;
    dequeue(engine, c);
    int32_t *slot = slot_of(engine, c);
    if (c->error != 0 && !c->failed) {
      report_failure(engine, c, c->error);
    } else if (c->ended || c->connecting) {
      continue;
    } else if ((slot[SLOT_FLAGS] & FLAG_PAUSED) || waits_for_room(engine, c)) {
      slot[SLOT_FLAGS] |= FLAG_READY;
      if (waits_for_room(engine, c) && !c->told_to_wait) {
        c->told_to_wait = true;
        add_event(engine, FULL, c->slot, 0);
      }
    } else {
      at = read_once(engine, c, arena, at, &frame_count);
    }
  }
  *used = at < length ? at : length;
}

size_t engine_collect(struct engine *engine, uint8_t *arena, size_t position, size_t length, size_t *used) {
  struct epoll_event events[EVENTS_AT_ONCE];
  /* The turn before, if the caller did not finish it. */
  engine_finish(engine);
  int count = epoll_wait(engine->epoll, events, EVENTS_AT_ONCE, 0);
  for (int i = 0; i < count; i++) {
    const uint32_t number = (uint32_t)events[i].data.u64;
    if (number & LISTENER_BIT) {
      /* A listener takes more events than one: only while all others have room. */
      const size_t room = engine->memory.events_room - engine->event_count;
      if (room > (size_t)(2 * (count - i) + ACCEPTED_AT_ONCE + 4)) accept_all(engine, (int)(number & (LISTENER_BIT - 1)));
      continue;
    }
    struct connection *c = find(engine, (int)number);
    if (c == NULL || c->generation != (uint32_t)(events[i].data.u64 >> 32)) continue;
    const uint32_t what = events[i].events;
    if (what & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) c->read_on = true;
    if (c->connecting) {
      if (what & (EPOLLOUT | EPOLLHUP | EPOLLERR)) connected(engine, c);
      if (c->connecting || c->error != 0) continue;
    } else if ((what & EPOLLOUT) && c->error == 0) send_unsent(engine, c);
    if (what & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) enqueue(engine, c);
  }
  read_ready(engine, arena, position, length, used);
  return engine->event_count;
}

size_t engine_next_group(const struct engine *engine, size_t from, size_t count, size_t most) {
  size_t frames = 0;
  size_t to = from;
  while (to < count && (to == from || frames < most)) {
    frames += (size_t)engine->memory.events[to * EVENT_FIELDS + EVENT_FRAMES];
    to += 1;
  }
  return to;
}

void engine_flush(struct engine *engine, size_t from, size_t to) {
  for (size_t i = from; i < to; i++) {
    const int32_t *event = engine->memory.events + i * EVENT_FIELDS;
    struct connection *c = event[EVENT_KIND] == FRAMES ? find(engine, event[EVENT_SLOT]) : NULL;
    if (c != NULL && c->segment == event) send_segment(engine, c);
  }
}

void engine_finish(struct engine *engine) {
  for (size_t i = 0; i < engine->segment_count; i++) {
    struct connection *c = engine->segments[i];
    if (c->descriptor >= 0) send_segment(engine, c);
    /* The next turn says so. */
    if (c->descriptor >= 0 && waits_for_room(engine, c)) enqueue(engine, c);
    c->segment = NULL;
  }
  engine->segment_count = 0;
  if (engine->event_count > 0) {
    for (int i = 0; i < LISTENERS_MOST; i++) engine->listeners[i].used = engine->listeners[i].descriptor >= 0;
    engine->event_count = 0;
  }
  while (engine->closed != NULL) {
    struct connection *c = engine->closed;
    engine->closed = c->next;
    engine->free_slots[engine->free_count++] = c->slot;
    free(c);
  }
}

struct engine *engine_create(const struct engine_memory *memory) {
  if (memory->events_room < LEAST_EVENTS || memory->frames_room < LEAST_FRAMES) {
    errno = EINVAL;
    return NULL;
  }
  struct engine *engine = calloc(1, sizeof *engine);
  if (engine == NULL) return NULL;
  engine->memory = *memory;
  engine->epoll = epoll_create1(EPOLL_CLOEXEC);
  engine->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
  engine->connections = calloc(memory->slots_room, sizeof(struct connection *));
  engine->free_slots = calloc(memory->slots_room, sizeof(int));
  engine->segments = calloc(memory->events_room, sizeof(struct connection *));
  for (int i = 0; i < LISTENERS_MOST; i++) engine->listeners[i].descriptor = -1;
  if (engine->epoll >= 0 && engine->connections != NULL && engine->free_slots != NULL && engine->segments != NULL) {
    return engine;
  }
  const int error = errno;
  engine_destroy(engine);
  errno = error;
  return NULL;
}

void engine_destroy(struct engine *engine) {
  for (size_t i = 0; i < engine->slots_used; i++) {
    if (find(engine, (int)i) != NULL) engine_close(engine, (int)i);
  }
  engine_finish(engine);
  for (int i = 0; i < LISTENERS_MOST; i++) {
    if (engine->listeners[i].descriptor >= 0) close(engine->listeners[i].descriptor);
  }
  if (engine->epoll >= 0) close(engine->epoll);
  if (engine->reserve >= 0) close(engine->reserve);
  free(engine->connections);
  free(engine->free_slots);
  free(engine->segments);
  free(engine);
}

int engine_descriptor(const struct engine *engine) { return engine->epoll; }

bool engine_is_due(const struct engine *engine) { return engine->ready.length > 0; }

size_t engine_live(const struct engine *engine) { return engine->live; }

static int watch_listener(struct engine *engine, int number) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.u64 = (uint32_t)(number | LISTENER_BIT)};
  return epoll_ctl(engine->epoll, EPOLL_CTL_ADD, engine->listeners[number].descriptor, &event) < 0 ? -errno : 0;
}

int engine_listen(struct engine *engine, int descriptor, bool shared) {
  for (int number = 0; number < LISTENERS_MOST; number++) {
    if (engine->listeners[number].used) continue;
    engine->listeners[number] = (struct listener){.descriptor = descriptor, .used = true, .shared = shared};
    /* What it accepts inherits them. */
    set_options(descriptor, KEEP_ALIVE_ACCEPTED);
    const int error = watch_listener(engine, number);
    if (error < 0) {
      engine->listeners[number] = (struct listener){.descriptor = -1};
      return error;
    }
    engine->live += 1;
    return number;
  }
  return -ENOBUFS;
}

static struct listener *find_listener(struct engine *engine, int number) {
  if (number < 0 || number >= LISTENERS_MOST || engine->listeners[number].descriptor < 0) return NULL;
  return &engine->listeners[number];
}

int engine_pause_listener(struct engine *engine, int number) {
  struct listener *listener = find_listener(engine, number);
  if (listener == NULL) return -EBADF;
  if (listener->paused) return 0;
  if (epoll_ctl(engine->epoll, EPOLL_CTL_DEL, listener->descriptor, NULL) < 0) return -errno;
  listener->paused = true;
  return 0;
}

int engine_resume_listener(struct engine *engine, int number) {
  struct listener *listener = find_listener(engine, number);
  if (listener == NULL) return -EBADF;
  if (!listener->paused) return 0;
  const int error = watch_listener(engine, number);
  listener->paused = error < 0;
  return error;
}

void engine_unlisten(struct engine *engine, int number) {
  struct listener *listener = find_listener(engine, number);
  if (listener == NULL) return;
  if (!listener->paused) epoll_ctl(engine->epoll, EPOLL_CTL_DEL, listener->descriptor, NULL);
  listener->descriptor = -1;
  listener->used = engine->event_count > 0;
  engine->live -= 1;
}

int engine_connect(struct engine *engine, const struct sockaddr *address, socklen_t length) {
  const int descriptor = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  set_options(descriptor, KEEP_ALIVE_CONNECTED);
  /* A Unix socket is connected at once, or not at all. A signal does not end what was begun. */
  if (connect(descriptor, address, length) < 0 && errno != EINPROGRESS && errno != EINTR) {
    const int error = errno;
    close(descriptor);
    return -error;
  }
  struct connection *c = add_connection(engine, descriptor, true);
  if (c == NULL) {
    close(descriptor);
    return -ENOBUFS;
  }
  if (length <= sizeof c->peer && (address->sa_family == AF_INET || address->sa_family == AF_INET6)) {
    memcpy(&c->peer, address, length);
  }
  return c->slot;
}

int engine_set_high_water_mark(struct engine *engine, int slot, size_t bytes) {
  struct connection *c = find(engine, slot);
  if (c == NULL) return -EBADF;
  c->high_water_mark = bytes > 0 ? bytes : 1;
  return 0;
}

int engine_set_plan(struct engine *engine, int slot, const struct cut_plan *plan) {
  struct connection *c = find(engine, slot);
  if (c == NULL) return -EBADF;
  c->plan = *plan;
  return 0;
}

int engine_resume(struct engine *engine, int slot) {
  struct connection *c = find(engine, slot);
  if (c == NULL) return -EBADF;
  slot_of(engine, c)[SLOT_FLAGS] &= ~FLAG_READY;
  enqueue(engine, c);
  return 0;
}

int engine_write(struct engine *engine, int slot, const uint8_t *bytes, size_t length) {
  struct connection *c = find(engine, slot);
  if (c == NULL) return -EBADF;
  if (c->ending) return -EPIPE;
  send_segment(engine, c);
  send_or_keep(engine, c, bytes, length);
  if (is_full(c)) c->told_to_wait = true;
  return shown_unsent(c);
}

int engine_send_requests(struct engine *engine, int slot, const uint8_t *frame, size_t length, uint32_t serial,
                         size_t count) {
  if (length < SHORTEST_REQUEST) return -EINVAL;
  const size_t at_once = sizeof engine->requests / length;
  if (at_once == 0) return -EMSGSIZE;
  int unsent = 0;
  for (size_t left = count; left > 0 && unsent >= 0;) {
    const size_t now = left < at_once ? left : at_once;
    write_requests(engine->requests, frame, length, serial, now);
    unsent = engine_write(engine, slot, engine->requests, now * length);
    serial = (uint32_t)((serial + now) % SERIALS);
    left -= now;
  }
  return unsent;
}

int engine_end(struct engine *engine, int slot) {
  struct connection *c = find(engine, slot);
  if (c == NULL) return -EBADF;
  send_segment(engine, c);
  c->ending = true;
  if (!c->connecting) finish_if_sent(c);
  return c->shut;
}

int engine_close(struct engine *engine, int slot) {
  struct connection *c = find(engine, slot);
  if (c == NULL) return -EBADF;
  dequeue(engine, c);
  close(c->descriptor);
  c->descriptor = -1;
  bytes_free(&c->unsent);
  bytes_free(&c->tail);
  engine->connections[slot] = NULL;
  engine->live -= 1;
  c->next = engine->closed;
  engine->closed = c;
  return 0;
}

int engine_peer(struct engine *engine, int slot, struct sockaddr_storage *address) {
  struct connection *c = find(engine, slot);
  if (c == NULL) return -EBADF;
  memcpy(address, &c->peer, sizeof c->peer);
  return 0;
}
