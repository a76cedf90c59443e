// What the C programs of the corpus share.
#pragma once
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// From here on the program hangs: the file that $STUCK names is made, and its time is the beginning of the
// hang.
static inline void stuck(void) { close(open(getenv("STUCK"), O_CREAT | O_WRONLY, 0600)); }

static inline double seconds_of(const char* threshold) { return atof(getenv(threshold)); }

struct program {
  const char* name;
  void (*run)(void);
};

static inline int run_program(const struct program* programs, const char* name) {
  for (; programs->name != NULL; ++programs) {
    if (name == NULL || strcmp(programs->name, name) != 0) continue;
    programs->run();
    return 0;
  }
  fprintf(stderr, "no such program: %s\n", name == NULL ? "" : name);
  return 2;
}
