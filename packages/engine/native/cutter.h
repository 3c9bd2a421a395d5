#ifndef ENGINE_CUTTER_H
#define ENGINE_CUTTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The layout of the protocol: a frame is a length of four bytes, big-endian, which counts itself, then a packet:
 * command (1 byte), ID (8 bytes), payload. An answer is command, ID and a result (1 byte).
 */
enum {
  HEADER_LENGTH = 4,
  ID_OFFSET = HEADER_LENGTH + 1,
  ID_LENGTH = 8,
  SHORTEST_REQUEST = ID_OFFSET + ID_LENGTH,
  ANSWER_LENGTH = SHORTEST_REQUEST + 1
};

/* A frame that is not whole is kept here if it is at most this long; the caller gathers longer ones. */
enum { LONGEST_TAIL = 4096 };

/* What to cut, and how to answer it. */
struct cut_plan {
  bool answers;     /* what comes are answers, to be told by their serial numbers: see answers.h; `request` and `longest` are not used */
  uint8_t request; /* the command of the requests that are cut */
  uint8_t answer;  /* the command of their answers */
  uint32_t longest; /* the longest frame, header included */
  uint32_t most;    /* the most frames at once */
};

/* Why no more frames were cut. */
enum cut_end {
  CUT_TAIL,   /* what is left begins a frame that is not whole, or is nothing */
  CUT_STOPPED /* what is left is for the caller to decode: another command, an invalid length, a long frame, or one too many */
};

struct cut_result {
  size_t frames;
  size_t end; /* where the last whole frame ends */
  enum cut_end why;
};

/*
 * Cuts bytes[start, end) into frames. Writes where the packet of each begins and ends to `frames`, two numbers each, and
 * an answer that says success to `answers`. Both have room for `plan->most` of them.
 */
struct cut_result cut_frames(const struct cut_plan *plan, const uint8_t *bytes, size_t start, size_t end, int32_t *frames,
                             uint8_t *answers);

#endif
