#include "answers.h"

#include <string.h>

/* Returns the number that eight digits stand for, or a negative one when they are none. */
static int32_t read_serial(const uint8_t *id) {
  int32_t serial = 0;
  for (int i = 0; i < ID_LENGTH; i++) {
    const uint32_t digit = (uint32_t)id[i] - '0';
    if (digit > 9) return -1;
    serial = 10 * serial + (int32_t)digit;
  }
  return serial;
}

struct cut_result cut_answers(uint8_t answer, const uint8_t *bytes, size_t start, size_t end, int32_t *answers,
                              size_t most) {
  const uint8_t expected[ID_OFFSET] = {0, 0, 0, ANSWER_LENGTH, answer};
  struct cut_result result = {0, start, CUT_TAIL};
  size_t at = start;
  while (end - at >= ANSWER_LENGTH) {
    const int32_t serial = memcmp(bytes + at, expected, ID_OFFSET) == 0 ? read_serial(bytes + at + ID_OFFSET) : -1;
    if (serial < 0 || result.frames == most) {
      result.why = CUT_STOPPED;
      break;
    }
    answers[2 * result.frames] = serial;
    answers[2 * result.frames + 1] = bytes[at + SHORTEST_REQUEST];
    result.frames += 1;
    at += ANSWER_LENGTH;
  }
  result.end = at;
  /* What is left may be known to be no answer before it is whole. */
  const size_t left = end - at < ID_OFFSET ? end - at : ID_OFFSET;
  if (memcmp(bytes + at, expected, left) != 0) result.why = CUT_STOPPED;
  return result;
}

static void write_serial(uint8_t *id, uint32_t serial) {
  for (int i = ID_LENGTH - 1; i >= 0; i--) {
    id[i] = (uint8_t)('0' + serial % 10);
    serial /= 10;
  }
}

/* The next number, digit by digit; after the last comes zero. */
static void increment(uint8_t *id) {
  int i = ID_LENGTH - 1;
  while (i >= 0 && id[i] == '9') id[i--] = '0';
  if (i >= 0) id[i] += 1;
}

void write_requests(uint8_t *bytes, const uint8_t *frame, size_t length, uint32_t serial, size_t count) {
  uint8_t id[ID_LENGTH];
  write_serial(id, serial % SERIALS);
  for (size_t i = 0; i < count; i++) {
    memcpy(bytes, frame, length);
    memcpy(bytes + ID_OFFSET, id, ID_LENGTH);
    increment(id);
    bytes += length;
  }
}
