/*
 * Drives the engine by a script, over Unix and TCP sockets, and checks that each byte arrives once and in order, both ways,
 * that events come when they may and never after a close, and that in the end nothing is left behind. Each byte of the
 * input is a step, or an argument of one. System calls are interrupted and cut short, and allocations fail, where the
 * script says so.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "reference.h"

/* ---- Faults ---- */

static unsigned fault_send, fault_receive, fault_memory;

static bool fault(unsigned *counter) {
  if (*counter == 0) return false;
  *counter -= 1;
  return *counter == 0;
}

static ssize_t fuzz_send(int descriptor, const void *bytes, size_t length, int flags) {
  if (fault(&fault_send)) {
    errno = EINTR;
    return -1;
  }
  if (fault_send % 2 == 1 && length > 1) length = 1 + length / 2;
  return send(descriptor, bytes, length, flags);
}

static ssize_t fuzz_recv(int descriptor, void *bytes, size_t length, int flags) {
  if (fault(&fault_receive)) {
    errno = EINTR;
    return -1;
  }
  return recv(descriptor, bytes, length, flags);
}

static ssize_t fuzz_recvmsg(int descriptor, struct msghdr *message, int flags) {
  if (fault(&fault_receive)) {
    errno = EINTR;
    return -1;
  }
  return recvmsg(descriptor, message, flags);
}

static void *fuzz_realloc(void *memory, size_t size) { return fault(&fault_memory) ? NULL : realloc(memory, size); }
static void *fuzz_calloc(size_t count, size_t size) { return fault(&fault_memory) ? NULL : calloc(count, size); }

#define send fuzz_send
#define recv fuzz_recv
#define recvmsg fuzz_recvmsg
#define realloc fuzz_realloc
#define calloc fuzz_calloc
#include "../native/engine.c"
#undef send
#undef recv
#undef recvmsg
#undef realloc
#undef calloc

/* ---- The script ---- */

static const uint8_t *script, *script_end;

static uint8_t next_byte(void) { return script < script_end ? *script++ : 0; }
static size_t next_number(void) {
  const size_t high = next_byte();
  return high << 8 | next_byte();
}

/* ---- The model ---- */

enum {
  LINKS = 10,
  SLOTS = 8, /* fewer: at times there is none */
  ARENA_LENGTH = 2 * (LONGEST_TAIL + READ_LENGTH + 64) + 1000,
  MOST_BYTES = 400 * 1000,
  REQUEST = 2,
  ANSWER = 0x82,
  PATIENCE = 3000
};

struct text {
  uint8_t *bytes;
  size_t length;
};

enum link_kind { LINK_UNUSED, LINK_TCP, LINK_UNIX };

struct link {
  enum link_kind kind;
  int peer;          /* -1 once it is closed */
  int slot;          /* -1 before it is accepted, and once it is closed */
  uint64_t order;    /* of the connects: the order in which they are accepted */
  bool waiting;      /* for the engine to accept it */
  bool dropped;      /* the engine had no room for it */
  bool connecting;   /* the engine connects */
  bool refused;      /* nobody listens there */
  bool urgent;       /* an urgent byte was sent */
  bool peer_ended;   /* the peer has shut down its side */
  bool peer_gone;    /* the peer has closed or reset it */
  bool peer_saw_end; /* the peer has read our end */
  bool ended, failed, closed, ending, finish_due, waits, paused;
  struct text sent;  /* by the peer */
  size_t flushed, received, kept;
  struct text written; /* to the peer */
  size_t read;
  struct cut_plan plan, next_plan; /* of this turn, of the next */
  int32_t *event; /* of this turn, with answers to be kept */
  size_t answers_sent, answers_held;
};

static struct engine *engine;
static struct engine_memory memory;
static uint8_t *arena;
static struct link links[LINKS];
static uint64_t orders;
static int listeners[2]; /* descriptors, TCP and Unix; -1 once closed */
static int numbers[2];   /* the engine's; -1 once closed */
static bool accepting[2];
static bool in_turn;
static const struct link *handled; /* the one whose event is being handled */
static struct sockaddr_storage addresses[2];
static socklen_t address_lengths[2];

