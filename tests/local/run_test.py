#!/usr/bin/env python3
"""`imagebatch run` with real processes: what it does with a batch, and what becomes of one that is disturbed.

Usage: run_test.py BINARY [ARGUMENT OF unittest...]     BINARY: imagebatch, with imagebatch-runner beside it
"""
import json
import os
import pathlib
import pty
import signal
import subprocess
import sys
import urllib.request

from case import BINARY, PATIENCE, RunCase, kill, main, processes, verified

DEADLOCK = "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()"


class WholeBatchTest(RunCase):
    def test_500_builds_are_built_once_each_however_the_run_is_killed(self):
        slow = self.directory / "slow"
        self.batch(verified(500), self.build("0.3", str(slow)), parallelism=20)
        run = self.start()
        self.wait(lambda: self.stored() >= 150 and self.alive(), "results")
        kill([run.pid])
        run.wait()
        self.expect_nobody_left()
        self.assertLess(self.stored(), 500)

        # All but the builds, which then have nobody who ends them
        run = self.start()
        self.wait(lambda: self.stored() >= 300, "results")
        slow.touch()
        self.wait(lambda: len(processes("sleep 3600")) >= 20, "builds that take an hour")
        kill([run.pid, *processes(str(self.directory), "imagebatch-runner")])
        run.wait()
        slow.unlink()
        self.assertTrue(self.alive(), "builds without a run")
        self.assertEqual(self.run_batch(), 0, self.out()[-3000:])
        self.assertIn("the last run was killed and left", self.out())
        results = self.results()
        self.assertEqual(len(results), 500)
        self.assertEqual(len({result["name"] for result in results}), 500)
        self.assertEqual({result["status"] for result in results}, {"built"})
        self.assertEqual({result["attempt_count"] for result in results}, {1}, "what was cut short never was")
        self.assertEqual(self.lines("twice"), [], "no build ever ran beside itself")
        self.assertEqual(len(set(self.lines("done"))), 500)
        self.assertGreater(len(self.lines("begun")), 520, "some were killed")
        self.expect_nobody_left()

        begun = len(self.lines("begun"))
        self.assertEqual(self.run_batch(), 0)
        self.assertEqual(len(self.lines("begun")), begun, "a batch that is done is not begun again")

    def test_stages_and_rows_in_another_file_work_as_in_a_cluster(self):
        def stage(name, **more):
            command = ["sh", "-c", "echo $$0 $$1 >>../../order; echo to $$2", name, "$(key)", "$(image)"]
            return {"name": name, "image": "r.example/%s:$(key)" % name, **more,
                    "template": {"spec": {"containers": [
                        {"name": "build", "command": command, "workingDir": str(self.directory / "a/b"),
                         "resources": {"requests": {"cpu": "1"}}}]}}}
        (self.directory / "a/b").mkdir(parents=True)
        stages = [stage("env", key="$(repo)"), stage("image", needs=["env"])]
        batch = {"apiVersion": "imagebatch.dev/v1alpha1", "kind": "ImageBatch", "metadata": {"name": "b"},
                 "spec": {"images": {"configMaps": [{"name": "rows", "key": "rows.jsonl"}]}, "stages": stages,
                          "stall": {"afterSeconds": 60}}}
        rows = verified(12)
        text = "\n".join(json.dumps(row) for row in rows)
        config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "rows"}, "data": {"rows.jsonl": text}}
        (self.directory / "batch.yaml").write_text(json.dumps(batch), encoding="utf-8")
        (self.directory / "rows.yaml").write_text(json.dumps(config_map), encoding="utf-8")
        self.assertEqual(self.run_batch("rows.yaml"), 0, self.out())
        order = [line.split()[0] for line in self.lines("order")]
        envs = len({row["repo"] for row in rows})
        self.assertEqual(sorted(order), ["env"] * envs + ["image"] * 12)
        self.assertIn("the image of their container has no effect, nor have resources, stall", self.out())
        log = self.root / self.results()[-1]["log_path"]
        self.assertEqual(log.read_text(encoding="utf-8"), "to %s\n" % self.results()[-1]["tags"][0])


