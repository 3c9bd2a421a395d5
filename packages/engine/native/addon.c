/* The engine as a Node addon: one engine for each thread of Node, driven by its event loop. */
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <arpa/inet.h>
#include <errno.h>
#include <node_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine.h"
#include "listening.h"
#include "uv.h"

enum {
  MEMORIES = 4,
  /* One call of JavaScript brings about so many frames at most, or those of one connection. */
  FRAMES_OF_GROUP = 512
};

struct addon {
  napi_env env;
  napi_async_cleanup_hook_handle cleanup;
  struct engine *engine;
  uv_poll_t *poll;
  uv_idle_t *idle;
  bool idling;
  int open_handles;
  napi_ref on_turn;
  napi_ref memories[MEMORIES];
  napi_ref arena;
  size_t used; /* where the bytes of the last turn end in the arena */
  bool keep;   /* a turn does not write over the bytes of the turns before */
  napi_async_context context;
};

static napi_value throw_errno(napi_env env, const char *what, int error) {
  char message[128];
  snprintf(message, sizeof message, "%s: %s", what, strerror(error));
  napi_throw_error(env, "ERR_ENGINE_SYSTEM", message);
  return NULL;
}

static napi_value number(napi_env env, int value) {
  napi_value result = NULL;
  napi_create_int32(env, value, &result);
  return result;
}

static struct addon *addon_of(napi_env env) {
  void *data = NULL;
  napi_get_instance_data(env, &data);
  return data;
}

/* Reads the arguments; those that are missing are 0. Returns the addon, or NULL and throws when it is not started. */
static struct addon *arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values) {
  struct addon *addon = addon_of(env);
  napi_get_cb_info(env, info, &count, values, NULL, NULL);
  if (addon->engine == NULL) napi_throw_error(env, "ERR_ENGINE_STATE", "the engine is not started");
  return addon->engine == NULL ? NULL : addon;
}

static int integer(napi_env env, napi_value value) {
  int32_t result = -1;
  napi_get_value_int32(env, value, &result);
  return result;
}

/* The loop stays alive while there is a connection or a listener, and does not block while a turn is due. */
static void on_idle(uv_idle_t *handle);
static void schedule(struct addon *addon) {
  const bool due = engine_is_due(addon->engine);
  if (due && !addon->idling) uv_idle_start(addon->idle, on_idle);
  else if (!due && addon->idling) uv_idle_stop(addon->idle);
  addon->idling = due;
  if (engine_live(addon->engine) > 0) uv_ref((uv_handle_t *)addon->poll);
  else uv_unref((uv_handle_t *)addon->poll);
}

/* An error that a callback let out ends the process, as one of a socket's listener does. */
static void raise_pending(napi_env env) {
  bool pending = false;
  napi_value thrown;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending) return;
  if (napi_get_and_clear_last_exception(env, &thrown) == napi_ok) napi_fatal_exception(env, thrown);
}

/* Calls JavaScript with the events [from, to). `used` is where the bytes of the turn end, or 0 while more events follow. */
static void call_back(struct addon *addon, size_t from, size_t to, size_t used) {
  napi_env env = addon->env;
  napi_value on_turn, global, result;
  const napi_value arguments[3] = {number(env, (int)from), number(env, (int)to), number(env, (int)used)};
  napi_get_reference_value(env, addon->on_turn, &on_turn);
  napi_get_global(env, &global);
  if (napi_make_callback(env, addon->context, global, on_turn, 3, arguments, &result) != napi_ok) raise_pending(env);
}

/*
 * One call for all events, unless they bring many frames: what handlers leave to promises is answered, and garbage, before
 * the next connections make more of it. Measured with asynchronous handlers and 1000 requests in flight on a connection.
 */
static void call_back_in_groups(struct addon *addon, size_t count) {
  size_t from = 0;
  do {
    const size_t to = engine_next_group(addon->engine, from, count, FRAMES_OF_GROUP);
    call_back(addon, from, to, to == count ? addon->used : 0);
    /* A callback may have ended the thread. */
    if (addon->engine == NULL) return;
    engine_flush(addon->engine, from, to);
    from = to;
  } while (from < count);
}

