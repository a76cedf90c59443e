// What the sanitizers are told by every test that talks HTTP; empty in other builds.
#if defined(__SANITIZE_THREAD__)
extern "C" const char* __tsan_default_suppressions();  // its name for us to define

// Neither library is instrumented: the counters that order a cancellation, and the guard of the first use of
// the loggers' registry, are not seen there.
extern "C" const char* __tsan_default_suppressions() {
  return "race:pplx::details::_CancellationToken\n"
         "race:spdlog::details::registry\n";
}
#endif
#if defined(__SANITIZE_ADDRESS__)
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __asan_default_options();

// The threads of the library's pool live to the end, and with them what OpenSSL keeps for each: its last
// errors and its random numbers.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:boost::asio::ssl::detail::engine::perform\n";
}
// OpenSSL has no frame pointers: without this, nobody sees for whom it has allocated.
extern "C" const char* __asan_default_options() { return "fast_unwind_on_malloc=0"; }
#endif
