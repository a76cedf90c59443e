#pragma once
#include <map>
#include <string>

#include "base/time.h"

namespace imagebatch::kube {

/// The nodes whose kubelets do not answer: each request to one would hold a connection until its deadline.
/// Such a node is asked by one request at a time, and by one of all such nodes at a time, after 5 s, 10 s and
/// so on to 60 s, until it answers. Others to it are turned away at once, with the reason.
class SilentNodes {
 public:
  /// A request to `node` may be sent now. True for a silent one: this request is its probe, and Probe is to
  /// be called where it is sent.
  bool MayAsk(const std::string& node, SteadyTime now) const;
  bool IsSilent(const std::string& node) const { return silent_.contains(node); }
  void Probe() { ++probes_; }
  /// A probe has ended, whatever came of it; before Answered or NoAnswer.
  void ProbeEnded() { --probes_; }

  void Answered(const std::string& node) { silent_.erase(node); }
  /// `why`: the last error, for people.
  void NoAnswer(const std::string& node, const std::string& why, SteadyTime now);

  /// Why a request is turned away, for people.
  std::string Reason(const std::string& node, SteadyTime now) const;

 private:
  struct Silence {
    SteadyTime since, next_probe;
    int failures = 0;
    std::string why;
  };
  std::map<std::string, Silence> silent_;
  int probes_ = 0;  // on the wire
};

}  // namespace imagebatch::kube
