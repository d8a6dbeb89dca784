"""Names of Services resolve inside pods, in the ordinary way, and as the Services are now."""

from pod_world import FOREVER

from gate.sandbox.kubernetes.runtime.names import HostsFile, service_lines

SERVICE = {"selector": {"app": "web"}, "ports": [{"port": 8080}]}


def resolved(pods, *names):
    """What getaddrinfo in the pod says of each name."""
    found = {}
    for name in names:
        said = pods.kubectl("exec", "one", "--", "sh", "-c", f"getent ahostsv4 {name} | grep STREAM; true")
        found[name] = sorted(line.split()[0] for line in said.splitlines())
    return found


def test_a_service_has_the_names_that_cluster_dns_gives_it(pods, eventually):
    address = pods.make("services", "checkout", spec=SERVICE)["spec"]["clusterIP"]
    pods.run(FOREVER)
    pods.runs()
    names = ["checkout", "checkout.default", "checkout.default.svc", "checkout.default.svc.cluster.local"]
    assert resolved(pods, *names) == {name: [address] for name in names}


def test_a_service_that_comes_or_goes_is_known_or_forgotten_by_running_pods(pods, eventually):
    pods.run(FOREVER)
    pods.runs()
    assert resolved(pods, "late") == {"late": []}
    address = pods.make("services", "late", spec=SERVICE)["spec"]["clusterIP"]
    eventually(lambda: resolved(pods, "late") == {"late": [address]})
    pods.ground.ask("DELETE", "/api/v1/namespaces/default/services/late")
    eventually(lambda: resolved(pods, "late") == {"late": []})


def test_a_service_of_another_namespace_needs_the_namespace_in_its_name(pods):
    pods.ground.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "shop"}})
    made = pods.ground.ask("POST", "/api/v1/namespaces/shop/services", {"metadata": {"name": "far"}, "spec": SERVICE})
    address = made.json()["spec"]["clusterIP"]
    pods.run(FOREVER)
    pods.runs()
    assert resolved(pods, "far", "far.shop", "far.shop.svc") == {
        "far": [],
        "far.shop": [address],
        "far.shop.svc": [address],
    }


def test_a_headless_service_is_the_addresses_of_its_ready_pods(pods, eventually):
    pods.make("services", "many", spec={**SERVICE, "clusterIP": "None"})
    for name in ("one", "two"):
        pods.run(FOREVER, name, meta={"labels": {"app": "web"}})
    eventually(lambda: len(resolved(pods, "many")["many"]) == 2)
    addresses = sorted(pods.pod(name)["status"]["podIP"] for name in ("one", "two"))
    assert resolved(pods, "many") == {"many": addresses}


def test_a_pod_knows_its_own_name_and_the_aliases_that_it_was_given(pods):
    aliases = [{"ip": "127.0.0.9", "hostnames": ["elsewhere", "far-away"]}]
    pods.run(f"hostname; {FOREVER}", spec={"hostAliases": aliases})
    assert pods.says("one") == "one\n"
    expected = {"one": [pods.pod()["status"]["podIP"]], "far-away": ["127.0.0.9"]}
    assert resolved(pods, *expected) == expected


def test_a_hosts_file_changes_without_a_moment_in_which_a_line_is_half_there(tmp_path):
    path = tmp_path / "hosts"
    file = HostsFile(path, ["127.0.0.1\tlocalhost"])
    file.show(["127.1.0.1\tone", "127.1.0.2\ttwo"])
    before = path.stat().st_ino, path.read_text()
    file.show(["127.1.0.2\ttwo", "127.1.0.3\tthree"])
    assert path.stat().st_ino == before[0], "a file that is bound into pods must stay the same file"
    assert path.read_text() == "127.0.0.1\tlocalhost\n#27.1.0.1\tone\n127.1.0.2\ttwo\n127.1.0.3\tthree\n"


def test_a_service_with_no_address_and_no_pods_has_no_line():
    service = {"metadata": {"name": "outside", "namespace": "shop"}, "spec": {"type": "ExternalName"}}
    assert service_lines([service], [], "shop") == []
