#ifndef ENGINE_ANSWERS_H
#define ENGINE_ANSWERS_H

#include "cutter.h"

/* The other end of the protocol: a client's requests, and the answers that it gets. */

/* IDs are serial numbers of eight decimal digits, used in a circle. */
enum { SERIALS = 100000000 };

/*
 * Cuts bytes[start, end) into answers with the command `answer`. Writes two numbers for each to `answers`: the serial
 * number in its ID, and its result. What is no such answer is left to the caller.
 */
struct cut_result cut_answers(uint8_t answer, const uint8_t *bytes, size_t start, size_t end, int32_t *answers,
                              size_t most);

/*
 * Writes `count` requests with serial numbers from `serial` on: each the whole frame of `length` bytes, with another ID.
 */
void write_requests(uint8_t *bytes, const uint8_t *frame, size_t length, uint32_t serial, size_t count);

#endif
