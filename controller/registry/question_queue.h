#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/time.h"
#include "kube/turns.h"
#include "registry/answer.h"
#include "registry/image_place.h"

namespace imagebatch::registry {

/// The questions that wait to be asked, of all batches, and the rule when the next one may be. Each registry
/// has a rate and connections of its own, so that none holds up another; senders take turns. One that is
/// throttled is not asked before its time, and one that does not answer is asked by one question at a time,
/// after 5 s, 10 s and so on to 60 s; what it denied for a repository stands for a minute. Questions that
/// come meanwhile get that answer at once. Pure: time is passed in.
class QuestionQueue {
 public:
  static constexpr int kPerSecond = 20;   // requests to one host: whatever they are for
  static constexpr int kBurst = 20;       // of them without a pause
  static constexpr int kConnections = 4;  // to one registry

  struct Ticket {
    Question question;
    ImagePlace place;
    std::optional<Answer> answer;  // it is not to be asked: this is the answer, and Finish is not called
  };

  void Add(Question question);
  /// The question to ask or to answer now, if there is one.
  std::optional<Ticket> Take(SteadyTime now);
  /// When Take may have one by the passing of time alone; nothing: not before Add or Finish.
  std::optional<SteadyTime> NextTake(SteadyTime now) const;
  void Finish(const Ticket& ticket, const Answer& answer, SteadyTime now);
  /// Takes one out, to give it up.
  std::optional<Ticket> Abandon();

  /// A request is to go to `host`: when it may. Each call is one request.
  SteadyTime Reserve(const std::string& host, SteadyTime now);

 private:
  struct Waiting {
    Question question;
    ImagePlace place;
  };
  struct Registry {
    kube::Turns<Waiting> waiting;
    int in_flight = 0;
    std::optional<Answer> trouble;  // Throttled or Unreachable, until an answer is another
    SteadyTime until{};             // ... and not asked before
    int failures = 0;               // in a row
  };
  struct Denial {
    Answer answer;
    SteadyTime until;
  };

  static bool MayAsk(const Registry& registry, SteadyTime now);
  std::optional<Answer> Known(const Registry& registry, const ImagePlace& place, SteadyTime now) const;

  std::map<std::string, Registry> registries_;  // by name
  std::map<std::string, Denial> denied_;        // by registry/repository
  std::map<std::string, SteadyTime> paces_;     // by host: when its burst is whole again
  std::string last_;                            // the registry that was taken from last
  uint64_t next_place_ = 0;
};

}  // namespace imagebatch::registry
