"""What the chart renders, by its variants. Nothing here needs a cluster; HELM is the helm program."""
import filecmp
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "charts/imagebatch"
HELM = os.environ.get("HELM", str(ROOT / "build/tools/helm"))
PROMTOOL = os.environ.get("PROMTOOL", str(ROOT / "build/tools/promtool"))
POLICY = "admissionregistration.k8s.io/{}/MutatingAdmissionPolicy"
OPERATOR = ["--api-versions", "monitoring.coreos.com/v1"]


def helm(*arguments):
    return subprocess.run([HELM, *map(str, arguments)], capture_output=True, text=True, check=False)


def template(*arguments, release="imagebatch"):
    return helm("template", release, CHART, "--namespace", "system", "--kube-version", "1.34", *arguments)


def render(*arguments, release="imagebatch"):
    """The rendered objects as {(kind, name): object}."""
    result = template(*arguments, release=release)
    if result.returncode != 0:
        raise AssertionError(result.stderr)
    objects = {}
    for item in yaml.safe_load_all(result.stdout):
        key = item["kind"], item["metadata"]["name"]
        if key in objects:
            raise AssertionError(f"rendered twice: {key}")
        objects[key] = item
    return objects


def kinds(objects):
    return {kind for kind, _ in objects}


def only(objects, kind):
    (found,) = [item for (found_kind, _), item in objects.items() if found_kind == kind]
    return found


def rights(role):
    """{(resource, verb)}, resources outside the core group with their group."""
    return {(resource + ("." + group if group else ""), verb)
            for rule in role["rules"] for group in rule["apiGroups"] for resource in rule["resources"]
            for verb in rule["verbs"]}


CONTROLLER_RIGHTS = {
    *(("imagebatches.imagebatch.dev", verb) for verb in ("get", "list", "watch", "delete")),
    ("imagebatches/status.imagebatch.dev", "patch"),
    ("imagebatches/finalizers.imagebatch.dev", "update"),
    *(("jobs.batch", verb) for verb in ("get", "list", "watch", "create", "delete")),
    *(("pods", verb) for verb in ("list", "watch")),
    ("pods/log", "get"),
    *(("imagebatchrecords.imagebatch.dev", verb) for verb in ("get", "list", "create", "patch", "delete")),
    ("configmaps", "get"),
    ("events", "create"),
    ("events", "list"),
}


