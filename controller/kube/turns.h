#pragma once
#include <cstdint>
#include <map>
#include <utility>

namespace imagebatch::kube {

/// Things that wait, each of a sender and with a place. Senders take turns, so that one with ten thousand
/// keeps no other waiting; of one sender the lowest place comes first.
template <class T>
class Turns {
 public:
  bool Empty() const { return waiting_.empty(); }

  void Put(uint64_t sender, uint64_t place, T thing) { waiting_[sender].emplace(place, std::move(thing)); }

  /// What Take gives; not of an empty one.
  const T& First() const {
    auto sender = waiting_.upper_bound(last_);
    if (sender == waiting_.end()) sender = waiting_.begin();
    return sender->second.begin()->second;
  }

  /// Not of an empty one.
  T Take() {
    auto sender = waiting_.upper_bound(last_);
    if (sender == waiting_.end()) sender = waiting_.begin();
    last_ = sender->first;
    T thing = std::move(sender->second.extract(sender->second.begin()).mapped());
    if (sender->second.empty()) waiting_.erase(sender);
    return thing;
  }

 private:
  std::map<uint64_t, std::map<uint64_t, T>> waiting_;  // by sender and place
  uint64_t last_ = 0;                                  // whose turn it was
};

}  // namespace imagebatch::kube
