#ifndef FUZZ_REFERENCE_H
#define FUZZ_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../native/cutter.h"

#define CHECK(condition)                                                                     \
  do {                                                                                       \
    if (!(condition)) {                                                                      \
      fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, #condition);          \
      abort();                                                                               \
    }                                                                                        \
  } while (0)

/* What is at the beginning of some bytes. Written from the protocol, one byte at a time, to compare cut_frames() with. */
enum start_of { WHOLE_FRAME, PART_OF_FRAME, NOT_FOR_US };

static enum start_of reference_look(const struct cut_plan *plan, const uint8_t *bytes, size_t length, size_t *frame) {
  uint64_t announced = 0;
  for (size_t i = 0; i < 4; i++) {
    if (i == length) return PART_OF_FRAME;
    announced = announced * 256 + bytes[i];
  }
  if (announced > plan->longest) return NOT_FOR_US;
  if (announced < 4 + 1 + 8) return NOT_FOR_US;
  if (length >= 5 && bytes[4] != plan->request) return NOT_FOR_US;
  *frame = (size_t)announced;
  if (length >= announced) return WHOLE_FRAME;
  return announced > 4096 ? NOT_FOR_US : PART_OF_FRAME;
}

/* Checks what cut_frames() wrote about bytes[start, end). */
static void reference_check(const struct cut_plan *plan, const uint8_t *bytes, size_t start, size_t end,
                            struct cut_result result, const int32_t *frames, const uint8_t *answers) {
  size_t at = start, count = 0, length = 0;
  bool stopped = false;
  for (;;) {
    const enum start_of what = reference_look(plan, bytes + at, end - at, &length);
    if (what == PART_OF_FRAME) break;
    if (what == NOT_FOR_US || count == plan->most) {
      stopped = true;
      break;
    }
    CHECK(count < result.frames);
    CHECK(frames[2 * count] == (int32_t)(at + 4));
    CHECK(frames[2 * count + 1] == (int32_t)(at + length));
    const uint8_t *answer = answers + 14 * count;
    CHECK(answer[0] == 0 && answer[1] == 0 && answer[2] == 0 && answer[3] == 14);
    CHECK(answer[4] == plan->answer);
    for (size_t i = 0; i < 8; i++) CHECK(answer[5 + i] == bytes[at + 5 + i]);
    CHECK(answer[13] == 0);
    count += 1;
    at += length;
  }
  CHECK(result.frames == count);
  CHECK(result.end == at);
  CHECK((result.why == CUT_STOPPED) == stopped);
}

#endif
