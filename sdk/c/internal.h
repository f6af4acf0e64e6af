// Shared by the library's files, not by its users.
#ifndef HERD_INTERNAL_H
#define HERD_INTERNAL_H

// Keeps the sentence for herd_last_error() and returns -errno_value.
__attribute__((format(printf, 2, 3))) int herd_internal_fail(int errno_value, const char* format, ...);

// The value of a text of decimal digits alone, up to INT_MAX; -1 for anything else.
int herd_internal_number(const char* text);

// A socket connected to NOTIFY_SOCKET, close-on-exec.
int herd_internal_notify_socket(void);

#endif
