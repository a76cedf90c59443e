#pragma once
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "cluster/store/requests.h"

namespace imagebatch::cluster {

/// What one party asks of the API server. It is answered as long as it lives: with it all its handlers are
/// forgotten. A batch has one; what may end before its batch has one within that, which shares its turns on
/// the wire and its troubles.
class Channel {
 public:
  using Handler = Requests::Handler;

  /// `replied` is called before the handler of each reply, that of a channel within included.
  explicit Channel(Requests& requests, std::function<void()> replied = {})
      : requests_(requests), root_(*this), replied_(std::move(replied)) {}
  /// Within another, which outlives it.
  explicit Channel(Channel& within) : requests_(within.requests_), root_(within.root_) {}
  ~Channel() { requests_.Drop(*this); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// `handler` may be empty, where the outcome changes nothing.
  void Send(Errand errand, kube::Request request, Handler handler) {
    requests_.Send(*this, std::move(errand), std::move(request), std::move(handler));
  }
  /// As Requests::Ask.
  void Ask(Errand errand, std::string image, Requests::AnswerHandler handler) {
    requests_.Ask(*this, std::move(errand), std::move(image), std::move(handler));
  }
  void Get(Errand errand, std::string path, Handler handler);
  /// `object`: JSON.
  void Create(Errand errand, std::string path, std::string object, Handler handler);
  /// `change`: JSON, see RFC 7386.
  void MergePatch(Errand errand, std::string path, std::string change, Handler handler);
  /// `options`: what DeleteOptions has beside its kind; may be empty.
  void Delete(Errand errand, std::string path, const nlohmann::json& options, Handler handler);

  /// A reply is still to come, to it or to one within it.
  bool Waits() const { return requests_.Waits(*this); }

  /// What fails of its requests; null: nothing ever has.
  Troubles* troubles() { return requests_.TroublesOf(root_); }
  Troubles& MakeTroubles() { return requests_.MakeTroubles(root_); }
  /// Of each purpose that fails: since when, by the subject that has failed for longest.
  std::map<Purpose, Time> FailingSince() const { return requests_.FailingSince(root_); }
  /// Its namespace is being deleted, or is gone: nothing can be created there any more, and nobody is told
  /// that it cannot.
  bool NamespaceEnding() const { return requests_.NamespaceEnding(root_); }

  const Channel& root() const { return root_; }
  void Replied() const {
    if (replied_) replied_();
  }

 private:
  Requests& requests_;
  const Channel& root_;
  std::function<void()> replied_;
};

}  // namespace imagebatch::cluster