static void add_text(struct text *text, const void *bytes, size_t length) {
  text->bytes = realloc(text->bytes, text->length + length + 1);
  CHECK(text->bytes != NULL);
  memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
}

static bool is_live(const struct link *l) { return l->kind != LINK_UNUSED && l->slot >= 0 && !l->closed; }

static struct link *link_of(int slot) {
  for (int i = 0; i < LINKS; i++) {
    if (is_live(&links[i]) && links[i].slot == slot) return &links[i];
  }
  return NULL;
}

static size_t live_count(void) {
  size_t count = 0;
  for (int i = 0; i < LINKS; i++) count += is_live(&links[i]);
  for (int i = 0; i < 2; i++) count += listeners[i] >= 0;
  return count;
}

static int32_t *slot_at(const struct link *l) { return memory.slots + (size_t)l->slot * SLOT_FIELDS; }

/* One that is used, if there is one. */
static struct link *some_link(void) {
  size_t at = next_byte() % LINKS;
  for (int i = 0; i < LINKS && links[at].kind == LINK_UNUSED; i++) at = (at + 1) % LINKS;
  return &links[at];
}

static struct link *free_link(void) {
  for (int i = 0; i < LINKS; i++) {
    if (links[i].kind == LINK_UNUSED) return &links[i];
  }
  return NULL;
}

static void forget(struct link *l) {
  if (l->peer >= 0) {
    const struct linger linger = {.l_onoff = 1};
    setsockopt(l->peer, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(l->peer);
  }
  free(l->sent.bytes);
  free(l->written.bytes);
  *l = (struct link){.peer = -1, .slot = -1};
}

/* ---- The peer ---- */

static int peer_socket(int family) {
  const int descriptor = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(descriptor >= 0);
  return descriptor;
}

/* The least buffer for what is sent. TCP would wait for the timer of a delayed ACK each time: it keeps its own. */
static void make_small(int descriptor, bool tcp) {
  const int small = 1;
  if (!tcp) setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
}

static void no_blocking(int descriptor) { CHECK(fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0); }

static void peer_connects(int which) {
  struct link *l = free_link();
  if (l == NULL || listeners[which] < 0) return;
  const int descriptor = peer_socket(addresses[which].ss_family);
  if (next_byte() & 1) make_small(descriptor, which == 0);
  if (connect(descriptor, (struct sockaddr *)&addresses[which], address_lengths[which]) < 0) {
    /* The system has its own reasons (ports, backlog, memory): this peer is not there. */
    close(descriptor);
    return;
  }
  no_blocking(descriptor);
  *l = (struct link){.kind = which == 0 ? LINK_TCP : LINK_UNIX,
                     .peer = descriptor,
                     .slot = -1,
                     .waiting = true,
                     .paused = true,
                     .order = orders++};
}

static void peer_flush(struct link *l, size_t most) {
  while (l->peer >= 0 && !l->peer_ended && l->flushed < l->sent.length && most > 0) {
    size_t length = l->sent.length - l->flushed;
    if (length > most) length = most;
    const ssize_t sent = send(l->peer, l->sent.bytes + l->flushed, length, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EAGAIN) return;
      CHECK(l->closed || l->failed || l->dropped || l->waiting);
      l->flushed = l->sent.length;
      return;
    }
    l->flushed += (size_t)sent;
    most -= (size_t)sent;
  }
}

static void peer_reads(struct link *l, size_t most) {
  uint8_t bytes[4096];
  while (l->peer >= 0 && !l->peer_saw_end && most > 0) {
    const ssize_t length = recv(l->peer, bytes, most < sizeof bytes ? most : sizeof bytes, 0);
    if (length < 0 && errno == EAGAIN) return;
    if (length <= 0) {
      l->peer_saw_end = true;
      CHECK(l->closed || l->ending || l->failed || l->dropped || l->waiting);
      if (length == 0 && l->ending && !l->closed && !l->failed) CHECK(l->read == l->written.length);
      return;
    }
    CHECK(l->read + (size_t)length <= l->written.length);
    CHECK(memcmp(bytes, l->written.bytes + l->read, (size_t)length) == 0);
    l->read += (size_t)length;
    most -= (size_t)length;
  }
}

