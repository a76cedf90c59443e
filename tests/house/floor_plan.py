#!/usr/bin/env python3
"""The floor plan of controller/: a room is a folder with a library of CMake, and an arrow between rooms is a line in its
target_link_libraries. Fails where a file includes what its room does not link, where includes go in a circle, where a room or
a file has grown too large, and where docs/architecture.md shows other arrows.

Usage: floor_plan.py [TREE]      default: this one
"""
import graphlib
import pathlib
import re
import sys

TREE = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])
HOUSE = TREE / "controller"
# Values alone, without a line of code: a request and its response, what a registry says, and what is shown to Prometheus.
VALUES = {"kube/transport.h", "metrics/snapshot.h", "registry/answer.h"}
MOST_UNITS, MOST_LINES = 18, 400
LIBRARY = re.compile(r"add_library\(imagebatch_(\w+)")
LINKS = re.compile(r"target_link_libraries\(imagebatch_(\w+)\s([^)]*)\)")


class Room:
    def __init__(self, folder, text):
        self.folder = folder
        self.name = LIBRARY.search(text).group(1)
        self.links = {"PUBLIC": [], "PRIVATE": []}
        for target, words in LINKS.findall(re.sub(r"#.*", "", text)):
            kind = None
            for word in words.split():
                kind = word if word in self.links else kind
                if target == self.name and word.startswith("imagebatch_") and word != "imagebatch_flags":
                    self.links[kind].append(word.removeprefix("imagebatch_"))

    def files(self):
        return sorted(path for path in self.folder.iterdir() if path.suffix in (".h", ".cpp") and path.name != "main.cpp")


def read_rooms():
    rooms = {}
    for path in sorted(HOUSE.rglob("CMakeLists.txt")):
        text = path.read_text(encoding="utf-8")
        if LIBRARY.search(text):
            room = Room(path.parent, text)
            rooms[room.name] = room
    return rooms


def reached(rooms, first):
    """What can be included by whoever links the rooms of `first`: they themselves and what they hand on."""
    found, left = set(), list(first)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += rooms[name].links["PUBLIC"]
    return found


def includes(path):
    return re.findall(r'^#include "([\w/]+\.h)"', path.read_text(encoding="utf-8"), re.MULTILINE)


def arrows_not_linked(rooms):
    by_folder = {room.folder: name for name, room in rooms.items()}
    for name, room in rooms.items():
        public = reached(rooms, room.links["PUBLIC"])
        linked = public | reached(rooms, room.links["PRIVATE"])
        for path in room.files():
            for include in includes(path):
                target = by_folder.get((HOUSE / include).parent)
                allowed = public if path.suffix == ".h" else linked
                if target is None:
                    yield f"{path.relative_to(TREE)}: {include} is in no room"
                elif target != name and target not in allowed and include not in VALUES:
                    kind = "PUBLIC" if path.suffix == ".h" else "PRIVATE"
                    yield f"{path.relative_to(TREE)}: includes {include}, and imagebatch_{name} does not link " \
                          f"imagebatch_{target} ({kind})"


def circles(rooms):
    headers = [path for room in rooms.values() for path in room.files() if path.suffix == ".h"]
    graph = {str(path.relative_to(HOUSE)): includes(path) for path in headers}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        yield "includes go in a circle: " + " -> ".join(error.args[1])


def too_large(rooms):
    for name, room in rooms.items():
        units = [path for path in room.files() if path.suffix == ".cpp"]
        if len(units) > MOST_UNITS:
            yield f"{room.folder.relative_to(TREE)}: {len(units)} units, of at most {MOST_UNITS}"
        for path in room.files():
            lines = path.read_text(encoding="utf-8").count("\n")
            if lines > MOST_LINES:
                yield f"{path.relative_to(TREE)}: {lines} lines, of at most {MOST_LINES}"


def other_in_the_docs(rooms):
    """The table of rooms: | `folder` | what it does | `folder`, `folder` |."""
    shown = {}
    for row in (TREE / "docs/architecture.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if len(cells) == 3 and re.fullmatch(r"`[a-z/]+`", cells[0]) and (HOUSE / cells[0].strip("`")).is_dir():
            shown[cells[0].strip("`")] = set(re.findall(r"`([a-z/]+)`", cells[2]))
    folders = {name: str(room.folder.relative_to(HOUSE)) for name, room in rooms.items()}
    real = {folders[name]: {folders[link] for kind in room.links.values() for link in kind}
            for name, room in rooms.items()}
    for folder in sorted(real.keys() | shown.keys()):
        if shown.get(folder) != real.get(folder):
            yield f"docs/architecture.md: {folder} links {sorted(real.get(folder, ['nothing: there is no such room']))}, " \
                  f"shown is {sorted(shown.get(folder, ['no such room']))}"


def main():
    rooms = read_rooms()
    wrong = [line for check in (arrows_not_linked, circles, too_large, other_in_the_docs) for line in check(rooms)]
    for line in wrong:
        print(line)
    print(f"{len(rooms)} rooms, {sum(len(links) for room in rooms.values() for links in room.links.values())} arrows")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
