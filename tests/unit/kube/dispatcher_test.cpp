#include "kube/dispatcher.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

namespace imagebatch::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::Pair;
using ::testing::SizeIs;

/// A server that answers as `answer` says, on the caller's thread, and remembers how many were at it at once.
class FakeTransport final : public HttpTransport {
 public:
  std::function<Result<Response>(const Request&)> answer = [](const Request&) {
    return Response{200, "", {}};
  };

  Result<Response> Send(const Request& request, std::chrono::milliseconds) override {
    {
      const std::lock_guard lock(mutex_);
      most_ = std::max(most_, ++now_);
      paths_.push_back(request.path);
      changed_.notify_all();
    }
    auto response = answer(request);
    const std::lock_guard lock(mutex_);
    --now_;
    return response;
  }
  Result<void> Stream(const Request&, std::chrono::milliseconds, const std::atomic<bool>&,
                      const std::function<bool(const Response&)>&,
                      const std::function<bool(std::string_view)>&) override {
    return Fail("not used here");
  }
  void Shutdown() override {}

  bool WaitForInFlight(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return now_ >= count; });
  }
  int Most() {
    const std::lock_guard lock(mutex_);
    return most_;
  }
  std::vector<std::string> Paths() {
    const std::lock_guard lock(mutex_);
    return paths_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int now_ = 0, most_ = 0;
  std::vector<std::string> paths_;
};

/// Closed until it is opened.
class Gate {
 public:
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }
  void Pass() {
    std::unique_lock lock(mutex_);
    opened_.wait_for(lock, 10s, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

class DispatcherTest : public ::testing::Test {
 protected:
  Dispatcher::Callback Record() {
    return [this](uint64_t id, Result<Response> result) {
      const std::lock_guard lock(mutex_);
      results_[id].push_back(result ? std::to_string(result->status) : result.error().message);
    };
  }
  void Submit(Dispatcher& dispatcher, uint64_t from, uint64_t to) {
    for (uint64_t id = from; id <= to; ++id) {
      Request request;
      request.path = "/" + std::to_string(id);
      dispatcher.Submit(id, std::move(request));
    }
  }
  std::map<uint64_t, std::vector<std::string>> Results() {
    const std::lock_guard lock(mutex_);
    return results_;
  }

  FakeTransport transport_;
  RequestStats stats_;
  ApiClient client_{transport_, stats_};
  std::mutex mutex_;
  std::map<uint64_t, std::vector<std::string>> results_;  // by id; more than one is a fault
};

TEST_F(DispatcherTest, EveryRequestHasItsCallbackOnce) {
  Dispatcher dispatcher(client_, Record(), 1);
  Submit(dispatcher, 1, 2000);
  ASSERT_TRUE(dispatcher.Drain(30s));
  EXPECT_THAT(Results(), SizeIs(2000));
  EXPECT_THAT(Results(), Each(Pair(::testing::_, ::testing::ElementsAre("200"))));
}

TEST_F(DispatcherTest, SendsAsManyAtOnceAsItHasConnections) {
  Gate gate;
  transport_.answer = [&](const Request&) {
    gate.Pass();
    return Response{200, "", {}};
  };
  Dispatcher dispatcher(client_, Record(), 1, 5);
  Submit(dispatcher, 1, 50);
  EXPECT_TRUE(transport_.WaitForInFlight(5));
  EXPECT_FALSE(dispatcher.Drain(0ms));
  gate.Open();
  EXPECT_TRUE(dispatcher.Drain(30s));
  EXPECT_EQ(transport_.Most(), 5);
}

TEST_F(DispatcherTest, ARefusedRequestIsSentUntilItGetsAnotherAnswer) {
  std::atomic<int> refusals = 0;
  transport_.answer = [&](const Request& request) {
    if (request.path != "/3") return Response{200, "", {}};
    if (++refusals <= 4) return Response{refusals % 2 == 0 ? 429 : 503, "", {}};
    return Response{409, "", {}};
  };
  Dispatcher dispatcher(client_, Record(), 1);
  Submit(dispatcher, 1, 5);
  ASSERT_TRUE(dispatcher.Drain(30s));
  EXPECT_EQ(Results()[3], std::vector<std::string>{"409"});
  EXPECT_EQ(Results()[5], std::vector<std::string>{"200"});
  EXPECT_EQ(std::ranges::count(transport_.Paths(), "/3"), 5);
}

TEST_F(DispatcherTest, ARequestWithoutAnAnswerGoesBackToTheCaller) {
  transport_.answer = [](const Request&) -> Result<Response> { return Fail("connection reset"); };
  Dispatcher dispatcher(client_, Record(), 1);
  Submit(dispatcher, 1, 1);
  ASSERT_TRUE(dispatcher.Drain(30s));
  EXPECT_EQ(Results()[1], std::vector<std::string>{"connection reset"});
  EXPECT_THAT(transport_.Paths(), SizeIs(1));
}

TEST_F(DispatcherTest, ACallbackMaySubmit) {
  Dispatcher* again = nullptr;
  std::atomic<int> callbacks = 0;
  Dispatcher dispatcher(
      client_,
      [&](uint64_t id, const Result<Response>&) {
        ++callbacks;
        if (id < 100) Submit(*again, id + 1, id + 1);
      },
      1);
  again = &dispatcher;
  Submit(dispatcher, 1, 1);
  ASSERT_TRUE(dispatcher.Drain(30s));
  EXPECT_EQ(callbacks, 100);
}

TEST_F(DispatcherTest, StopGivesUpWhatWaitsAndEveryRequestStillHasItsCallbackOnce) {
  Gate gate;
  transport_.answer = [&](const Request& request) {
    gate.Pass();
    return Response{request.path == "/1" ? 429 : 200, "", {}};
  };
  Dispatcher dispatcher(client_, Record(), 1, 4);
  Submit(dispatcher, 1, 20);
  ASSERT_TRUE(transport_.WaitForInFlight(4));
  // Opens only once the dispatcher takes no more, which a request that fails at once shows
  std::thread opener([&] {
    uint64_t id = 100;
    while (!Results().contains(id)) {
      ++id;
      Submit(dispatcher, id, id);
    }
    gate.Open();
  });
  dispatcher.Stop();
  opener.join();
  const auto results = Results();
  EXPECT_THAT(results, Each(Pair(::testing::_, SizeIs(1))));
  EXPECT_EQ(results.at(1), std::vector<std::string>{"given up: stopping"});
  EXPECT_EQ(results.at(2), std::vector<std::string>{"200"});
  EXPECT_EQ(results.at(20), std::vector<std::string>{"given up: stopping"});
}

}  // namespace
}  // namespace imagebatch::kube
