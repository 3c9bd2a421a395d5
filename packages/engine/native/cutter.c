#include "cutter.h"

#include <string.h>

static uint32_t read_length(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

struct cut_result cut_frames(const struct cut_plan *plan, const uint8_t *bytes, size_t start, size_t end, int32_t *frames,
                             uint8_t *answers) {
  const uint8_t answer[ANSWER_LENGTH] = {0, 0, 0, ANSWER_LENGTH, plan->answer};
  const uint32_t longest = plan->longest;
  const uint8_t request = plan->request;
  struct cut_result result = {0, start, CUT_TAIL};
  size_t at = start;
  size_t count = 0;
  while (end - at >= HEADER_LENGTH) {
    const uint32_t length = read_length(bytes + at);
    const size_t left = end - at;
    if (length < SHORTEST_REQUEST || length > longest || (left > HEADER_LENGTH && bytes[at + HEADER_LENGTH] != request)) {
      result.why = CUT_STOPPED;
      break;
    }
    if (left < length) {
      if (length > LONGEST_TAIL) result.why = CUT_STOPPED;
      break;
    }
    if (count == plan->most) {
      result.why = CUT_STOPPED;
      break;
    }
    memcpy(answers, answer, ANSWER_LENGTH);
    memcpy(answers + ID_OFFSET, bytes + at + ID_OFFSET, ID_LENGTH);
    answers += ANSWER_LENGTH;
    frames[2 * count] = (int32_t)(at + HEADER_LENGTH);
    frames[2 * count + 1] = (int32_t)(at + length);
    count += 1;
    at += length;
  }
  result.frames = count;
  result.end = at;
  return result;
}