def with_known_kinds(text):
    """Of the kinds whose schemas are not here the Jobs and Pods that they stand for, in the form of Kubernetes' own."""
    for item in yaml.safe_load_all(text):
        if item["kind"] == "JobSet":
            for job in item["spec"]["replicatedJobs"]:
                yield {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": job["name"]}, **job["template"]}
        elif item["kind"] == "Workflow":
            for step in item["spec"]["templates"]:
                spec = {key: step[key] for key in ("volumes", "initContainers") if key in step}
                containers = [{"name": "main", **step["container"]}]
                yield {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": step["name"], **step["metadata"]},
                       "spec": {"containers": containers, **spec}}
        else:
            yield item


def pod_templates(text):
    """Labels and spec of the Pods that the Jobs and Pods of a text make."""
    for item in with_known_kinds(text):
        pod = item["spec"]["template"] if item["kind"] == "Job" else item
        yield pod["metadata"]["labels"], pod["spec"]


class SchemaTest(unittest.TestCase):
    """Every object is one that Kubernetes knows, with no field that it does not."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.schemas = pathlib.Path(directory.name)
        tools = pathlib.Path(HELM).parent
        cls.kubeconform = tools / "kubeconform"
        subprocess.run([ROOT / "tests/chart/schemas.py", tools / "kubernetes-openapi.json", ROOT / "manifests/crd.yaml",
                        cls.schemas], check=True)

    def check(self, manifests, expected=0):
        result = subprocess.run([self.kubeconform, "-strict", "-summary", "-schema-location",
                                 f"{self.schemas}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json", "-"],
                                input=manifests, capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, expected, result.stdout + result.stderr)
        return result.stdout

    def test_the_rendered_chart(self):
        policy = ("--api-versions", POLICY.format("v1beta1"), "--set", "watch.mutatingAdmissionPolicy.enabled=true")
        for values in ((), ("--set", "watchNamespace=builds"), policy):
            self.assertIn("Invalid: 0, Errors: 0, Skipped: 0", self.check(template(*values).stdout))

    def test_the_manifests(self):
        for path in (*ROOT.glob("manifests/*.yaml"), *ROOT.glob("manifests/samples/*.yaml")):
            known = yaml.safe_dump_all(with_known_kinds(path.read_text(encoding="utf-8")))
            self.assertIn("Invalid: 0, Errors: 0, Skipped: 0", self.check(known), path.name)

    def test_a_mistake_is_found(self):
        install = (ROOT / "manifests/install.yaml").read_text(encoding="utf-8")
        self.assertIn("'replicass' not allowed", self.check(install.replace("replicas:", "replicass:", 1), 1))
        sample = (ROOT / "manifests/samples/two-stages.yaml").read_text(encoding="utf-8")
        self.assertIn("'stagess' not allowed", self.check(sample.replace("  stages:", "  stagess:", 1), 1))


class AnyPodTest(unittest.TestCase):
    """The samples of watched Pods are wrapped as the controller demands it, and as docs/any-job.md shows it."""

    def check(self, labels, spec):
        self.assertEqual(labels["imagebatch.dev/watch"], "true")
        volume = {"name": "imagebatch-runner", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}}
        mount = {"name": "imagebatch-runner", "mountPath": "/imagebatch"}
        self.assertIn(volume, spec["volumes"])
        init, = spec["initContainers"]
        self.assertEqual(init["command"], ["/usr/bin/imagebatch-runner", "install", "/imagebatch/imagebatch-runner"])
        self.assertEqual(init["volumeMounts"], [mount])
        container, = spec["containers"]
        words = container["command"] + container.get("args", [])
        self.assertEqual(words[:2], ["/imagebatch/imagebatch-runner", "--listen=:9911"])
        self.assertIn("--", words)
        self.assertEqual(container["env"], [{"name": "IMAGEBATCH_MARKER",
                                             "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}])
        self.assertEqual(container["volumeMounts"], [mount])
        self.assertEqual(container["readinessProbe"], {"httpGet": {"path": "/progress", "port": 9911}, "periodSeconds": 5,
                                                       "timeoutSeconds": 3, "failureThreshold": 1})

    def test_samples(self):
        paths = sorted(ROOT.glob("manifests/samples/any-*.yaml"))
        self.assertEqual(len(paths), 3)
        for path in paths:
            for labels, spec in pod_templates(path.read_text(encoding="utf-8")):
                with self.subTest(path.name):
                    self.check(labels, spec)

    def test_the_page(self):
        text = (ROOT / "docs/any-job.md").read_text(encoding="utf-8")
        shown = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
        self.check(shown["metadata"]["labels"], shown["spec"])


class WatchPolicyTest(unittest.TestCase):
    ENABLED = ("--set", "watch.mutatingAdmissionPolicy.enabled=true")

    def versions(self, *served, values=ENABLED):
        words = [word for version in served for word in ("--api-versions", POLICY.format(version))]
        objects = render(*words, *values)
        return {item["apiVersion"] for (kind, _), item in objects.items() if kind.startswith("MutatingAdmissionPolicy")}

    def test_the_newest_version_that_is_served(self):
        self.assertEqual(self.versions("v1", "v1beta1"), {"admissionregistration.k8s.io/v1"})
        self.assertEqual(self.versions("v1beta1"), {"admissionregistration.k8s.io/v1beta1"})
        self.assertEqual(self.versions(), set())
        self.assertEqual(self.versions("v1", values=()), set(), "only on demand")

    def test_notes_tell_where_there_is_none(self):
        def notes(*arguments):
            """helm shows them with a cluster only: here they are the text of an object of a copy of the chart."""
            with tempfile.TemporaryDirectory() as directory:
                copied = pathlib.Path(directory, "imagebatch")
                shutil.copytree(CHART, copied)
                text = (copied / "templates/NOTES.txt").read_text(encoding="utf-8")
                (copied / "templates/_notes.tpl").write_text('{{- define "notes" }}' + text + "{{ end }}", encoding="utf-8")
                (copied / "templates/notes.yaml").write_text('text: {{ include "notes" . | quote }}', encoding="utf-8")
                shown = helm("template", "imagebatch", copied, "--kube-version", "1.34", "--show-only", "templates/notes.yaml",
                             *arguments)
                return yaml.safe_load(shown.stdout)["text"]

        self.assertIn("serves no MutatingAdmissionPolicy", notes(*self.ENABLED))
        self.assertNotIn("MutatingAdmissionPolicy", notes(*self.ENABLED, "--api-versions", POLICY.format("v1beta1")))
        self.assertNotIn("MutatingAdmissionPolicy", notes())

    def test_it_stays_within_the_namespace_that_is_watched(self):
        objects = render("--api-versions", POLICY.format("v1"), *self.ENABLED, "--set", "watchNamespace=builds")
        constraints = only(objects, "MutatingAdmissionPolicy")["spec"]["matchConstraints"]
        self.assertEqual(constraints["namespaceSelector"], {"matchLabels": {"kubernetes.io/metadata.name": "builds"}})
        self.assertEqual(constraints["objectSelector"]["matchLabels"], {"imagebatch.dev/watch": "true"})


class DefaultTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.objects = render()
        cls.pod = only(cls.objects, "Deployment")["spec"]["template"]
        (cls.container,) = cls.pod["spec"]["containers"]

    def test_lint(self):
        result = helm("lint", "--strict", CHART)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_objects(self):
        self.assertEqual(set(self.objects), {
            ("Deployment", "imagebatch"), ("Service", "imagebatch"), ("ServiceAccount", "imagebatch"),
            ("ClusterRole", "imagebatch"), ("ClusterRoleBinding", "imagebatch"),
            ("Role", "imagebatch-own-pod"), ("RoleBinding", "imagebatch-own-pod"),
            ("ClusterRole", "imagebatch-editor"), ("ClusterRole", "imagebatch-viewer"),
            ("CustomResourceDefinition", "imagebatches.imagebatch.dev"),
            ("CustomResourceDefinition", "imagebatchrecords.imagebatch.dev")})
        for (kind, name), item in self.objects.items():
            if kind in ("Deployment", "Service", "ServiceAccount"):
                self.assertEqual(item["metadata"]["namespace"], "system", name)

    def test_one_controller_at_a_time(self):
        spec = only(self.objects, "Deployment")["spec"]
        self.assertEqual((spec["replicas"], spec["strategy"]["type"]), (1, "Recreate"))

    def test_arguments(self):
        self.assertEqual(self.container["image"], "imagebatch:0.1.0")
        self.assertEqual(self.container["args"], [
            "controller", "--listen=:8080", "--log-level=info", "--runner-image-pull-policy=IfNotPresent"])

    def test_the_image_is_named_once(self):
        result = template()
        self.assertEqual(result.stdout.count("imagebatch:0.1.0"), 1)
        self.assertEqual(self.container["env"], [
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}])
        self.assertEqual(self.container["name"], "controller", "by which it finds its image in its Pod")

    def test_pod_security_restricted(self):
        pod, container = self.pod["spec"]["securityContext"], self.container["securityContext"]
        self.assertIs(pod["runAsNonRoot"], True)
        self.assertEqual(pod["seccompProfile"]["type"], "RuntimeDefault")
        self.assertFalse({"runAsUser", "runAsGroup", "fsGroup"} & {*pod, *container},
                         "a namespace may prescribe a range of users")
        dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
        self.assertRegex(dockerfile, r"\nUSER [1-9][0-9]*:", "with runAsNonRoot the image's user is a number")
        self.assertEqual(container, {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}})
        self.assertFalse({"hostNetwork", "hostPID", "hostIPC", "volumes"} & set(self.pod["spec"]))
        self.assertIn("memory", self.container["resources"]["limits"])

    def test_probes_and_service_reach_the_listener(self):
        self.assertEqual(self.container["ports"], [{"name": "metrics", "containerPort": 8080}])
        for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
            self.assertEqual(self.container[probe]["httpGet"], {"path": path, "port": "metrics"})
        service = only(self.objects, "Service")
        self.assertEqual([(p["name"], p["targetPort"]) for p in service["spec"]["ports"]], [("metrics", "metrics")])
        labels = self.pod["metadata"]["labels"].items()
        self.assertLessEqual(service["spec"]["selector"].items(), labels)
        self.assertEqual(only(self.objects, "Deployment")["spec"]["selector"]["matchLabels"],
                         service["spec"]["selector"])
        self.assertIn(("app.kubernetes.io/name", "imagebatch"), labels)

    def test_least_rights(self):
        self.assertEqual(rights(self.objects["ClusterRole", "imagebatch"]), CONTROLLER_RIGHTS)
        binding = only(self.objects, "ClusterRoleBinding")
        subjects = [{"kind": "ServiceAccount", "name": "imagebatch", "namespace": "system"}]
        self.assertEqual(binding["subjects"], subjects)
        own, own_binding = only(self.objects, "Role"), only(self.objects, "RoleBinding")
        self.assertEqual(rights(own), {("pods", "get")})
        self.assertEqual([o["metadata"]["namespace"] for o in (own, own_binding)], ["system", "system"])
        self.assertEqual((own_binding["subjects"], own_binding["roleRef"]["name"]), (subjects, "imagebatch-own-pod"))
        self.assertEqual(self.pod["spec"]["serviceAccountName"], "imagebatch")

    def test_roles_for_users(self):
        editor, viewer = (self.objects["ClusterRole", "imagebatch-" + who] for who in ("editor", "viewer"))
        prefix = "rbac.authorization.k8s.io/aggregate-to-"
        aggregated = [{key[len(prefix):] for key in role["metadata"]["labels"] if key.startswith(prefix)}
                      for role in (editor, viewer)]
        self.assertEqual(aggregated, [{"admin", "edit"}, {"view"}])
        self.assertIn(("imagebatches.imagebatch.dev", "create"), rights(editor))
        self.assertEqual({verb for _, verb in rights(viewer)}, {"get", "list", "watch"})
        self.assertNotIn("imagebatches/status.imagebatch.dev", {r for r, verb in rights(editor) if verb != "get"})
        self.assertEqual({verb for r, verb in rights(editor) if r.startswith("imagebatchrecords")},
                         {"get", "list", "watch", "delete", "deletecollection"}, "only the controller writes records")


class RegistriesTest(unittest.TestCase):
    def setUp(self):
        values = {"registrySecrets": [{"namespace": "system", "name": "own"}, {"namespace": "builds", "name": "pull"}],
                  "registries": ["http://registry.ci:5000", "auth.example"]}
        self.objects = render("--set-json", "registrySecrets=" + json.dumps(values["registrySecrets"]),
                              "--set-json", "registries=" + json.dumps(values["registries"]))
        self.pod = only(self.objects, "Deployment")["spec"]["template"]["spec"]

    def test_none_by_default(self):
        objects = render()
        self.assertNotIn("secrets", {resource for role in objects.values() if role["kind"].endswith("Role")
                                     for resource, _ in rights(role)})
        pod = only(objects, "Deployment")["spec"]["template"]["spec"]
        self.assertNotIn("volumes", pod)
        self.assertFalse([word for word in pod["containers"][0]["args"] if "regist" in word])

    def test_the_controller_is_told(self):
        arguments = self.pod["containers"][0]["args"]
        self.assertIn("--registries=http://registry.ci:5000,auth.example", arguments)
        self.assertIn("--registry-auth=/etc/imagebatch/registries/0/config.json", arguments)
        self.assertIn("--registry-secrets=builds/pull", arguments)

    def test_a_secret_of_the_own_namespace_is_mounted(self):
        (volume,) = self.pod["volumes"]
        self.assertEqual(volume["secret"]["secretName"], "own")
        self.assertTrue(volume["secret"]["optional"], "a missing one does not keep the controller from starting")
        (mount,) = self.pod["containers"][0]["volumeMounts"]
        self.assertEqual((mount["name"], mount["readOnly"]), (volume["name"], True))
        self.assertTrue("/etc/imagebatch/registries/0/config.json".startswith(mount["mountPath"] + "/"))

    def test_of_another_namespace_just_that_one_may_be_read(self):
        with_secrets = [role for role in self.objects.values() if role["kind"].endswith("Role")
                        and ("secrets", "get") in rights(role)]
        (role,) = with_secrets
        self.assertEqual((role["kind"], role["metadata"]["namespace"]), ("Role", "builds"))
        self.assertEqual(rights(role), {("secrets", "get")})
        self.assertEqual([rule["resourceNames"] for rule in role["rules"]], [["pull"]])
        binding = self.objects["RoleBinding", role["metadata"]["name"]]
        self.assertEqual(binding["metadata"]["namespace"], "builds")
        self.assertEqual(binding["subjects"][0]["namespace"], "system")

    def test_wrong_values_are_refused(self):
        for value in ("ftp://x", "host/path", "a b", ""):
            self.assertNotEqual(template("--set-json", "registries=" + json.dumps([value])).returncode, 0, value)
        for value in ({"name": "x"}, {"namespace": "a"}, {"namespace": "a", "name": "b", "key": "c"}):
            self.assertNotEqual(template("--set-json", "registrySecrets=" + json.dumps([value])).returncode, 0, value)


class WatchNamespaceTest(unittest.TestCase):
    def test_rights_in_that_namespace_only(self):
        objects = render("--set", "watchNamespace=builds")
        role, binding = objects["Role", "imagebatch"], objects["RoleBinding", "imagebatch"]
        self.assertEqual(rights(role), CONTROLLER_RIGHTS)
        self.assertEqual([o["metadata"]["namespace"] for o in (role, binding)], ["builds", "builds"])
        self.assertEqual(binding["roleRef"]["kind"], "Role")
        self.assertEqual(binding["subjects"][0]["namespace"], "system")
        self.assertNotIn("ClusterRoleBinding", kinds(objects))
        self.assertNotIn(("ClusterRole", "imagebatch"), objects)
        (container,) = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
        self.assertIn("--namespace=builds", container["args"])

    def test_nothing_of_the_cluster_without_the_crd(self):
        objects = render("--set", "watchNamespace=builds,crds.enabled=false")
        self.assertEqual(kinds(objects), {"Deployment", "Service", "ServiceAccount", "Role", "RoleBinding"})

    def test_may_be_the_releases_own_namespace(self):
        objects = render("--set", "watchNamespace=system")
        self.assertEqual(rights(objects["Role", "imagebatch"]), CONTROLLER_RIGHTS)
        self.assertEqual(rights(objects["Role", "imagebatch-own-pod"]), {("pods", "get")})


class MonitoringTest(unittest.TestCase):
    def test_rendered_where_the_api_is(self):
        objects = render(*OPERATOR, "--set", "metrics.labels.release=prometheus")
        monitor, rule = only(objects, "ServiceMonitor"), only(objects, "PrometheusRule")
        service = only(objects, "Service")
        self.assertLessEqual(monitor["spec"]["selector"]["matchLabels"].items(), service["metadata"]["labels"].items())
        (endpoint,) = monitor["spec"]["endpoints"]
        self.assertEqual(endpoint, {"port": service["spec"]["ports"][0]["name"], "honorLabels": True})
        with open(CHART / "files/alerts.yaml", encoding="utf-8") as plain:
            self.assertEqual(rule["spec"], yaml.safe_load(plain))
        for item in (monitor, rule):
            self.assertEqual(item["metadata"]["labels"]["release"], "prometheus")

    def rules(self, *arguments):
        spec = only(render(*OPERATOR, *arguments), "PrometheusRule")["spec"]
        return {rule["alert"]: rule for group in spec["groups"] for rule in group["rules"]}

    def promtool(self, *arguments, **rules):
        """promtool's answer to the rules as a file."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump({"groups": [{"name": "x", "rules": list(rules.values())}]}, file)
            file.flush()
            return subprocess.run([PROMTOOL, *arguments, file.name], capture_output=True, text=True, check=False)

    def test_runbooks_have_an_address_where_it_is_known(self):
        for address in ("https://wiki.example/imagebatch", "https://wiki.example/imagebatch/"):
            for name, rule in self.rules("--set", f"metrics.prometheusRule.runbookURL={address}").items():
                self.assertEqual(rule["annotations"]["runbook_url"], f"https://wiki.example/imagebatch/{name}.md")
                self.assertNotIn("runbook", rule["annotations"])

    def test_severities_thresholds_and_labels_are_values(self):
        prefix = "metrics.prometheusRule"
        plain = self.rules()
        for name, rule in plain.items():
            number = "7331"
            changed = self.rules("--set", f"{prefix}.rules.{name}.severity=info,{prefix}.rules.{name}.for=7m,"
                                 f"{prefix}.rules.{name}.keepFiringFor=9m,{prefix}.additionalRuleLabels.team=x",
                                 *(("--set", f"{prefix}.rules.{name}.threshold={number}") if "# threshold" in rule["expr"]
                                   else ()))
            self.assertEqual(changed[name]["labels"], {"severity": "info", "team": "x"})
            self.assertEqual((changed[name]["for"], changed[name]["keep_firing_for"]), ("7m", "9m"))
            self.assertEqual(changed[name]["expr"].count(number), rule["expr"].count("# threshold"), name)
            for other in set(plain) - {name}:
                self.assertEqual(changed[other], {**plain[other], "labels": {**plain[other]["labels"], "team": "x"}})
            result = self.promtool("check", "rules", **changed)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_an_alert_can_be_left_out(self):
        left = self.rules("--set", "metrics.prometheusRule.rules.ImageBatchFailed.enabled=false")
        self.assertEqual(set(self.rules()) - set(left), {"ImageBatchFailed"})

    def test_alerts_that_are_none_are_refused(self):
        for wrong, message in (("NoSuchAlert.for=5m", "there is no alert NoSuchAlert"),
                               ("ImageBuildHung.threshold=5", "this alert has no threshold")):
            self.assertIn(message, template(*OPERATOR, "--set", "metrics.prometheusRule.rules." + wrong).stderr)

    def test_a_prometheus_that_renames_labels(self):
        renamed = ["--set", "metrics.serviceMonitor.honorLabels=false"]
        self.assertIs(only(render(*OPERATOR), "ServiceMonitor")["spec"]["endpoints"][0]["honorLabels"], True)
        self.assertIs(only(render(*OPERATOR, *renamed), "ServiceMonitor")["spec"]["endpoints"][0]["honorLabels"], False)
        rules = self.rules(*renamed)
        for name, rule in rules.items():
            if not re.search("batch|_pod_", rule["expr"].replace("imagebatch", "")):
                continue
            self.assertNotRegex(rule["expr"], r"\b(namespace|pod|container)\b", name)
            self.assertIn("exported_namespace", rule["expr"], name)
            self.assertNotIn("$labels.pod ", rule["annotations"]["description"])
            self.assertNotRegex(str(rule["annotations"]), r"\$labels\.(namespace|pod|container)\b", name)
        result = self.promtool("check", "rules", **rules)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_what_to_do_where_the_api_is_not_known(self):
        for what, kind in (("serviceMonitor", "ServiceMonitor"), ("prometheusRule", "PrometheusRule")):
            self.assertIn(kind, kinds(render("--set", f"metrics.{what}.renderMode=alwaysRender")))
            self.assertIn("has no API monitoring.coreos.com/v1",
                          template("--set", f"metrics.{what}.renderMode=failIfMissing").stderr)
            self.assertIn(kind, kinds(render(*OPERATOR, "--set", f"metrics.{what}.renderMode=failIfMissing")))

    def test_not_rendered_elsewhere_or_unwanted(self):
        for arguments in ([], [*OPERATOR, "--set",
                               "metrics.serviceMonitor.enabled=false,metrics.prometheusRule.enabled=false"]):
            self.assertFalse({"ServiceMonitor", "PrometheusRule"} & kinds(render(*arguments)))

    def test_each_alone(self):
        for off, left in (("serviceMonitor", "PrometheusRule"), ("prometheusRule", "ServiceMonitor")):
            objects = render(*OPERATOR, "--set", f"metrics.{off}.enabled=false")
            self.assertEqual(kinds(objects) & {"ServiceMonitor", "PrometheusRule"}, {left})


class ValuesTest(unittest.TestCase):
    def deployment(self, *arguments, **names):
        return only(render(*arguments, **names), "Deployment")

    def test_image(self):
        digest = "sha256:" + "a" * 64
        for values, image in (("image.registry=r:5000", "r:5000/imagebatch:0.1.0"),
                              ("image.registry=r,image.repository=x/y,image.tag=v9", "r/x/y:v9"),
                              (f"image.tag=v9,image.digest={digest}", f"imagebatch@{digest}")):
            (container,) = self.deployment("--set", values)["spec"]["template"]["spec"]["containers"]
            self.assertEqual(container["image"], image)
            self.assertFalse([a for a in container["args"] if a.startswith("--runner-image=")])

    def test_the_runners_init_container(self):
        def arguments(*values):
            (container,) = self.deployment(*values)["spec"]["template"]["spec"]["containers"]
            return {a.split("=", 1)[0]: a.split("=", 1)[1] for a in container["args"] if a.startswith("--runner-")}
        self.assertEqual(arguments("--set", "image.pullPolicy=Always"), {"--runner-image-pull-policy": "Always"})
        runner = {"imagePullPolicy": "Never", "resources": {"limits": {"cpu": 1, "memory": "64Mi"}},
                  "securityContext": {"runAsUser": 1000650000, "seLinuxOptions": {"level": 's0:c"1'}}}
        given = arguments("--set", "image.pullPolicy=Always", "--set-json", "runner=" + json.dumps(runner))
        self.assertEqual(given["--runner-image-pull-policy"], "Never")
        self.assertEqual(json.loads(given["--runner-resources"]), runner["resources"])
        self.assertEqual(json.loads(given["--runner-security-context"]), runner["securityContext"])

    def test_what_is_passed_on(self):
        values = {
            "imagePullSecrets": [{"name": "pull"}], "priorityClassName": "high", "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "builds", "operator": "Exists"}], "podAnnotations": {"a": "1"},
            "podLabels": {"team": "x"}, "extraArgs": ["--x=a b", "--runner-image=other:1"], "logLevel": "debug",
            "affinity": {"nodeAffinity": {}}, "resources": {"limits": {"memory": "1Gi"}},
            "serviceAccount": {"annotations": {"role": "r"}}, "image": {"pullPolicy": "Always"},
        }
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump(values, file)
            file.flush()
            objects = render("--values", file.name)
        pod = only(objects, "Deployment")["spec"]["template"]
        (container,) = pod["spec"]["containers"]
        for key in ("imagePullSecrets", "priorityClassName", "nodeSelector", "tolerations", "affinity"):
            self.assertEqual(pod["spec"][key], values[key])
        self.assertEqual(container["args"][-2:], ["--x=a b", "--runner-image=other:1"])
        self.assertIn("--log-level=debug", container["args"])
        self.assertEqual(container["imagePullPolicy"], "Always")
        self.assertEqual(container["resources"]["limits"], {"memory": "1Gi"})
        self.assertEqual(pod["metadata"]["labels"]["team"], "x")
        self.assertEqual(pod["metadata"]["annotations"]["a"], "1")
        self.assertEqual(only(objects, "ServiceAccount")["metadata"]["annotations"], {"role": "r"})

    def test_an_account_of_ones_own(self):
        objects = render("--set", "serviceAccount.create=false,serviceAccount.name=mine")
        self.assertNotIn("ServiceAccount", kinds(objects))
        self.assertEqual(only(objects, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"], "mine")
        self.assertEqual(only(objects, "ClusterRoleBinding")["subjects"][0]["name"], "mine")

    def test_names_follow_the_release_and_fit(self):
        self.assertEqual(self.deployment(release="mine")["metadata"]["name"], "mine-imagebatch")
        long = self.deployment(release="x" * 53)["metadata"]["name"]
        self.assertLessEqual(len(long), 63)
        self.assertRegex(long, "[a-z0-9]$")

    def test_mistakes_are_refused(self):
        for mistake in ("image.tagg=v1", "watchNamespaces=builds", "logLevel=loud", "image.digest=sha256:12",
                        "watchNamespace=Not_A_Name", "metrics.serviceMonitor.enabled=maybe", "replicas=2",
                        "image.repository=", "logLevel=trace", "logLevel=off", "extraArgs={--listen=:9090}",
                        "extraArgs={--log-level=debug}", "extraArgs={--namespace=a}", "runner.pullPolicy=Always",
                        "runner.resources.cpu=1", "runner.imagePullPolicy=Sometimes"):
            result = template("--set", mistake)
            self.assertNotEqual(result.returncode, 0, mistake)
            self.assertIn("values don't meet the specifications of the schema", result.stderr, mistake)

    def test_every_value_is_in_the_schema(self):
        with open(CHART / "values.yaml", encoding="utf-8") as file:
            values = set(yaml.safe_load(file))
        with open(CHART / "values.schema.json", encoding="utf-8") as file:
            self.assertEqual(set(yaml.safe_load(file)["properties"]) - {"global"}, values)

    def test_old_clusters_are_refused(self):
        self.assertIn("incompatible", template("--kube-version", "1.28").stderr)


class DerivedTest(unittest.TestCase):
    def test_crds_are_those_of_the_repository_and_stay(self):
        with open(ROOT / "manifests/crd.yaml", encoding="utf-8") as file:
            sources = list(yaml.safe_load_all(file))
        crds = [item for (kind, _), item in render().items() if kind == "CustomResourceDefinition"]
        for crd in crds:
            self.assertEqual(crd["metadata"].pop("annotations")["helm.sh/resource-policy"], "keep")
        self.assertEqual(crds, sources)

    def test_what_comes_with_the_crd_stays_with_it(self):
        for (kind, name), item in render("--set", "crds.enabled=true").items():
            kept = item["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"
            shared = kind == "CustomResourceDefinition" or name in ("imagebatch-editor", "imagebatch-viewer")
            self.assertEqual(kept, shared, name)

    def test_no_copy_is_stale(self):
        with tempfile.TemporaryDirectory() as directory:
            subprocess.run([ROOT / "manifests/render.sh", directory], check=True, env={**os.environ, "HELM": HELM})
            for fresh, committed in (("crd.yaml", CHART / "files/crd.yaml"),
                                     ("install.yaml", ROOT / "manifests/install.yaml")):
                self.assertTrue(filecmp.cmp(pathlib.Path(directory) / fresh, committed, shallow=False),
                                f"{committed} is stale: run manifests/render.sh")

    def test_version_is_that_of_the_program(self):
        with open(CHART / "Chart.yaml", encoding="utf-8") as file:
            version = yaml.safe_load(file)["appVersion"]
        cmake = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
        self.assertIn(f"project(imagebatch VERSION {version} ", cmake)

    def test_a_package_holds_everything(self):
        with tempfile.TemporaryDirectory() as directory:
            self.assertEqual(helm("package", CHART, "--destination", directory).returncode, 0)
            (package,) = pathlib.Path(directory).glob("*.tgz")
            arguments = "imagebatch", "--namespace", "system", "--kube-version", "1.34", *OPERATOR
            from_package = helm("template", arguments[0], package, *arguments[1:])
            self.assertEqual(from_package.stdout, template(*OPERATOR).stdout)


if __name__ == "__main__":
    unittest.main()
