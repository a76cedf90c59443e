// Healthy programs in C that wait for something that comes in time: waiting NAME
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

#include "stuck.h"

// Longer than it takes to prove a deadlock, shorter than it takes to be idle for too long.
static struct timespec wait_time(void) {
  const double seconds = seconds_of("WAIT");
  return (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)(1e9 * (seconds - floor(seconds)))};
}

static void with_timerfd(void) {
  unsigned long long expirations = 0;
  const struct itimerspec when = {.it_value = wait_time()};
  const int timer = timerfd_create(CLOCK_MONOTONIC, 0);
  timerfd_settime(timer, 0, &when, NULL);
  if (read(timer, &expirations, sizeof expirations) != sizeof expirations) exit(1);
}

static void with_inotify(void) {
  char event[4096];
  const int watch = inotify_init1(0);
  inotify_add_watch(watch, ".", IN_CREATE);
  if (fork() == 0) {
    const struct timespec length = wait_time();
    nanosleep(&length, NULL);
    close(open("news", O_CREAT | O_WRONLY, 0600));
    _exit(0);
  }
  if (read(watch, event, sizeof event) <= 0) exit(1);
}

static void set_alarm(void) {
  const struct timespec length = wait_time();
  const struct itimerval when = {.it_value = {.tv_sec = length.tv_sec, .tv_usec = length.tv_nsec / 1000}};
  setitimer(ITIMER_REAL, &when, NULL);
}

static void with_sigwait(void) {
  sigset_t signals;
  int signal = 0;
  sigemptyset(&signals);
  sigaddset(&signals, SIGALRM);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  set_alarm();
  sigwait(&signals, &signal);
}

static int wake[2];

static void write_to_pipe(int signal) {
  const char byte = (char)signal;
  if (write(wake[1], &byte, 1) != 1) _exit(1);
}

// Reads a pipe that nobody but itself holds: only its own signal handler will write.
static void with_handler(void) {
  char byte = 0;
  if (pipe(wake) != 0) exit(1);
  struct sigaction action = {.sa_handler = write_to_pipe, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  set_alarm();
  if (read(wake[0], &byte, 1) != 1) exit(1);
}

static void on_timer(union sigval value) { write_to_pipe(value.sival_int); }

// The same with a timer whose expiry starts a thread.
static void with_posix_timer(void) {
  char byte = 0;
  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_timer};
  const struct itimerspec when = {.it_value = wait_time()};
  if (pipe(wake) != 0 || timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) exit(1);
  timer_settime(timer, 0, &when, NULL);
  if (read(wake[0], &byte, 1) != 1) exit(1);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void* hold_for_a_while(void* unused) {
  const struct timespec length = wait_time();
  pthread_mutex_lock(&mutex);
  nanosleep(&length, NULL);
  pthread_mutex_unlock(&mutex);
  return unused;
}

// One thread sleeps with the lock held; the other waits for it without a time limit.
static void with_mutex(void) {
  pthread_t holder;
  pthread_create(&holder, NULL, hold_for_a_while, NULL);
  usleep(100000);
  pthread_mutex_lock(&mutex);
  pthread_join(holder, NULL);
}

int main(int argc, char** argv) {
  static const struct program programs[] = {{"timerfd", with_timerfd},
                                            {"inotify", with_inotify},
                                            {"sigwait", with_sigwait},
                                            {"handler", with_handler},
                                            {"posix_timer", with_posix_timer},
                                            {"mutex", with_mutex},
                                            {NULL, NULL}};
  return run_program(programs, argc > 1 ? argv[1] : NULL);
}
