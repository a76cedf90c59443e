// What the thread sanitizer is told by every test that talks HTTP; empty in other builds.
#if defined(__SANITIZE_THREAD__)
extern "C" const char* __tsan_default_suppressions();  // its name for us to define

// The library itself is not instrumented: the atomic counters that order this are not seen there.
extern "C" const char* __tsan_default_suppressions() {
  return "race:pplx::details::_CancellationTokenCallback\n";
}
#endif
