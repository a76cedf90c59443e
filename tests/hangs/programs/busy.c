// Programs in C that compute for ever and get nowhere: busy NAME
#define _GNU_SOURCE
#include <pthread.h>

#include "stuck.h"

static void spin(void) {
  volatile unsigned long turns = 0;
  stuck();
  for (;;) ++turns;
}

static pthread_mutex_t locks[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};

// Each is polite: where the other's lock is taken it gives its own back, and tries again.
static void* be_polite(void* first) {
  const long mine = (long)first;
  volatile int for_ever = 1;
  while (for_ever) {
    pthread_mutex_lock(&locks[mine]);
    if (pthread_mutex_trylock(&locks[1 - mine]) == 0) pthread_mutex_unlock(&locks[1 - mine]);
    pthread_mutex_unlock(&locks[mine]);
  }
  return NULL;
}

static void livelock(void) {
  pthread_t threads[2];
  stuck();
  for (long i = 0; i < 2; ++i) pthread_create(&threads[i], NULL, be_polite, (void*)i);
  pthread_join(threads[0], NULL);
}

// Waits for another thread by looking all the time; that thread has ended without a word.
static void spin_lock(void) {
  pthread_spinlock_t lock;
  pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE);
  pthread_spin_lock(&lock);
  stuck();
  pthread_spin_lock(&lock);
}

int main(int argc, char** argv) {
  static const struct program programs[] = {
      {"spin", spin}, {"livelock", livelock}, {"spin_lock", spin_lock}, {NULL, NULL}};
  return run_program(programs, argc > 1 ? argv[1] : NULL);
}
