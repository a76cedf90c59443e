"""Which hangs the runner takes for alike: each scenario is to have one fingerprint, and no two the same."""
import collections
import json


def of(seen):
    """(fingerprint, summary) of a hang that was flagged; None where it was not."""
    verdict = json.loads(seen.verdict) if seen.found else {}
    return (verdict["fingerprint"], verdict["summary"]) if "fingerprint" in verdict else None


def wrong(all_seen):
    """What is wrong with the fingerprints, one sentence each."""
    by_name, owners, summaries = collections.defaultdict(set), collections.defaultdict(set), collections.defaultdict(set)
    for seen in all_seen:
        if not seen.found or seen.found != seen.scenario.label:
            continue   # said elsewhere
        if (known := of(seen)) is None:
            yield f"{seen.scenario.name} has no fingerprint"
            continue
        by_name[seen.scenario.name].add(known)
        owners[known[0]].add(seen.scenario.same_as or seen.scenario.name)
        summaries[known[0]].add(known[1])
    for name, found in sorted(by_name.items()):
        if len(found) > 1:
            yield f"{name} has {len(found)} fingerprints: " + "; ".join(f"{mark} {words}" for mark, words in sorted(found))
    for mark, names in sorted(owners.items()):
        if len(names) > 1:
            yield f"{mark} is that of several scenarios: {', '.join(sorted(names))}: {min(summaries[mark])}"
        if len(summaries[mark]) > 1:
            yield f"{mark} has several summaries: {'; '.join(sorted(summaries[mark]))}"