static void peer_makes_frame(struct link *l, size_t length, uint8_t command) {
  if (l->peer < 0 || l->peer_ended || l->sent.length + length + 13 > MOST_BYTES) return;
  uint8_t *frame = malloc(length + 13);
  const uint32_t announced = (uint32_t)length + 13;
  for (size_t i = 0; i < length + 13; i++) frame[i] = (uint8_t)(l->sent.length + i * 7);
  for (int i = 0; i < 4; i++) frame[i] = (uint8_t)(announced >> (24 - 8 * i));
  frame[4] = command;
  add_text(&l->sent, frame, length + 13);
  free(frame);
}

/* Not its own: that would stay open until the engine reads it. */
static void peer_sends_descriptor(struct link *l) {
  const int passed = STDERR_FILENO;
  if (l->kind != LINK_UNIX || l->peer < 0 || l->peer_ended || l->flushed < l->sent.length) return;
  uint8_t byte = (uint8_t)l->sent.length;
  struct iovec part = {.iov_base = &byte, .iov_len = 1};
  union {
    struct cmsghdr header;
    uint8_t bytes[CMSG_SPACE(sizeof(int))];
  } control = {.header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))}};
  memcpy(CMSG_DATA(&control.header), &passed, sizeof passed);
  const struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.bytes};
  if (sendmsg(l->peer, &message, MSG_NOSIGNAL) != 1) return;
  add_text(&l->sent, &byte, 1);
  l->flushed += 1;
}

/* Only once: a second one makes the first a part of the stream. */
static void peer_sends_urgent(struct link *l) {
  if (l->kind != LINK_TCP || l->peer < 0 || l->peer_ended || l->urgent || l->flushed < l->sent.length) return;
  l->urgent = send(l->peer, "!", 1, MSG_NOSIGNAL | MSG_OOB) == 1;
}

static void peer_closes(struct link *l, bool reset) {
  if (l->peer < 0) return;
  const struct linger linger = {.l_onoff = 1};
  if (reset) setsockopt(l->peer, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  close(l->peer);
  l->peer = -1;
  l->peer_gone = true;
}

/* ---- The caller ---- */

static void flush_held(struct link *l) {
  if (l->event == NULL || l->answers_held == 0) return;
  add_text(&l->written, memory.answers + l->event[EVENT_ANSWERS], l->answers_held);
  l->answers_sent += l->answers_held;
  l->answers_held = 0;
}

static void keep_answers(struct link *l, size_t count) {
  if (l->event == NULL || l->ending) return;
  const size_t left = (size_t)l->event[EVENT_FRAMES] * ANSWER_LENGTH - l->answers_sent;
  const size_t length = count * ANSWER_LENGTH;
  l->answers_held = length < left ? length : left;
  l->event[EVENT_KEPT] = (int32_t)length; /* More than there are is cut to what there is. */
}

static void writes(struct link *l, size_t length) {
  if (!is_live(l) || l->written.length + length > MOST_BYTES) return;
  uint8_t *bytes = malloc(length + 1);
  for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)((l->written.length + i) * 11);
  if (!l->ending) flush_held(l);
  const int unsent = engine_write(engine, l->slot, bytes, length);
  if (l->ending) CHECK(unsent == -EPIPE);
  else {
    CHECK(unsent >= 0);
    CHECK(unsent == slot_at(l)[SLOT_UNSENT]);
    add_text(&l->written, bytes, length);
    if ((size_t)unsent >= engine->connections[l->slot]->high_water_mark) l->waits = true;
  }
  free(bytes);
}