class HangTest(RunCase):
    def deadlocked(self, action, rows=2):
        # One of the builds waits for itself
        command = ["sh", "-c", "if [ $0 = r1 ]; then exec python3 -c \"$1\"; fi", "$(name)", DEADLOCK]
        self.batch([{"name": "r%d" % i} for i in range(1, rows + 1)], command, backoffLimit=0,
                   hang={"deadlockSeconds": 4, "action": action})

    def expect_evidence(self):
        path = self.root / "evidence/image/r1.1.json"
        self.assertEqual(json.loads(path.read_text(encoding="utf-8"))["class"], "Deadlock")
        text = subprocess.run([BINARY.parent / "imagebatch-runner", "explain", path], check=True, capture_output=True,
                              text=True).stdout
        self.assertIn("Hung: Deadlock", text)
        self.assertIn("image/r1 hangs (Deadlock", self.out())

    def test_a_build_that_hung_is_ended_and_the_rest_goes_on(self):
        self.deadlocked("Fail")
        self.assertEqual(self.run_batch(), 3, self.out())
        hung, = [result for result in self.results() if result["name"] == "r1"]
        self.assertEqual((hung["status"], hung["cause"], hung["class"]), ("failed", "Hang", "Deadlock"))
        self.assertEqual(hung["evidence_record"], "evidence/image/r1.1.json")
        self.assertEqual(len(self.results()), 2)
        self.expect_evidence()
        self.expect_nobody_left()

    def test_flag_ends_nothing_before_all_else_is_done(self):
        self.deadlocked("Flag")
        self.assertEqual(self.run_batch(), 3, self.out())
        self.assertEqual([result["name"] for result in self.results()], ["r2"], "it has no result: it begins anew")
        self.assertIn("only hung builds were left", self.out())
        self.expect_evidence()
        self.expect_nobody_left()


class StopTest(RunCase):
    def stop(self, trap, number=signal.SIGINT):
        command = ["sh", "-c", trap + "; echo >>" + str(self.directory) + "/up; while :; do sleep 0.1; done"]
        self.batch([{"name": "r1"}, {"name": "r2"}], command, pod={"terminationGracePeriodSeconds": 4})
        run = self.start()
        self.wait(lambda: len(self.lines("up")) == 2, "both builds")
        run.send_signal(number)
        return run

    def test_an_interrupt_lets_builds_clean_up_and_says_how_to_go_on(self):
        run = self.stop("trap 'echo >>%s/cleaned; exit 0' TERM" % self.directory)
        self.assertEqual(self.finish(run), 1)
        self.assertEqual(len(self.lines("cleaned")), 2)
        self.assertIn("stopped, 2 builds were ended before their time; run the same command again", self.out())
        self.assertEqual(self.results(), [], "exit code 0 or not: they were cut short")
        self.expect_nobody_left()

    def test_who_ignores_it_is_killed_after_its_grace(self):
        self.assertEqual(self.finish(self.stop("trap '' TERM", signal.SIGTERM)), 1)
        self.assertEqual(self.results(), [])
        self.expect_nobody_left()

    def test_a_service_manager_may_tell_every_process_at_once(self):
        run = self.stop(":", signal.SIGCONT)
        everybody = [run.pid, *processes(str(self.directory), "imagebatch-runner")]
        for pid in everybody:
            os.kill(pid, signal.SIGSTOP)  # so that nobody is ahead
        for pid in everybody:
            os.kill(pid, signal.SIGTERM)
        for pid in reversed(everybody):
            os.kill(pid, signal.SIGCONT)
        self.assertEqual(self.finish(run), 1)
        self.assertEqual(self.results(), [])
        self.expect_nobody_left()

    def test_a_second_interrupt_kills(self):
        run = self.stop("trap 'echo >>%s/told' TERM" % self.directory)
        self.wait(lambda: len(self.lines("told")) == 2, "the first interrupt")
        run.send_signal(signal.SIGINT)
        self.assertEqual(self.finish(run), 1)
        self.expect_nobody_left()


