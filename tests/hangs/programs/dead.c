// Deadlocks in C: dead NAME
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "stuck.h"

static pthread_t ring[3];
static pthread_barrier_t all_here;

static void* join_the_next(void* next) {
  pthread_barrier_wait(&all_here);
  pthread_join(*(pthread_t*)next, NULL);
  return NULL;
}

// Two that join each other would be refused by the C library.
static void join_ring(void) {
  ring[0] = pthread_self();
  pthread_barrier_init(&all_here, NULL, 3);
  for (int i = 1; i < 3; ++i) pthread_create(&ring[i], NULL, join_the_next, &ring[(i + 1) % 3]);
  stuck();
  join_the_next(&ring[1]);
}

static pthread_mutex_t locks[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};

static void* lock_crosswise(void* first) {
  const long mine = (long)first;
  pthread_mutex_lock(&locks[mine]);
  pthread_barrier_wait(&all_here);
  pthread_mutex_lock(&locks[1 - mine]);
  return NULL;
}

static void lock_order(void) {
  pthread_t threads[2];
  pthread_barrier_init(&all_here, NULL, 2);
  for (long i = 0; i < 2; ++i) pthread_create(&threads[i], NULL, lock_crosswise, (void*)i);
  stuck();
  for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
}

// Nobody is left who could signal.
static void lost_wakeup(void) {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t ready = PTHREAD_COND_INITIALIZER;
  pthread_mutex_lock(&mutex);
  pthread_cond_signal(&ready);
  stuck();
  pthread_cond_wait(&ready, &mutex);
}

// Parent and child each wait for a semaphore that the other would post, in memory that they alone share.
static void shared_semaphores(void) {
  sem_t* semaphores = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  sem_init(&semaphores[0], 1, 0);
  sem_init(&semaphores[1], 1, 0);
  if (fork() == 0) {
    sem_wait(&semaphores[0]);
    sem_post(&semaphores[1]);
    _exit(0);
  }
  stuck();
  sem_wait(&semaphores[1]);
  sem_post(&semaphores[0]);
}

static void with_flock(int file) { flock(file, LOCK_EX); }

static void with_fcntl(int file) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  fcntl(file, F_SETLKW, &lock);
}

static void with_ofd(int file) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  fcntl(file, F_OFD_SETLKW, &lock);
}

static int lock_file(const char* name) { return open(name, O_CREAT | O_RDWR, 0600); }

// Two processes lock two files, each in its own order.
static void crosswise(void (*lock_a)(int), void (*lock_b)(int)) {
  int locked[2];
  char byte = 0;
  if (pipe(locked) != 0) exit(1);
  const pid_t child = fork();
  const int a = lock_file("a");
  const int b = lock_file("b");
  if (child == 0) {
    lock_a(a);
    if (write(locked[1], &byte, 1) != 1) _exit(1);
    usleep(200000);
    lock_b(b);
    _exit(0);
  }
  if (read(locked[0], &byte, 1) != 1) exit(1);
  lock_b(b);
  usleep(200000);
  stuck();
  lock_a(a);
  waitpid(child, NULL, 0);
}

static void flocks(void) { crosswise(with_flock, with_flock); }
static void ofd_locks(void) { crosswise(with_ofd, with_ofd); }
// The kernel finds a circle of fcntl locks alone, and fails one of them.
static void mixed_locks(void) { crosswise(with_fcntl, with_flock); }

// A worker that made itself a daemon locks a mutex twice; the main process waits for its pipe to end.
static void daemon_worker(void) {
  int result[2];
  char byte = 0;
  if (pipe(result) != 0) exit(1);
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    if (fork() > 0) _exit(0);
    close(result[0]);
    pthread_mutex_lock(&locks[0]);
    pthread_mutex_lock(&locks[0]);
    _exit(0);
  }
  close(result[1]);
  waitpid(child, NULL, 0);
  stuck();
  if (read(result[0], &byte, 1) < 0) exit(1);
}

int main(int argc, char** argv) {
  static const struct program programs[] = {{"join_ring", join_ring},
                                            {"lock_order", lock_order},
                                            {"lost_wakeup", lost_wakeup},
                                            {"flocks", flocks},
                                            {"ofd_locks", ofd_locks},
                                            {"mixed_locks", mixed_locks},
                                            {"daemon_worker", daemon_worker},
                                            {"shared_semaphores", shared_semaphores},
                                            {NULL, NULL}};
  return run_program(programs, argc > 1 ? argv[1] : NULL);
}
