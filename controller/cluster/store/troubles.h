#pragma once
#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "cluster/objects/views.h"
#include "cluster/store/purpose.h"

namespace imagebatch::cluster {

/// What fails of one owner's requests, and since when. A purpose is in trouble from its first failure on.
/// Each subject fails from its first failure to its first success; one that nobody has tried for 3 min is
/// forgotten. Once no subject fails any more, the trouble is over: at once where it has lasted for a minute,
/// otherwise after a minute without a failure, so that one request refused now and then is not told again
/// and again.
class Troubles {
 public:
  enum class Turn { Begun, Lasting, Over };
  struct News {
    Turn turn;
    Purpose purpose;
    Now since;
    std::string message;      // of the last refusal, with what was tried; printable, at most 1 KiB
    bool everybodys = false;  // no answer, or a token that is not accepted: no word about this owner
  };

  void Sent(const Errand& errand);
  void Answered(const Errand& errand, const Result<kube::Response>& response, Now now);
  /// What an earlier process has told already: lasting, over with the first success.
  void Restore(Purpose purpose, std::string message, Now since);

  /// What has turned since the last call, in its order.
  std::vector<News> Take(Now now);
  /// When Take may have something that it has not now, for time alone.
  std::optional<SteadyTime> Next() const;

  /// Those that have lasted for a minute and are not over, in the order of purposes.
  std::vector<News> Lasting() const;
  /// Since when the subject that has failed for longest has failed.
  std::optional<Time> FailingSince(Purpose purpose) const;

 private:
  struct Failing {
    Now since;
    SteadyTime tried{};
    bool under_way = false;
  };
  struct Trouble {
    std::map<std::string, Failing> subjects;
    Now since;
    SteadyTime failed{};  // last
    std::string message;
    int status = 0;  // of the last refusal; 0: no answer
    bool lasting = false;
  };

  void Look(Purpose purpose, Now now);

  std::array<std::optional<Trouble>, kPurposes> troubles_;
  std::vector<News> news_;
};

}  // namespace imagebatch::cluster