static void ends(struct link *l) {
  if (!is_live(l)) return;
  if (!l->ending) flush_held(l);
  l->answers_held = 0;
  const int result = engine_end(engine, l->slot);
  CHECK(result == 0 || result == 1);
  if (!l->ending) l->finish_due = result == 0;
  l->ending = true;
}

static void closes(struct link *l) {
  if (!is_live(l)) return;
  CHECK(engine_close(engine, l->slot) == 0);
  CHECK(engine_close(engine, l->slot) == -EBADF);
  CHECK(engine_write(engine, l->slot, (const uint8_t *)"", 0) == -EBADF);
  l->closed = true;
  l->slot = -1;
  l->event = NULL;
}

static void pauses(struct link *l, bool paused) {
  if (!is_live(l)) return;
  l->paused = paused;
  int32_t *flags = slot_at(l) + SLOT_FLAGS;
  const bool ready = *flags & FLAG_READY;
  *flags = (*flags & ~FLAG_PAUSED) | (paused ? FLAG_PAUSED : 0);
  if (!paused && ready) CHECK(engine_resume(engine, l->slot) == 0);
}

static void cuts(struct link *l, uint8_t how) {
  if (!is_live(l)) return;
  if (how & 1) {
    l->next_plan = (struct cut_plan){.request = REQUEST,
                                .answer = ANSWER,
                                .longest = how & 2 ? 100 : 20000,
                                .most = how & 4 ? 3 : UINT32_MAX};
    CHECK(engine_set_plan(engine, l->slot, &l->next_plan) == 0);
    slot_at(l)[SLOT_FLAGS] |= FLAG_CUT;
    return;
  }
  slot_at(l)[SLOT_FLAGS] &= ~FLAG_CUT;
  /* In a turn, what is kept may not be delivered yet. */
  if ((how & 2) && (!in_turn || handled == l)) {
    slot_at(l)[SLOT_TAIL] = 0;
    l->kept = 0;
  }
}

