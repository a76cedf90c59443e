#!/usr/bin/env python3
"""Every name that a user of imagebatch meets, from where it is made: the CRDs, the sources, the alert rules.

  names.py           writes docs/names.md
  names.py --check   fails where docs/names.md says something else, or a page that it names does not have the name
"""
import itertools
import pathlib
import re
import sys

import yaml

TREE = pathlib.Path(__file__).resolve().parents[2]
PAGE = TREE / "docs/names.md"
HEAD = """# All names

What a name is, and where it is explained. `tests/house/names.py` makes this page from the CRDs, the sources and the alert
rules; a test fails when it is stale.

| name | is | see |
|---|---|---|
"""
REASON = re.compile(r'\.(?:Normal|Warning)\(\s*(?:\w+ \? )?"(\w+)"(?: : "(\w+)")?|\bHalt\(\s*"(\w+)"|\bWrite\("\w+", "(\w+)"')


def text_of(path):
    return (TREE / path).read_text(encoding="utf-8")


def found(path, pattern):
    """What the groups of the pattern are in a file, in its order, each once."""
    matches = re.findall(pattern, text_of(path))
    flat = itertools.chain.from_iterable(match if isinstance(match, tuple) else (match,) for match in matches)
    return list(dict.fromkeys(filter(None, flat)))


def listed(path, variable):
    """The texts of an array of the sources."""
    body = re.search(variable + r"\b[^;]*?\{(.*?)\};", text_of(path), re.DOTALL).group(1)
    return re.findall(r'"(\w+)"', body)


def fields(schema, path):
    """The paths of a schema; those of an object that is not closed end there."""
    schema = schema.get("items", schema)
    for name, field in schema.get("properties", {}).items():
        inner = f"{path}.{name}" if path else name
        yield inner + ("[]" if "items" in field else "")
        yield from fields(field, inner + ("[]" if "items" in field else ""))


def of_crds():
    pages = {"ImageBatch": "batch.md", "ImageBatchRecord": "operations.md"}
    for crd in yaml.safe_load_all(text_of("manifests/crd.yaml")):
        spec = crd["spec"]
        kind, (short,) = spec["names"]["kind"], spec["names"]["shortNames"]
        yield kind, f"kind, short `{short}`", pages[kind]
        (version,) = spec["versions"]
        for column in version["additionalPrinterColumns"]:
            yield column["name"], f"column of {kind}", None
        for path in fields(version["schema"]["openAPIV3Schema"], ""):
            if path not in ("apiVersion", "kind", "metadata"):
                yield path, f"field of {kind}", pages[kind]


def of_sources():
    for condition in found("controller/cluster/store/status_object.cpp",
                           r'(?:push_back\(\s*\{|return \{|Flagged\()"([A-Z]\w+)"'):
        yield condition, "condition", "batch.md"
    degraded = [reason for reason in found("controller/cluster/store/purpose.cpp", r'return \{"\w+", "(\w+)"')
                if not reason.endswith("NotWatched")]  # those are of no batch
    for reason in degraded:
        yield reason, "reason of Degraded and of an Event", "batch.md"
    texts = sorted((TREE / "controller/cluster").rglob("*.cpp"))
    reasons = {name for path in texts for match in REASON.findall(path.read_text(encoding="utf-8")) for name in match}
    for reason in sorted(reasons - {"", *degraded}):
        yield reason, "reason of an Event", "batch.md"
    for name in listed("controller/contract/contract.h", "kClasses"):
        yield name, "class of hangs", "batch.md"
    for name in found("controller/cluster/objects/hang_classes.h", r'kUnobservedClass = "(\w+)"'):
        yield name, "class of hangs", "batch.md"
    for name in listed("controller/cluster/watch/stall.h", "kStallClasses"):
        yield name, "class of stalls", "batch.md"
    for path in ("controller/cluster/objects/names.h", "controller/batch/pod_template.h"):
        for name, key in re.findall(r'(k\w+(?:Label|Annotation)) =\s*"(imagebatch\.dev/[\w-]+)"', text_of(path)):
            yield key, "label" if name.endswith("Label") else "annotation", "batch.md"
    for path in ("controller/metrics/families.cpp", "controller/metrics/process.cpp"):
        for family in found(path, r'"((?:imagebatch|process)_\w+)"'):
            yield family, "metric", "metrics.md"


def of_rules():
    for group in yaml.safe_load(text_of("charts/imagebatch/files/alerts.yaml"))["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], "alert", f"runbooks/{rule['alert']}.md"


def all_names():
    names = [*of_crds(), *of_sources(), *of_rules()]
    return list(dict.fromkeys(names))


def page(names):
    rows = []
    for name, what, where in names:
        link = f"[{pathlib.Path(where).stem}]({where})" if where else ""
        rows.append(f"| `{name}` | {what} | {link} |\n")
    return HEAD + "".join(rows)


def faults(names):
    """What a page that a row names does not have."""
    for name, _, where in names:
        if where is None:
            continue
        last = name.removesuffix("[]").rsplit(".", 1)[-1] if "/" not in name else name
        if not re.search(r"\b" + re.escape(last) + r"\b", text_of("docs/" + where)):
            yield f"docs/{where} does not have {name}"


def main(arguments):
    names = all_names()
    if arguments == ["--check"]:
        said = list(faults(names))
        if PAGE.read_text(encoding="utf-8") != page(names):
            said.append("docs/names.md is stale: run tests/house/names.py")
        print("\n".join(said))
        return 1 if said else 0
    PAGE.write_text(page(names), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
