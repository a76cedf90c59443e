#!/usr/bin/env python3
"""What the demo and the benchmarks read from the cluster, without one."""
import json
import pathlib
import tempfile
import unittest

import cluster

NAME = "imagebatch_hung_build_since_timestamp_seconds"


class ReadingTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        cluster.CLUSTER = pathlib.Path(directory.name)

    def test_the_series_of_an_earlier_batch_is_not_taken_for_this_ones(self):
        page = (f'# TYPE {NAME} gauge\n{NAME}{{namespace="n",batch="b",build="old"}} 1000\n'
                f'{NAME}{{namespace="n",batch="b",build="new"}} 2000\n{NAME}{{namespace="m",batch="b",build="new"}} 3000\n')
        self.assertEqual(cluster.hung_since(page, "n", 1155), {"new": 2000})

    def test_an_alert_that_began_before_is_not_of_this_batch(self):
        def alert(build, starts_at):
            return {"labels": {"namespace": "n", "build": build}, "startsAt": starts_at}

        alerts = [alert("old", "2026-01-02T03:04:04.999Z"), alert("new", "2026-01-02T03:04:05.123456789Z")]
        line = json.dumps({"receivedAt": "2026-01-02T03:04:06.000+00:00", "alerts": alerts})
        (cluster.CLUSTER / "alerts.jsonl").write_text(line + "\n")
        found = [alert["labels"]["build"] for alert, _ in cluster.alerts("n", "2026-01-02T03:04:05.000+00:00")]
        self.assertEqual(found, ["new"])

    def test_a_daemon_that_ended_twice_is_told_with_its_last_words(self):
        cluster.raise_if_a_daemon_failed()
        for name in ("failed", "log"):
            (cluster.CLUSTER / name).mkdir()
        (cluster.CLUSTER / "log/alertmanager.log").write_text("no such file: default.tmpl\n")
        (cluster.CLUSTER / "failed/alertmanager").touch()
        with self.assertRaisesRegex(cluster.Failed, "(?s)alertmanager ended twice in a row.*default.tmpl"):
            cluster.raise_if_a_daemon_failed()


if __name__ == "__main__":
    unittest.main()