static void engine_connects(uint8_t how) {
  struct link *l = free_link();
  if (l == NULL) return;
  const int which = how & 1;
  const bool refused = how & 2;
  const int listener = peer_socket(which == 0 ? AF_INET : AF_UNIX);
  struct sockaddr_storage address = {.ss_family = which == 0 ? AF_INET : AF_UNIX};
  socklen_t length = sizeof(struct sockaddr_in);
  if (which == 0) ((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(bind(listener, (struct sockaddr *)&address, which == 0 ? length : sizeof(sa_family_t)) == 0);
  if (!refused) CHECK(listen(listener, 4) == 0);
  length = sizeof address;
  CHECK(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
  const int slot = engine_connect(engine, (struct sockaddr *)&address, length);
  if (slot < 0) {
    CHECK(slot == -ENOBUFS || slot == -EADDRNOTAVAIL || (refused && slot == -ECONNREFUSED));
    close(listener);
    return;
  }
  CHECK(link_of(slot) == NULL);
  *l = (struct link){.kind = which == 0 ? LINK_TCP : LINK_UNIX,
                     .peer = -1,
                     .slot = slot,
                     .connecting = true,
                     .refused = refused,
                     .peer_gone = refused,
                     .paused = true};
  if (!refused) {
    l->peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    CHECK(l->peer >= 0);
  }
  close(listener);
}

static void pauses_listener(int which, bool accept) {
  if (listeners[which] < 0) return;
  CHECK((accept ? engine_resume_listener : engine_pause_listener)(engine, numbers[which]) == 0);
  accepting[which] = accept;
}

static void unlistens(int which) {
  if (listeners[which] < 0) return;
  engine_unlisten(engine, numbers[which]);
  close(listeners[which]);
  listeners[which] = numbers[which] = -1;
}

static void listens(int which) {
  if (listeners[which] >= 0) return;
  for (int i = 0; i < LINKS; i++) {
    /* Those that were not accepted have gone with the listener before. */
    if (links[i].waiting && (links[i].kind == LINK_UNIX) == which) forget(&links[i]);
  }
  struct sockaddr_storage address = {.ss_family = which == 0 ? AF_INET : AF_UNIX};
  if (which == 0) ((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int descriptor = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  CHECK(bind(descriptor, (struct sockaddr *)&address, which == 0 ? sizeof(struct sockaddr_in) : sizeof(sa_family_t)) == 0);
  CHECK(listen(descriptor, 2 * LINKS) == 0);
  address_lengths[which] = sizeof addresses[which];
  CHECK(getsockname(descriptor, (struct sockaddr *)&addresses[which], &address_lengths[which]) == 0);
  numbers[which] = engine_listen(engine, descriptor, which % 2 == 1);
  CHECK(numbers[which] >= 0);
  listeners[which] = descriptor;
  accepting[which] = true;
}

static void step(void);

/* ---- A turn ---- */

static struct link *first_waiting(int listener) {
  struct link *first = NULL;
  for (int i = 0; i < LINKS; i++) {
    struct link *l = &links[i];
    if (!l->waiting || (l->kind == LINK_UNIX) != (listener == numbers[1])) continue;
    if (first == NULL || l->order < first->order) first = l;
  }
  return first;
}

static void on_accepted(const int32_t *event) {
  const int which = event[EVENT_VALUE] == numbers[1];
  if (numbers[which] != event[EVENT_VALUE]) {
    /* Closed within this turn. */
    CHECK(engine_close(engine, event[EVENT_SLOT]) == 0);
    return;
  }
  struct link *l = first_waiting(event[EVENT_VALUE]);
  CHECK(l != NULL);
  CHECK(link_of(event[EVENT_SLOT]) == NULL);
  l->waiting = false;
  l->slot = event[EVENT_SLOT];
  struct sockaddr_storage peer = {0};
  CHECK(engine_peer(engine, l->slot, &peer) == 0);
  if (l->kind == LINK_UNIX) CHECK(peer.ss_family == AF_UNSPEC);
  else if (l->peer >= 0) {
    struct sockaddr_in own;
    socklen_t length = sizeof own;
    CHECK(getsockname(l->peer, (struct sockaddr *)&own, &length) == 0);
    CHECK(((struct sockaddr_in *)&peer)->sin_port == own.sin_port);
  }
  engine_set_high_water_mark(engine, l->slot, 1 + next_number());
}

static void on_read(struct link *l, int32_t *event) {
  const size_t start = (size_t)event[EVENT_START], fresh = (size_t)event[EVENT_FRESH], end = (size_t)event[EVENT_END];
  CHECK(start <= fresh && fresh <= end && start < end && end <= ARENA_LENGTH);
  CHECK(fresh - start == l->kept);
  CHECK(!l->connecting);
  if (!l->peer_gone || l->peer >= 0 || l->sent.length > 0) CHECK(l->received + (end - fresh) <= l->sent.length);
  CHECK(memcmp(arena + start, l->sent.bytes + l->received - l->kept, end - start) == 0);
  l->received += end - fresh;
  l->kept = 0;
  if (event[EVENT_KIND] == BYTES) return;
  const size_t first = (size_t)event[EVENT_FIRST_FRAME], cut_end = (size_t)event[EVENT_CUT_END];
  CHECK(cut_end >= start && cut_end <= end);
  CHECK((size_t)event[EVENT_ANSWERS] == first * ANSWER_LENGTH);
  struct cut_result result = {(size_t)event[EVENT_FRAMES], cut_end, event[EVENT_STOPPED] ? CUT_STOPPED : CUT_TAIL};
  size_t length = 0;
  const bool tail = cut_end == end || reference_look(&l->plan, arena + cut_end, end - cut_end, &length) == PART_OF_FRAME;
  /* Without memory for a tail, the caller gets it. */
  if (tail) result.why = CUT_TAIL;
  reference_check(&l->plan, arena, start, end, result, memory.frames + 2 * first, memory.answers + event[EVENT_ANSWERS]);
  if (!event[EVENT_STOPPED]) l->kept = end - cut_end;
  CHECK(slot_at(l)[SLOT_TAIL] == (int32_t)l->kept);
  l->event = event;
  l->answers_sent = l->answers_held = 0;
  keep_answers(l, next_byte() % 16);
}

static void on_event(int32_t *event, const bool *paused) {
  const int kind = event[EVENT_KIND], slot = event[EVENT_SLOT];
  if (kind == ACCEPTED) {
    on_accepted(event);
    return;
  }
  if (kind == ACCEPT_FAILED) {
    CHECK(event[EVENT_VALUE] == ENOBUFS);
    const int which = event[EVENT_START] == numbers[1];
    if (numbers[which] != event[EVENT_START]) return;
    struct link *l = first_waiting(event[EVENT_START]);
    CHECK(l != NULL);
    l->waiting = false;
    l->dropped = true;
    return;
  }
  struct link *l = link_of(slot);
  if (l == NULL) return; /* Closed within this turn: checked before it began. */
  CHECK(!l->failed);
  switch (kind) {
    case BYTES:
    case FRAMES:
      CHECK(!l->ended && !paused[l - links]);
      on_read(l, event);
      break;
    case ENDED:
      CHECK(!l->ended && !l->connecting && !paused[l - links]);
      CHECK(l->peer_ended || l->peer_gone);
      CHECK(l->received == l->sent.length || l->peer_gone);
      CHECK(l->kept == 0);
      l->ended = true;
      break;
    case FAILED:
      CHECK(l->peer_gone || event[EVENT_VALUE] == ENOMEM);
      if (l->refused) CHECK(event[EVENT_VALUE] == ECONNREFUSED);
      l->failed = true;
      break;
    case FULL:
      CHECK(!l->waits);
      l->waits = true;
      break;
    case WRITABLE:
      CHECK(l->waits);
      l->waits = false;
      break;
    case FINISHED:
      CHECK(l->finish_due);
      l->finish_due = false;
      break;
    case CONNECTED:
      CHECK(l->connecting && !l->refused);
      l->connecting = false;
      break;
    default:
      CHECK(!"no such event");
  }
}

static size_t turn(bool steps) {
  bool paused[LINKS];
  for (int i = 0; i < LINKS; i++) {
    paused[i] = is_live(&links[i]) && links[i].paused;
    links[i].plan = links[i].next_plan;
  }
  const size_t position = steps ? next_number() % 2000 : 0;
  size_t used = 0;
  const size_t count = engine_collect(engine, arena, position, ARENA_LENGTH, &used);
  CHECK(used >= position && used <= ARENA_LENGTH);
  CHECK(count <= memory.events_room);
  for (size_t i = 0; i < count; i++) {
    const int32_t *event = memory.events + i * EVENT_FIELDS;
    if (event[EVENT_KIND] == ACCEPTED || event[EVENT_KIND] == ACCEPT_FAILED) continue;
    bool accepted = false;
    for (size_t j = 0; j < i; j++) {
      const int32_t *before = memory.events + j * EVENT_FIELDS;
      if (before[EVENT_KIND] == ACCEPTED && before[EVENT_SLOT] == event[EVENT_SLOT]) accepted = true;
    }
    CHECK(accepted || link_of(event[EVENT_SLOT]) != NULL);
  }
  in_turn = true;
  for (size_t i = 0; i < count; i++) {
    handled = link_of(memory.events[i * EVENT_FIELDS + EVENT_SLOT]);
    on_event(memory.events + i * EVENT_FIELDS, paused);
    for (size_t j = steps ? next_byte() % 4 : 0; j > 0 && script < script_end; j--) step();
  }
  in_turn = false;
  for (int i = 0; i < LINKS; i++) {
    if (is_live(&links[i])) flush_held(&links[i]);
    links[i].event = NULL;
  }
  memset(arena, 0xEE, used);
  engine_finish(engine);
  CHECK(engine_live(engine) == live_count());
  return count;
}

/* ---- The end ---- */

static const char *unfinished(const struct link *l) {
  const int which = l->kind == LINK_UNIX;
  if (l->kind == LINK_UNUSED || l->closed || l->failed || l->dropped) return NULL;
  if (l->waiting) return listeners[which] < 0 ? NULL : "is not accepted";
  if (l->connecting) return "is not connected, nor failed";
  const struct connection *c = engine->connections[l->slot];
  if (c->error != 0) return "has failed and it was not said";
  if (l->peer_gone) return l->ended ? NULL : "has not ended";
  if (l->flushed < l->sent.length) return "does not take what its peer sends";
  if (l->received < l->sent.length) return "has not read what its peer sent";
  if (l->read < l->written.length) return "has not written everything";
  if (l->peer_ended && !l->ended) return "has not said that its peer ended";
  if (l->waits) return "has not said that it can be written";
  if (l->finish_due) return "has not said that it is finished";
  if (l->ending && !l->peer_saw_end) return "has not ended";
  return NULL;
}

static void show(const struct link *l) {
  fprintf(stderr, "a %s connection %s: sent %zu of %zu, received %zu, written %zu, read %zu\n",
          l->kind == LINK_TCP ? "TCP" : "Unix", unfinished(l), l->flushed, l->sent.length, l->received,
          l->written.length, l->read);
  if (l->slot < 0) return;
  const struct connection *c = engine->connections[l->slot];
  fprintf(stderr, "flags %d, unsent %zu of %zu, ending %d, shut %d, watched %d, ended %d, peer ended %d\n",
          slot_at(l)[SLOT_FLAGS], c->unsent.length, c->high_water_mark, c->ending, c->shut, c->watched, c->ended,
          l->peer_ended);
}

static uint64_t progress(void) {
  uint64_t sum = 0;
  for (int i = 0; i < LINKS; i++) {
    const struct link *l = &links[i];
    sum += l->flushed + l->received + l->read + l->waiting + l->connecting + l->ended + l->failed + l->waits +
           l->finish_due + l->peer_saw_end + l->dropped;
  }
  return sum;
}

static void drain(void) {
  fault_send = fault_receive = fault_memory = 0;
  for (int i = 0; i < 2; i++) pauses_listener(i, true);
  for (int idle = 0;;) {
    const uint64_t before = progress();
    const char *why = NULL;
    struct pollfd polled[1 + LINKS] = {{.fd = engine_descriptor(engine), .events = POLLIN}};
    for (int i = 0; i < LINKS; i++) {
      struct link *l = &links[i];
      pauses(l, false);
      peer_flush(l, SIZE_MAX);
      peer_reads(l, SIZE_MAX);
      const short events = l->flushed < l->sent.length ? POLLIN | POLLOUT : POLLIN;
      polled[1 + i] = (struct pollfd){.fd = l->kind == LINK_UNUSED || l->peer_saw_end ? -1 : l->peer, .events = events};
    }
    turn(false);
    for (int i = 0; i < LINKS; i++) {
      const char *reason = unfinished(&links[i]);
      if (reason != NULL) why = reason;
    }
    if (why == NULL) return;
    if (progress() != before) {
      idle = 0;
      continue;
    }
    idle += 1;
    if (!engine_is_due(engine) && poll(polled, 1 + LINKS, PATIENCE) == 0) {
      for (int i = 0; i < LINKS; i++) {
        if (unfinished(&links[i]) != NULL) show(&links[i]);
      }
      abort();
    }
    CHECK(idle < 100000); /* It turns without getting anywhere. */
  }
}

/* What the peer has left is noticed by writes, also when its end was read before. */
static void write_to_those_gone(void) {
  for (int i = 0; i < 2; i++) {
    for (int j = 0; j < LINKS; j++) {
      struct link *l = &links[j];
      if (is_live(l) && l->peer_gone && !l->ending && !l->failed) engine_write(engine, l->slot, (const uint8_t *)"x", 1);
    }
    for (int turns = 0; turns < 3; turns++) turn(false);
  }
  for (int j = 0; j < LINKS; j++) {
    const struct link *l = &links[j];
    if (is_live(l) && l->peer_gone && !l->ending) CHECK(l->failed);
  }
}

/* ---- Steps ---- */

static void step(void) {
  const uint8_t what = next_byte() % 32;
  struct link *l = some_link();
  switch (what) {
    case 0:
    case 1:
      peer_connects(what);
      break;
    case 2:
    case 3:
      for (size_t i = 1 + next_byte() % 64; i > 0; i--) peer_makes_frame(l, what == 2 ? 2 : next_byte(), REQUEST);
      peer_flush(l, SIZE_MAX);
      break;
    case 4:
      peer_makes_frame(l, next_number(), REQUEST);
      peer_flush(l, SIZE_MAX);
      break;
    case 5:
      peer_makes_frame(l, next_byte(), next_byte());
      peer_flush(l, next_number());
      break;
    case 6:
      peer_makes_frame(l, next_number() % 5000, REQUEST);
      break;
    case 7:
      peer_flush(l, next_byte());
      break;
    case 8:
      if (l->flushed == l->sent.length && l->peer >= 0 && !l->peer_ended) {
        shutdown(l->peer, SHUT_WR);
        l->peer_ended = true;
      }
      break;
    case 9:
      peer_closes(l, true);
      break;
    case 10:
      if (l->kind == LINK_UNIX) peer_closes(l, false);
      break;
    case 11:
      peer_reads(l, next_number());
      break;
    case 12:
    case 13:
      pauses(l, what == 12);
      break;
    case 14:
      cuts(l, next_byte());
      break;
    case 15:
      writes(l, next_byte());
      break;
    case 16:
      writes(l, 8 * next_number());
      break;
    case 17:
      ends(l);
      break;
    case 18:
      closes(l);
      break;
    case 19:
      engine_connects(next_byte());
      break;
    case 20:
    case 21:
      pauses_listener(next_byte() % 2, what == 20);
      break;
    case 22:
      unlistens(next_byte() % 2);
      break;
    case 23:
      listens(next_byte() % 2);
      break;
    case 24:
      if (is_live(l)) engine_set_high_water_mark(engine, l->slot, next_number());
      break;
    case 25:
      peer_sends_descriptor(l);
      break;
    case 26:
      peer_sends_urgent(l);
      break;
    case 27:
      fault_send = next_byte();
      fault_receive = next_byte() % 8;
      break;
    case 28:
      fault_memory = next_byte() % 16;
      break;
    case 29:
      keep_answers(l, next_byte());
      break;
    case 30:
      if (is_live(l)) make_small(engine->connections[l->slot]->descriptor, l->kind == LINK_TCP);
      break;
    default:
      if (l->kind != LINK_UNUSED && !l->waiting && (l->closed || l->dropped)) forget(l);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (arena == NULL) {
    const size_t frames = LEAST_FRAMES + 100;
    arena = malloc(ARENA_LENGTH);
    memory = (struct engine_memory){.events = malloc(LEAST_EVENTS * EVENT_FIELDS * sizeof(int32_t)),
                                    .events_room = LEAST_EVENTS,
                                    .frames = malloc(frames * 2 * sizeof(int32_t)),
                                    .frames_room = frames,
                                    .answers = malloc(frames * ANSWER_LENGTH),
                                    .slots = malloc(SLOTS * SLOT_FIELDS * sizeof(int32_t)),
                                    .slots_room = SLOTS};
  }
  script = data;
  script_end = data + size;
  for (int i = 0; i < LINKS; i++) links[i] = (struct link){.peer = -1, .slot = -1};
  engine = engine_create(&memory);
  CHECK(engine != NULL);
  for (int i = 0; i < 2; i++) {
    listeners[i] = -1;
    listens(i);
  }
  while (script < script_end) {
    for (size_t i = 1 + next_byte() % 8; i > 0; i--) step();
    turn(true);
  }
  drain();
  write_to_those_gone();
  engine_destroy(engine);
  for (int i = 0; i < LINKS; i++) forget(&links[i]);
  return 0;
}
