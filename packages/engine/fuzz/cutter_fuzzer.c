/*
 * Cuts any bytes by any plan, at once and in pieces, and compares with the reference. The input: request, answer, longest
 * (4 bytes), most (2 bytes), where the bytes begin (1 byte), the length of a piece (2 bytes), then the bytes.
 */
#include "reference.h"

enum { PLAN_LENGTH = 11 };

struct output {
  int32_t *frames;
  uint8_t *answers;
};

/* Exactly as much as may be written: AddressSanitizer sees one byte more. */
static struct output room_for(const struct cut_plan *plan, size_t length) {
  size_t most = length / SHORTEST_REQUEST;
  if (most > plan->most) most = plan->most;
  return (struct output){malloc(most * 2 * sizeof(int32_t)), malloc(most * ANSWER_LENGTH)};
}

static struct cut_result cut_and_check(const struct cut_plan *plan, const uint8_t *bytes, size_t start, size_t end) {
  const struct output output = room_for(plan, end - start);
  const struct cut_result result = cut_frames(plan, bytes, start, end, output.frames, output.answers);
  reference_check(plan, bytes, start, end, result, output.frames, output.answers);
  free(output.frames);
  free(output.answers);
  return result;
}

/* Pieces bring the same frames as the whole, as long as no batch is cut short by `most`. */
static void cut_in_pieces(const struct cut_plan *plan, const uint8_t *bytes, size_t length, size_t piece) {
  struct cut_plan unlimited = *plan;
  unlimited.most = UINT32_MAX;
  const struct cut_result whole = cut_and_check(&unlimited, bytes, 0, length);
  size_t frames = 0, begin = 0;
  for (size_t end = 0; end < length;) {
    end = length - end < piece ? length : end + piece;
    uint8_t *copy = malloc(end - begin);
    memcpy(copy, bytes + begin, end - begin);
    const struct cut_result result = cut_and_check(&unlimited, copy, 0, end - begin);
    free(copy);
    frames += result.frames;
    begin += result.end;
    CHECK(begin <= whole.end);
    if (result.why == CUT_STOPPED) return; /* The caller decodes from here on: a long frame may be whole later. */
    CHECK(end - begin < LONGEST_TAIL);
  }
  CHECK(frames == whole.frames && begin == whole.end && whole.why == CUT_TAIL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < PLAN_LENGTH) return 0;
  const struct cut_plan plan = {
      .request = data[0],
      .answer = data[1],
      .longest = (uint32_t)data[2] << 24 | (uint32_t)data[3] << 16 | (uint32_t)data[4] << 8 | data[5],
      .most = (uint32_t)data[6] << 8 | data[7],
  };
  const size_t length = size - PLAN_LENGTH;
  const size_t start = length == 0 ? 0 : data[8] % (length + 1);
  const size_t piece = 1 + ((size_t)data[9] << 8 | data[10]) % 8192;
  uint8_t *bytes = malloc(length);
  memcpy(bytes, data + PLAN_LENGTH, length);
  cut_and_check(&plan, bytes, start, length);
  cut_in_pieces(&plan, bytes, length, piece);
  free(bytes);
  return 0;
}
