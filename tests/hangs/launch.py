"""Turns the commands of the table into argument vectors, and compiles what must be compiled."""
import contextlib
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
TOOLS = {".c": ("gcc",), ".go": ("go",), ".java": ("javac", "java"), ".js": ("node",)}

# As in a Pod: the runner is process 1 and sees no process but the build's, and the network is the build's alone. What
# is left of a scenario ends with its first process, and that with us: it is killed when we are.
NETWORK = ["unshare", "--net", "--", "setpriv", "--pdeathsig", "KILL", "sh", "-c",
           'ip link set lo up && {} && exec "$@"', "-"]
PROCESSES = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
CABLE = ("ip link add cable type veth peer name cable netns {} && ip address add 192.0.2.1/24 dev cable && "
         "ip link set cable up")
LOOSE_CABLE = ("ip link add cable type veth peer name loose && ip address add 192.0.2.1/24 dev cable && "
               "ip link set loose up && ip link set cable up")
OTHER_END = "ip address add 192.0.2.2/24 dev cable && ip link set cable up"

# BuildKit and runc, as ./dev setup has built them for the throwaway cluster.
BUILT = pathlib.Path(os.environ.get("IMAGEBATCH_CACHE", pathlib.Path.home() / ".cache" / "imagebatch")) / "tools"
os.environ["PATH"] = os.pathsep.join(
    [os.environ["PATH"], *(str(tool) for name in ("buildkit", "runc") for tool in sorted(BUILT.glob(f"{name}-*"))
                           if tool.is_dir())])


def remove_cgroups():
    """What BuildKit leaves of its own where it is killed. Those that are in use stay."""
    roots = pathlib.Path("/sys/fs/cgroup")
    for root in (*roots.glob("buildkit"), *roots.glob("*/buildkit")):
        for place, _, _ in os.walk(root, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(place)


def source(word, home=HERE):
    """The file of the corpus that a word names, or None."""
    for path in (home / "programs" / word, home / word):
        if path.suffix and "/" not in word and path.is_file():
            return path
    return None


class Programs:
    def __init__(self, build, home=HERE):
        self.build, self.home = build, home

    def move(self, directory):
        """The same programs in another directory."""
        home = directory / self.home.name
        shutil.copytree(self.home / "programs", home / "programs")
        shutil.copy(self.home / "fork_pool.py", home)
        shutil.copytree(self.build, home / "bin")
        (directory / "data").symlink_to(self.home.parent / "data")
        return Programs(home / "bin", home)

    def missing(self, scenario):
        """What this machine lacks for the scenario, or None."""
        for tool in self._tools(scenario):
            if shutil.which(tool) is None:
                return tool
        if (scenario.server or scenario.sidecar) and os.geteuid() != 0:
            return "root, for a network of its own"
        return None

    def _tools(self, scenario):
        yield from scenario.needs
        if not source(scenario.command[0]):
            yield scenario.command[0]
        for word in scenario.command:
            if path := source(word):
                yield from TOOLS.get(path.suffix, ())

    def compile(self, scenarios):
        self.build.mkdir(parents=True, exist_ok=True)
        words = [word for s in scenarios for word in (*s.command, *(["refuse.c"] if s.refused else []))]
        for path in sorted({path for word in words if (path := source(word))}):
            output = self.build / (f"{path.stem}.class" if path.suffix == ".java" else path.stem)
            newest = max(path.stat().st_mtime, (HERE / "programs" / "stuck.h").stat().st_mtime)
            if path.suffix not in (".c", ".go", ".java") or (output.exists() and output.stat().st_mtime > newest):
                continue
            command = {".c": ["gcc", "-O1", "-Wall", "-pthread", "-o", output, path, "-lm"],
                       ".go": ["go", "build", "-o", output, path],
                       ".java": ["javac", "-d", self.build, path]}[path.suffix]
            subprocess.run(command, check=True)

    def arguments(self, command):
        """Every word that names a program of the corpus becomes what runs it."""
        result = []
        for word in command:
            path = source(word, self.home)
            if path is None:
                result.append(word)
                continue
            result += {".c": [str(self.build / path.stem)], ".go": [str(self.build / path.stem)],
                       ".java": ["java", "-cp", str(self.build), path.stem], ".js": ["node", str(path)],
                       ".py": [sys.executable, str(path)], ".sh": [str(path)]}[path.suffix]
        return result


def isolated(command, server=None, sidecar=None, last_pid=0):
    """`command` in namespaces of its own, on a cable to the namespaces of the process `server` where there is one, and
    beside the process `sidecar`, which shares its network and nothing else. Its processes get ids behind `last_pid`."""
    before = CABLE.format(server) if server else LOOSE_CABLE if sidecar else "true"
    if sidecar:
        beside = shlex.join(["setpriv", "--pdeathsig", "KILL", *map(str, sidecar)])
        before += f" && {{ {beside} >/dev/null 2>&1 & }}"
    network = [part.format(before) for part in NETWORK]
    if os.geteuid() != 0:
        network[1:1] = ["--user", "--map-root-user"]
    count = ["sh", "-c", f'echo {last_pid} >/proc/sys/kernel/ns_last_pid && exec "$@"', "-"] if last_pid else []
    return network + PROCESSES + count + command


def start_server(command, environment):
    """The other end: a process in a network of its own. Its address is set once the cable is there."""
    network = [part.format("until ip link show cable; do sleep 0.05; done && " + OTHER_END) for part in NETWORK]
    server = subprocess.Popen(network + command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    ours = os.readlink("/proc/self/ns/net")
    while os.readlink(f"/proc/{server.pid}/ns/net") == ours:
        time.sleep(0.01)
    return server
