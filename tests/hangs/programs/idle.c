// Programs in C that wait for what may come from outside and never does: idle NAME
#define _GNU_SOURCE
#include <signal.h>
#include <pthread.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "stuck.h"

// Its children have ended, and it does not look.
static void zombies(void) {
  for (int i = 0; i < 20; ++i) {
    if (fork() == 0) _exit(0);
  }
  stuck();
  for (;;) pause();
}

static void stopped_grandchild(void) {
  const pid_t child = fork();
  if (child == 0) {
    const pid_t grandchild = fork();
    if (grandchild == 0) {
      raise(SIGSTOP);
      _exit(0);
    }
    waitpid(grandchild, NULL, 0);
    _exit(0);
  }
  stuck();
  waitpid(child, NULL, 0);
}

static void unopened_fifo(void) {
  mkfifo("fifo", 0600);
  stuck();
  open("fifo", O_RDONLY);
}

static void unchanged_file(void) {
  char event[4096];
  const int watch = inotify_init1(0);
  inotify_add_watch(watch, ".", IN_CREATE);
  stuck();
  if (read(watch, event, sizeof event) < 0) exit(1);
}

// As apt and dpkg wait for their lock: try, sleep, try again.
static void lock_tried_again(void) {
  const int file = open("lock", O_CREAT | O_RDWR, 0600);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  const pid_t holder = fork();
  if (holder == 0) {
    fcntl(file, F_SETLK, &lock);
    for (;;) pause();
  }
  usleep(100000);
  stuck();
  while (fcntl(file, F_SETLK, &lock) != 0) sleep(1);
  kill(holder, SIGKILL);
}

static void* write_back(void* file) {
  for (;;) {  // as the kernel does by itself while the disk is busy
    sync_file_range(*(int*)file, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    usleep(100000);
  }
  return NULL;
}

// As a JVM keeps its hsperfdata: the same page, dirtied again and again.
static void page_dirtied_again(void) {
  static int file;
  file = open("mapped", O_CREAT | O_RDWR, 0600);
  if (ftruncate(file, 32768) != 0) exit(1);
  volatile char* page = mmap(NULL, 32768, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  pthread_t thread;
  pthread_create(&thread, NULL, write_back, &file);
  stuck();
  for (;;) {
    for (int at = 0; at < 32768; at += 4096) ++page[at];
    usleep(50000);
  }
}

int main(int argc, char** argv) {
  static const struct program programs[] = {{"zombies", zombies},
                                            {"stopped_grandchild", stopped_grandchild},
                                            {"unopened_fifo", unopened_fifo},
                                            {"unchanged_file", unchanged_file},
                                            {"lock_tried_again", lock_tried_again},
                                            {"page_dirtied_again", page_dirtied_again},
                                            {NULL, NULL}};
  return run_program(programs, argc > 1 ? argv[1] : NULL);
}
