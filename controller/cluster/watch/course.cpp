#include "cluster/watch/course.h"

#include "cluster/objects/outcome.h"

namespace imagebatch::cluster {

bool Finished(const JobView& job) { return job.phase != JobView::Phase::Active; }

// What else lives in the Pod of a build that has ended cannot build
bool MayRun(const PodView& pod) { return !pod.gone && !pod.over && !Ended(pod); }

Need NeedOf(const SeenAttempt& seen, const Course& course) {
  if (!seen.job) return course.taken ? Need::FindJob : course.concluded ? Need::Forget : Need::Create;
  const bool finished = Finished(*seen.job);
  if (!finished && !seen.job->gone)
    return course.concluded && course.stored && !seen.job->deleting ? Need::Delete : Need::Watch;
  const bool runs = seen.pod && MayRun(*seen.pod);
  if (!course.concluded) {
    if (finished && ((seen.pod && Ended(*seen.pod)) || course.looked)) return Need::Conclude;
    if (!finished && runs) return Need::Watch;
    // The watch of Pods may lag behind that of Jobs
    return course.looked && !course.others ? Need::Conclude : Need::ReadPods;
  }
  if (runs) return Need::Watch;
  const bool dead = (finished && seen.pod) || course.looked;
  if (!dead || course.others) return Need::ReadPods;
  return course.cut_short && !course.stored ? Need::Watch : Need::Forget;
}

}  // namespace imagebatch::cluster