static void turn(struct addon *addon) {
  napi_env env = addon->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value arena = NULL;
  void *bytes = NULL;
  size_t length = 0;
  /* Asked for in each turn: whoever has a view of it may have transferred it to another thread. */
  napi_get_reference_value(env, addon->arena, &arena);
  if (arena != NULL) napi_get_arraybuffer_info(env, arena, &bytes, &length);
  const size_t begin = !addon->keep ? 0 : addon->used < length ? addon->used : length;
  const size_t count = engine_collect(addon->engine, bytes, begin, length, &addon->used);
  if (count > 0 || addon->used + 2 * READ_LENGTH > length) call_back_in_groups(addon, count);
  if (addon->engine != NULL) {
    engine_finish(addon->engine);
    schedule(addon);
  }
  napi_close_handle_scope(env, scope);
}

static void on_readable(uv_poll_t *handle, int status, int events) {
  (void)status;
  (void)events;
  turn(uv_handle_get_data((uv_handle_t *)handle));
}

static void on_idle(uv_idle_t *handle) { turn(uv_handle_get_data((uv_handle_t *)handle)); }

static void on_closed(uv_handle_t *handle) {
  struct addon *addon = uv_handle_get_data(handle);
  free(handle);
  addon->open_handles -= 1;
  if (addon->open_handles > 0) return;
  napi_remove_async_cleanup_hook(addon->cleanup);
  free(addon);
}

static void clean_up(napi_async_cleanup_hook_handle cleanup, void *data) {
  struct addon *addon = data;
  addon->cleanup = cleanup;
  if (addon->engine == NULL) {
    napi_remove_async_cleanup_hook(cleanup);
    free(addon);
    return;
  }
  uv_idle_stop(addon->idle);
  uv_close((uv_handle_t *)addon->idle, on_closed);
  uv_close((uv_handle_t *)addon->poll, on_closed);
  napi_async_destroy(addon->env, addon->context);
  engine_destroy(addon->engine);
  addon->engine = NULL;
}

/* start(onTurn, events, frames, answers, slots): all but the first are ArrayBuffers that nothing else has. */
static napi_value start(napi_env env, napi_callback_info info) {
  struct addon *addon = addon_of(env);
  napi_value values[1 + MEMORIES] = {0};
  size_t count = 1 + MEMORIES;
  napi_get_cb_info(env, info, &count, values, NULL, NULL);
  if (addon->engine != NULL) {
    napi_throw_error(env, "ERR_ENGINE_STATE", "the engine is started already");
    return NULL;
  }
  void *bytes[MEMORIES];
  size_t lengths[MEMORIES];
  for (int i = 0; i < MEMORIES; i++) {
    if (napi_get_arraybuffer_info(env, values[1 + i], &bytes[i], &lengths[i]) != napi_ok) {
      napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected four ArrayBuffers");
      return NULL;
    }
  }
  const size_t frames = lengths[1] / (2 * sizeof(int32_t));
  const size_t answers = lengths[2] / ANSWER_LENGTH;
  const struct engine_memory memory = {
      .events = bytes[0],
      .events_room = lengths[0] / (EVENT_FIELDS * sizeof(int32_t)),
      .frames = bytes[1],
      .frames_room = frames < answers ? frames : answers,
      .answers = bytes[2],
      .slots = bytes[3],
      .slots_room = lengths[3] / (SLOT_FIELDS * sizeof(int32_t)),
  };
  if (memory.events_room < 4 * EVENTS_AT_ONCE || memory.frames_room < 2 * READ_LENGTH / SHORTEST_REQUEST) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "too little memory for a turn");
    return NULL;
  }
  uv_loop_t *loop;
  napi_value name, empty;
  napi_get_uv_event_loop(env, (struct uv_loop_s **)&loop);
  struct engine *engine = engine_create(&memory);
  if (engine == NULL) return throw_errno(env, "the engine can't start", errno);
  uv_poll_t *poll = malloc(uv_handle_size(UV_POLL));
  uv_idle_t *idle = malloc(uv_handle_size(UV_IDLE));
  int error = poll == NULL || idle == NULL ? -ENOMEM : uv_poll_init(loop, poll, engine_descriptor(engine));
  if (error != 0) {
    free(poll);
    free(idle);
    engine_destroy(engine);
    return throw_errno(env, "the engine can't be polled", -error);
  }
  uv_idle_init(loop, idle);
  uv_handle_set_data((uv_handle_t *)poll, addon);
  uv_handle_set_data((uv_handle_t *)idle, addon);
  uv_poll_start(poll, UV_READABLE, on_readable);
  addon->engine = engine;
  addon->poll = poll;
  addon->idle = idle;
  addon->open_handles = 2;
  napi_create_reference(env, values[0], 1, &addon->on_turn);
  for (int i = 0; i < MEMORIES; i++) napi_create_reference(env, values[1 + i], 1, &addon->memories[i]);
  napi_create_string_utf8(env, "@demo/engine", NAPI_AUTO_LENGTH, &name);
  napi_create_object(env, &empty);
  napi_async_init(env, empty, name, &addon->context);
  schedule(addon);
  return NULL;
}