class DisturbedTest(RunCase):
    def test_a_second_run_is_told_who_runs(self):
        (self.directory / "slow").touch()
        self.batch([{"name": "r1"}], self.build("0", str(self.directory / "slow")))
        first = self.start()
        self.wait(lambda: self.lines("begun"), "the build")
        self.assertEqual(self.run_batch(), 1)
        self.assertIn("builds/b is in use: process %d" % first.pid, self.out())
        self.assertIsNone(first.poll())
        first.terminate()
        self.finish(first)

    def test_a_guard_that_is_killed_costs_its_build_an_attempt_and_no_more(self):
        flag = self.directory / "slow"
        flag.touch()
        self.batch([{"name": "r1"}], self.build("0", str(flag)))
        run = self.start()
        self.wait(lambda: self.lines("begun"), "the build")
        flag.unlink()
        # Guard and runner at once: their build is then nobody's
        kill(processes(str(self.directory), "imagebatch-runner"))
        self.assertEqual(self.finish(run), 0, self.out())
        self.assertEqual([result["status"] for result in self.results()], ["failed", "built"])
        self.assertEqual(self.lines("twice"), [])

    def test_results_that_were_cut_off_are_repaired(self):
        self.batch([{"name": "r%d" % i} for i in range(3)], self.build("0"))
        self.assertEqual(self.run_batch(), 0)
        path = self.root / "results.jsonl"
        path.write_bytes(path.read_bytes()[:-50])
        lost = len(self.results_but_the_last())
        self.assertEqual(lost, 2)
        self.assertEqual(self.run_batch(), 0)
        self.assertIn("results.jsonl line 3 was cut off", self.out())
        self.assertEqual({result["name"] for result in self.results()}, {"r0", "r1", "r2"})
        self.assertEqual(len(self.lines("done")), 4)

    def results_but_the_last(self):
        return (self.root / "results.jsonl").read_text(encoding="utf-8").splitlines()[:-1]

    def test_results_that_are_none_are_left_alone(self):
        self.batch([{"name": "r%d" % i} for i in range(3)], self.build("0"))
        self.assertEqual(self.run_batch(), 0)
        path = self.root / "results.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join([lines[0], lines[1][:20], lines[2]]) + "\n", encoding="utf-8")
        before = path.read_bytes()
        self.assertEqual(self.run_batch(), 1)
        self.assertIn("results.jsonl line 2 is not a result", self.out())
        self.assertEqual(path.read_bytes(), before)

    def test_a_changed_batch_is_noticed_and_a_changed_limit_is_not(self):
        self.batch([{"name": "r1"}], self.build("0"))
        self.assertEqual(self.run_batch(), 0)
        self.batch([{"name": "r1"}], self.build("0"), parallelism=3, backoffLimit=7)
        self.assertEqual(self.run_batch(), 0, self.out())
        self.batch([{"name": "r1"}], self.build("0.5"))
        self.assertEqual(self.run_batch(), 1)
        self.assertIn("the batch is not the one that was begun in builds/b", self.out())

    def test_what_would_mean_something_else_here_is_refused(self):
        self.batch([{"name": "r1"}], ["true"], pod={"volumes": [{"name": "v", "secret": {"secretName": "s"}}]})
        self.assertEqual(self.run_batch(), 2)
        self.assertIn("spec.stages[0].template.spec.volumes[0].secret: there are no volumes here", self.out())
        self.assertFalse(self.root.exists())

    def test_the_deadline_ends_what_runs_and_fails_what_is_left(self):
        (self.directory / "slow").touch()
        self.batch([{"name": "r%d" % i} for i in range(3)], self.build("0", str(self.directory / "slow")), parallelism=2,
                   activeDeadlineSeconds=3)
        self.assertEqual(self.run_batch(), 1)
        self.assertEqual([result["reason"] for result in self.results()], ["DeadlineExceeded"] * 2)
        self.expect_nobody_left()


