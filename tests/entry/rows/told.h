/* How a row of entrypoints.def tells what its calls answered: one line each, with errno. */
#pragma once

#include <errno.h>

#include "every_row.h"
#include "scene.h"

void tell(int at, long answer, int error);

/* Tells the answer; of a pointer, whether there is one. */
#define T(call)                       \
  do {                                \
    errno = 4711;                     \
    const long answer = (long)(call); \
    tell(__LINE__, answer, errno);    \
  } while (0)
#define P(call) T((call) != NULL)