/* setArena(arrayBuffer): what is read from the next turn on lies there, from its beginning on. */
static napi_value set_arena(napi_env env, napi_callback_info info) {
  napi_value values[1] = {0};
  struct addon *addon = arguments(env, info, 1, values);
  void *bytes;
  size_t length;
  if (addon == NULL) return NULL;
  if (napi_get_arraybuffer_info(env, values[0], &bytes, &length) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected an ArrayBuffer");
    return NULL;
  }
  if (addon->arena != NULL) napi_delete_reference(env, addon->arena);
  napi_create_reference(env, values[0], 1, &addon->arena);
  addon->used = 0;
  return NULL;
}

/* setKeep(keep): whether a turn leaves the bytes of those before as they are, also of the one that calls it */
static napi_value set_keep(napi_env env, napi_callback_info info) {
  napi_value values[1] = {0};
  struct addon *addon = arguments(env, info, 1, values);
  if (addon == NULL) return NULL;
  napi_get_value_bool(env, values[0], &addon->keep);
  return NULL;
}

/* The address that two arguments name: an IP address and a port, or a path and -1. Returns 0, or a negative errno. */
static int address_of(napi_env env, const napi_value *values, struct address *address) {
  char text[256];
  size_t length = 0;
  if (napi_get_value_string_utf8(env, values[0], text, sizeof text, &length) != napi_ok) return -EINVAL;
  return address_read(address, text, length, integer(env, values[1]));
}

/* An address as an array of text and port; the port of a path is -1. */
static napi_value describe(napi_env env, const struct sockaddr_storage *address, socklen_t length) {
  char text[sizeof(struct sockaddr_un) + INET6_ADDRSTRLEN] = "";
  size_t text_length = NAPI_AUTO_LENGTH;
  int port = -1;
  if (address->ss_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    port = ntohs(v4->sin_port);
  } else if (address->ss_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    port = ntohs(v6->sin6_port);
  } else if (address->ss_family == AF_UNIX && length > offsetof(struct sockaddr_un, sun_path)) {
    const char *path = (const char *)address + offsetof(struct sockaddr_un, sun_path);
    text_length = length - offsetof(struct sockaddr_un, sun_path);
    if (path[0] != '\0') text_length = strnlen(path, text_length);
    memcpy(text, path, text_length);
  }
  napi_value result, host, port_value;
  napi_create_array_with_length(env, 2, &result);
  napi_create_string_utf8(env, text, text_length, &host);
  napi_create_int32(env, port, &port_value);
  napi_set_element(env, result, 0, host);
  napi_set_element(env, result, 1, port_value);
  return result;
}

/* open(address, port, backlog), or open(path, -1, backlog): the descriptor of a socket that listens */
static napi_value open_listening(napi_env env, napi_callback_info info) {
  napi_value values[3] = {0};
  struct address address;
  if (arguments(env, info, 3, values) == NULL) return NULL;
  const int error = address_of(env, values, &address);
  return number(env, error < 0 ? error : listening_open(&address, integer(env, values[2])));
}