class ShowTest(RunCase):
    def test_a_terminal_shows_a_picture_that_is_drawn_anew(self):
        self.batch([{"name": "r%d" % i} for i in range(4)], self.build("1.5"), parallelism=2)
        primary, secondary = pty.openpty()
        environment = {**os.environ, "TERM": "xterm"}
        environment.pop("NO_COLOR", None)
        with subprocess.Popen([BINARY, "run", "batch.yaml"], cwd=self.directory, stdout=secondary, stderr=secondary,
                              env=environment, start_new_session=True) as run:
            os.close(secondary)
            text = b""
            while True:
                try:
                    text += os.read(primary, 65536)
                except OSError:
                    break
            self.assertEqual(run.wait(), 0, text)
        os.close(primary)
        self.assertIn(b"b: 0 of 4 built, 2 running, 2 to do", text)
        self.assertIn(b"\x1b[2A\x1b[J", text, "drawn anew")
        self.assertIn(b"\x1b[32m[", text, "in colour")
        self.assertIn(b"b: 4 of 4 built", text)

    def test_metrics_are_those_of_the_controller(self):
        (self.directory / "slow").touch()
        self.batch([{"name": "r1"}, {"name": "r2"}], self.build("0", str(self.directory / "slow")), parallelism=1)
        port = 20000 + os.getpid() % 20000
        run = self.start("--metrics", "127.0.0.1:%d" % port)
        self.wait(lambda: self.lines("begun"), "the build")

        def running():
            try:
                with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % port, timeout=PATIENCE) as page:
                    return 'state="running"} 1' in page.read().decode()
            except OSError:
                return False
        self.wait(running, "the metric")
        run.terminate()
        self.finish(run)


class FullDiskTest(RunCase):
    """On a file system of 2 MiB, which only this process and its children see."""

    def setUp(self):
        super().setUp()
        disk = self.directory / "disk"
        disk.mkdir()
        try:
            os.unshare(os.CLONE_NEWNS)
        except AttributeError:  # Python 3.12 has it
            import ctypes
            if ctypes.CDLL(None).unshare(0x00020000) != 0:
                self.skipTest("needs root")
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", disk], check=True)
        self.addCleanup(lambda: subprocess.run(["umount", "--lazy", disk], check=True))
        self.use(disk)

    def test_nothing_is_lost_when_the_disk_fills(self):
        # The fifth build takes all the room there is, as others on the machine may at any time
        fill = ('[ $(name) != r5 ] || { mkdir $$0/full 2>/dev/null && dd if=/dev/zero of=$$0/filler bs=4k 2>/dev/null; }; '
                'exec sleep 0.3')
        self.batch([{"name": "r%d" % i} for i in range(1, 31)], ["sh", "-c", fill, str(self.directory)], parallelism=4)
        self.assertEqual(self.run_batch(), 1)
        results = self.results()
        self.assertTrue(5 <= len(results) < 30, results)
        self.assertEqual({result["status"] for result in results}, {"built"}, "each that began has its result")
        self.expect_nobody_left()
        os.unlink(self.directory / "filler")
        self.assertEqual(self.run_batch(), 0, self.out())
        self.assertEqual(len({result["name"] for result in self.results()}), 30)
        self.assertEqual(len(self.results()), 30)

    def start(self, *options, **keywords):
        # What it says must have room
        out = open(self.directory.parent / "out", "ab")  # pylint: disable=consider-using-with
        self.addCleanup(out.close)
        return subprocess.Popen([BINARY, "run", "batch.yaml", *options], cwd=self.directory, stdout=out, stderr=out,
                                start_new_session=True, **keywords)

    def out(self):
        text = pathlib.Path(self.directory.parent / "out").read_text(encoding="utf-8")
        return text


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main()
