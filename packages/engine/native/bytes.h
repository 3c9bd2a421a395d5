#ifndef ENGINE_BYTES_H
#define ENGINE_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes that wait, taken from the front. Nothing is allocated while there are none. */
struct bytes {
  uint8_t *memory;
  size_t start;
  size_t length;
  size_t room;
};

static inline const uint8_t *bytes_first(const struct bytes *bytes) { return bytes->memory + bytes->start; }

static inline void bytes_free(struct bytes *bytes) {
  free(bytes->memory);
  *bytes = (struct bytes){0};
}

/* Returns false when there is no memory; then nothing has changed. */
static inline bool bytes_append(struct bytes *bytes, const uint8_t *more, size_t length) {
  if (length == 0) return true;
  if (bytes->start > 0 && bytes->room - bytes->start - bytes->length < length) {
    memmove(bytes->memory, bytes->memory + bytes->start, bytes->length);
    bytes->start = 0;
  }
  if (bytes->room - bytes->start - bytes->length < length) {
    size_t room = bytes->room < 256 ? 256 : bytes->room;
    while (room < bytes->length + length) room *= 2;
    uint8_t *memory = realloc(bytes->memory, room);
    if (memory == NULL) return false;
    bytes->memory = memory;
    bytes->room = room;
  }
  memcpy(bytes->memory + bytes->start + bytes->length, more, length);
  bytes->length += length;
  return true;
}

static inline void bytes_take(struct bytes *bytes, size_t length) {
  bytes->start += length;
  bytes->length -= length;
  if (bytes->length == 0) bytes_free(bytes);
}

#endif