/* adopt(descriptor, backlog) */
static napi_value adopt_listening(napi_env env, napi_callback_info info) {
  napi_value values[2] = {0};
  if (arguments(env, info, 2, values) == NULL) return NULL;
  return number(env, listening_adopt(integer(env, values[0]), integer(env, values[1])));
}

/* closeDescriptor(descriptor) */
static napi_value close_descriptor(napi_env env, napi_callback_info info) {
  napi_value values[1] = {0};
  if (arguments(env, info, 1, values) == NULL) return NULL;
  return number(env, close(integer(env, values[0])) < 0 ? -errno : 0);
}

/* localAddress(descriptor): where it is bound */
static napi_value local_address(napi_env env, napi_callback_info info) {
  napi_value values[1] = {0};
  struct sockaddr_storage address = {0};
  socklen_t length = sizeof address;
  if (arguments(env, info, 1, values) == NULL) return NULL;
  if (getsockname(integer(env, values[0]), (struct sockaddr *)&address, &length) < 0) length = 0;
  return describe(env, &address, length);
}

/* listen(descriptor, shared): accepts from it */
static napi_value listen_on(napi_env env, napi_callback_info info) {
  napi_value values[2] = {0};
  struct addon *addon = arguments(env, info, 2, values);
  if (addon == NULL) return NULL;
  const int listener = engine_listen(addon->engine, integer(env, values[0]), integer(env, values[1]) != 0);
  schedule(addon);
  return number(env, listener);
}

static napi_value pause_listener(napi_env env, napi_callback_info info) {
  napi_value values[1] = {0};
  struct addon *addon = arguments(env, info, 1, values);
  return addon == NULL ? NULL : number(env, engine_pause_listener(addon->engine, integer(env, values[0])));
}

static napi_value resume_listener(napi_env env, napi_callback_info info) {
  napi_value values[1] = {0};
  struct addon *addon = arguments(env, info, 1, values);
  return addon == NULL ? NULL : number(env, engine_resume_listener(addon->engine, integer(env, values[0])));
}

static napi_value unlisten(napi_env env, napi_callback_info info) {
  napi_value values[1] = {0};
  struct addon *addon = arguments(env, info, 1, values);
  if (addon == NULL) return NULL;
  engine_unlisten(addon->engine, integer(env, values[0]));
  schedule(addon);
  return NULL;
}

/* connect(address, port), or connect(path, -1) */
static napi_value begin_connect(napi_env env, napi_callback_info info) {
  napi_value values[2] = {0};
  struct addon *addon = arguments(env, info, 2, values);
  struct address address;
  if (addon == NULL) return NULL;
  int slot = address_of(env, values, &address);
  if (slot == 0) slot = engine_connect(addon->engine, (const struct sockaddr *)&address.storage, address.length);
  schedule(addon);
  return number(env, slot);
}

/* setHighWaterMark(slot, bytes) */
static napi_value set_high_water_mark(napi_env env, napi_callback_info info) {
  napi_value values[2] = {0};
  struct addon *addon = arguments(env, info, 2, values);
  double bytes = 0;
  if (addon == NULL) return NULL;
  napi_get_value_double(env, values[1], &bytes);
  const size_t mark = bytes < 1 ? 1 : bytes < INT32_MAX ? (size_t)bytes : INT32_MAX;
  return number(env, engine_set_high_water_mark(addon->engine, integer(env, values[0]), mark));
}

/* setPlan(slot, request, answer, longest, most); without a request, what comes are answers */
static napi_value set_plan(napi_env env, napi_callback_info info) {
  napi_value values[5] = {0};
  struct addon *addon = arguments(env, info, 5, values);
  struct cut_plan plan = {0};
  if (addon == NULL) return NULL;
  plan.answers = integer(env, values[1]) == 0;
  plan.request = (uint8_t)integer(env, values[1]);
  plan.answer = (uint8_t)integer(env, values[2]);
  napi_get_value_uint32(env, values[3], &plan.longest);
  napi_get_value_uint32(env, values[4], &plan.most);
  return number(env, engine_set_plan(addon->engine, integer(env, values[0]), &plan));
}

