#ifndef ENGINE_H
#define ENGINE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cutter.h"

/*
 * Sockets of one thread on one epoll, without Node: it reads, cuts, writes, and says what happened. It decides nothing.
 *
 * A turn is three steps: engine_collect() reads what is ready and writes a list of events; the caller handles them, and
 * may call all other functions meanwhile; engine_finish() sends the answers that were written ahead and kept.
 */

/* What the system is asked for in one read, in bytes. */
enum { READ_LENGTH = 64 * 1024 };

/* Numbers of one event. The caller writes only EVENT_KEPT. */
enum event_field {
  EVENT_KIND,
  EVENT_SLOT,
  EVENT_VALUE,        /* ACCEPTED: the listener. FAILED, ACCEPT_FAILED: an errno */
  EVENT_START,        /* where the bytes begin; those kept from the read before come first. ACCEPT_FAILED: the listener */
  EVENT_FRESH,        /* where the bytes begin that were read now */
  EVENT_END,          /* where they end */
  EVENT_CUT_END,      /* FRAMES: where the last whole frame ends */
  EVENT_STOPPED,      /* FRAMES: 1 if what follows is for the caller to decode; 0 if it is kept as the next read's beginning */
  EVENT_FIRST_FRAME,  /* FRAMES: the first of its frames in the index */
  EVENT_FRAMES,       /* FRAMES: how many they are */
  EVENT_ANSWERS,      /* FRAMES: where their answers begin */
  EVENT_KEPT,         /* FRAMES: how many bytes of answers to send: 0, until the caller writes it */
  EVENT_FIELDS
};

enum event_kind {
  BYTES = 1,     /* bytes were read */
  FRAMES,        /* bytes were read, and cut */
  ANSWERS,       /* bytes were read, and cut into answers: the index has their serial numbers and results */
  ENDED,         /* the peer ended its side */
  FAILED,        /* the connection failed */
  FULL,          /* answers written ahead have filled it up to the high-water mark: write no more before WRITABLE */
  WRITABLE,      /* everything was sent, after FULL, or after engine_write() said to wait */
  FINISHED,      /* our side is ended, after engine_end() said that something is unsent */
  CONNECTED,     /* a connection that was begun is there */
  ACCEPTED,      /* a listener has a new connection */
  ACCEPT_FAILED  /* a listener could not accept */
};

/* What both sides know of a connection: four numbers a slot. */
enum slot_field { SLOT_FLAGS, SLOT_UNSENT, SLOT_TAIL, SLOT_FIELDS = 4 };
enum slot_flag {
  FLAG_PAUSED = 1, /* the caller's: not to be read */
  FLAG_CUT = 2,    /* the caller's: its bytes are cut into frames */
  FLAG_READY = 4   /* ours: there may be something to read, and it is not queued: call engine_resume() */
};

/* Memory that both sides share. It stays where it is as long as the engine lives. */
struct engine_memory {
  int32_t *events;
  size_t events_room; /* in events, at least LEAST_EVENTS */
  int32_t *frames;
  size_t frames_room; /* in frames, at least LEAST_FRAMES */
  uint8_t *answers;   /* room for as many answers as frames */
  int32_t *slots;
  size_t slots_room; /* in slots */
};

enum {
  /* How many sockets are looked at in one turn. */
  EVENTS_AT_ONCE = 1024,
  /* Each of them has two events at most before it is read, and four when it is read. */
  LEAST_EVENTS = 2 * EVENTS_AT_ONCE + 4,
  /* What one read may bring. */
  LEAST_FRAMES = (LONGEST_TAIL + READ_LENGTH) / SHORTEST_REQUEST + 1
};

struct engine;

/* Returns NULL, and sets errno, when there is too little memory or no descriptor. */
struct engine *engine_create(const struct engine_memory *memory);
/* Closes all connections, and the descriptors of all listeners. */
void engine_destroy(struct engine *engine);
/* The descriptor that is readable when a turn is due. */
int engine_descriptor(const struct engine *engine);
/* Whether a turn is due though the descriptor may not be readable. */
bool engine_is_due(const struct engine *engine);
/* How many connections and listeners there are. */
size_t engine_live(const struct engine *engine);

/*
 * Reads into arena[position, length). Returns how many events there are; `*used` is where the bytes end. The arena is
 * not looked at any more when it returns.
 */
size_t engine_collect(struct engine *engine, uint8_t *arena, size_t position, size_t length, size_t *used);
/* Where a group of events ends that begins at `from` and has about `most` frames: at least one event, if there is one. */
size_t engine_next_group(const struct engine *engine, size_t from, size_t count, size_t most);
/* Sends the answers that the caller has kept of the events [from, to). */
void engine_flush(struct engine *engine, size_t from, size_t to);
void engine_finish(struct engine *engine);

/* All that follow return a negative errno when they fail. */

/* Accepts from a listening descriptor that does not block. Returns the listener's number. */
int engine_listen(struct engine *engine, int descriptor, bool shared);
int engine_pause_listener(struct engine *engine, int listener);
int engine_resume_listener(struct engine *engine, int listener);
/* Accepts no more. The descriptor is the caller's again. */
void engine_unlisten(struct engine *engine, int listener);

/* Begins to connect. Returns the slot; CONNECTED or FAILED follows. */
int engine_connect(struct engine *engine, const struct sockaddr *address, socklen_t length);

/* From this many unsent bytes on the connection is not read, and engine_write() says to wait. */
int engine_set_high_water_mark(struct engine *engine, int slot, size_t bytes);
/* How its bytes are cut while FLAG_CUT is set. */
int engine_set_plan(struct engine *engine, int slot, const struct cut_plan *plan);
/* Reads again what had FLAG_READY. */
int engine_resume(struct engine *engine, int slot);
/* Sends bytes, or copies what the system does not take. Returns how many are unsent. */
int engine_write(struct engine *engine, int slot, const uint8_t *bytes, size_t length);
/* Sends requests with serial numbers from `serial` on, each the frame with another ID. Returns as engine_write(). */
int engine_send_requests(struct engine *engine, int slot, const uint8_t *frame, size_t length, uint32_t serial,
                         size_t count);
/* Ends our side when everything was sent. Returns 1 if it is, 0 if FINISHED follows. */
int engine_end(struct engine *engine, int slot);
/* Closes the connection at once. No event of it follows. */
int engine_close(struct engine *engine, int slot);
/* The peer's address. */
int engine_peer(struct engine *engine, int slot, struct sockaddr_storage *address);

#endif
