#pragma once
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cluster/store/channel.h"
#include "plan/plan.h"
#include "simulation/api_server.h"

namespace imagebatch::cluster {

/// The moment every test begins at: 2020-01-01T00:00:00Z.
inline constexpr Time kBegin{std::chrono::seconds(1577836800)};

/// The requests of a state machine, for a test that answers them itself.
class Wire {
 public:
  Requests requests;
  Channel channel{requests};
  Now now{kBegin, SteadyTime(std::chrono::hours(1))};

  void Pass(Duration time) {
    now.wall += time;
    now.steady += time;
  }

  /// The one request that has been sent since the last call.
  Command Only() {
    std::vector<Command> sent = requests.Take();
    EXPECT_EQ(sent.size(), 1u);
    return sent.empty() ? Command{} : sent.front();
  }
  bool Silent() { return requests.Take().empty(); }

  void Reply(const Command& command, int status, const nlohmann::json& body) {
    requests.Deliver(command.id, kube::Response{status, body.dump(), std::nullopt}, now);
  }
  void Lose(const Command& command) { requests.Deliver(command.id, Fail("the connection was closed"), now); }
};

/// So many builds of one stage that need none.
inline plan::Graph Unconnected(size_t builds) {
  plan::Graph graph;
  graph.stages.assign(builds, 0);
  for (size_t i = 0; i < builds; ++i) graph.needs.Add({});
  return graph;
}

inline nlohmann::json Body(const Command& command) { return nlohmann::json::parse(command.request.body); }

inline nlohmann::json Refusal(const std::string& message) {
  return {{"kind", "Status"}, {"message", message}};
}

}  // namespace imagebatch::cluster
