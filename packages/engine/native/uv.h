#ifndef ENGINE_UV_H
#define ENGINE_UV_H

#include <stddef.h>

/*
 * The few functions of libuv that the engine calls, as declared by libuv 1.x, whose ABI is stable. Node exports them.
 * They are here so that a build needs no headers of Node beside those of Node-API.
 */

typedef struct uv_loop_s uv_loop_t;
typedef struct uv_handle_s uv_handle_t;
typedef struct uv_poll_s uv_poll_t;
typedef struct uv_idle_s uv_idle_t;

enum { UV_IDLE = 6, UV_POLL = 8 };
enum { UV_READABLE = 1 };

typedef void (*uv_poll_cb)(uv_poll_t *handle, int status, int events);
typedef void (*uv_idle_cb)(uv_idle_t *handle);
typedef void (*uv_close_cb)(uv_handle_t *handle);

extern size_t uv_handle_size(int type);
extern void *uv_handle_get_data(const uv_handle_t *handle);
extern void uv_handle_set_data(uv_handle_t *handle, void *data);
extern void uv_ref(uv_handle_t *handle);
extern void uv_unref(uv_handle_t *handle);
extern void uv_close(uv_handle_t *handle, uv_close_cb close_cb);
extern int uv_poll_init(uv_loop_t *loop, uv_poll_t *handle, int descriptor);
extern int uv_poll_start(uv_poll_t *handle, int events, uv_poll_cb callback);
extern int uv_idle_init(uv_loop_t *loop, uv_idle_t *handle);
extern int uv_idle_start(uv_idle_t *handle, uv_idle_cb callback);
extern int uv_idle_stop(uv_idle_t *handle);

#endif