static napi_value resume(napi_env env, napi_callback_info info) {
  napi_value values[1] = {0};
  struct addon *addon = arguments(env, info, 1, values);
  if (addon == NULL) return NULL;
  const int result = engine_resume(addon->engine, integer(env, values[0]));
  schedule(addon);
  return number(env, result);
}

/* write(slot, bytes, length): the first of the bytes */
static napi_value write_bytes(napi_env env, napi_callback_info info) {
  napi_value values[3] = {0};
  struct addon *addon = arguments(env, info, 3, values);
  void *bytes;
  size_t room;
  uint32_t length = 0;
  if (addon == NULL) return NULL;
  if (napi_get_typedarray_info(env, values[1], NULL, &room, &bytes, NULL, NULL) != napi_ok) return number(env, -EINVAL);
  napi_get_value_uint32(env, values[2], &length);
  if (length > room) return number(env, -EINVAL);
  const int unsent = engine_write(addon->engine, integer(env, values[0]), bytes, length);
  schedule(addon);
  return number(env, unsent);
}

/* sendRequests(slot, frame, serial, count) */
static napi_value send_requests(napi_env env, napi_callback_info info) {
  napi_value values[4] = {0};
  struct addon *addon = arguments(env, info, 4, values);
  void *frame;
  size_t length;
  uint32_t serial = 0, count = 0;
  if (addon == NULL) return NULL;
  if (napi_get_typedarray_info(env, values[1], NULL, &length, &frame, NULL, NULL) != napi_ok) return number(env, -EINVAL);
  napi_get_value_uint32(env, values[2], &serial);
  napi_get_value_uint32(env, values[3], &count);
  const int unsent = engine_send_requests(addon->engine, integer(env, values[0]), frame, length, serial, count);
  schedule(addon);
  return number(env, unsent);
}

static napi_value end(napi_env env, napi_callback_info info) {
  napi_value values[1] = {0};
  struct addon *addon = arguments(env, info, 1, values);
  return addon == NULL ? NULL : number(env, engine_end(addon->engine, integer(env, values[0])));
}

static napi_value close_slot(napi_env env, napi_callback_info info) {
  napi_value values[1] = {0};
  struct addon *addon = arguments(env, info, 1, values);
  if (addon == NULL) return NULL;
  const int result = engine_close(addon->engine, integer(env, values[0]));
  schedule(addon);
  return number(env, result);
}

/* peer(slot): its address */
static napi_value peer(napi_env env, napi_callback_info info) {
  napi_value values[1] = {0};
  struct addon *addon = arguments(env, info, 1, values);
  struct sockaddr_storage address = {0};
  if (addon == NULL) return NULL;
  engine_peer(addon->engine, integer(env, values[0]), &address);
  return describe(env, &address, 0);
}

NAPI_MODULE_INIT() {
  struct addon *addon = calloc(1, sizeof *addon);
  if (addon == NULL) return throw_errno(env, "the engine can't be loaded", ENOMEM);
  addon->env = env;
  napi_set_instance_data(env, addon, NULL, NULL);
  napi_add_async_cleanup_hook(env, clean_up, addon, &addon->cleanup);
  const struct {
    const char *name;
    napi_callback function;
  } functions[] = {
      {"start", start},
      {"setArena", set_arena},
      {"setKeep", set_keep},
      {"open", open_listening},
      {"adopt", adopt_listening},
      {"closeDescriptor", close_descriptor},
      {"localAddress", local_address},
      {"listen", listen_on},
      {"pauseListener", pause_listener},
      {"resumeListener", resume_listener},
      {"unlisten", unlisten},
      {"connect", begin_connect},
      {"setHighWaterMark", set_high_water_mark},
      {"setPlan", set_plan},
      {"resume", resume},
      {"write", write_bytes},
      {"sendRequests", send_requests},
      {"end", end},
      {"close", close_slot},
      {"peer", peer},
  };
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function;
    napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &function);
    napi_set_named_property(env, exports, functions[i].name, function);
  }
  return exports;
}
