#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "herd/worker.h"
#include "internal.h"

static _Thread_local char last_error[512];

int herd_internal_fail(int errno_value, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(last_error, sizeof last_error, format, arguments);
  va_end(arguments);
  return -errno_value;
}

const char* herd_last_error(void) {
  return last_error;
}

// strtol would take " +7" and "7 ", and a number that someone else wrote differently is better refused.
int herd_internal_number(const char* text) {
  if (*text == '\0') return -1;
  long value = 0;
  for (; *text != '\0'; ++text) {
    if (*text < '0' || *text > '9') return -1;
    value = value * 10 + (*text - '0');
    if (value > INT_MAX) return -1;
  }
  return (int)value;
}
