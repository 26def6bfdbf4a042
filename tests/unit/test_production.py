"""examples/compose and examples/kubernetes: their parts fit each other, the image, and what the code really takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docsite import wrong_examples
from haptik_actions._redis import check_url
from haptik_actions._yaml import load_bounded
from haptik_actions.cli import main
from haptik_actions.config import ENVIRONMENT
from haptik_actions.escalation._metrics import METRICS

ROOT = Path(__file__).parents[2]
COMPOSE, KUBERNETES = ROOT / "examples" / "compose", ROOT / "examples" / "kubernetes"
SERVICES: dict[str, Any] = load_bounded((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))["services"]
OTHERS = {"HAPTIK_WEBHOOK_SECRET", "HAPTIK_ENDPOINTS", "ORDERS_URL", "REDIS_PASSWORD", "NAMESPACE"}
"""What the examples set that is no setting of the package: names in Rasa's files, and the example's own."""


def manifests() -> list[dict[str, Any]]:
    texts = "\n---\n".join(file.read_text(encoding="utf-8") for file in sorted(KUBERNETES.glob("*.yaml")))
    return [load_bounded(text) for text in re.split(r"^---$", texts, flags=re.MULTILINE) if text.strip()]


def containers() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield the name of each workload, its pod's specification, and each of its containers."""
    for manifest in manifests():
        if manifest["kind"] in ("Deployment", "StatefulSet"):
            pod = manifest["spec"]["template"]["spec"]
            for container in pod["containers"]:
                yield manifest["metadata"]["name"], pod, container


def test_the_schemas_of_compose_and_kubernetes_take_them() -> None:
    pytest.importorskip("compose_spec")
    pytest.importorskip("kubernetes_validate")
    assert wrong_examples(ROOT / "examples") == []


def test_what_the_schemas_refuse_is_named(tmp_path: Path) -> None:
    pytest.importorskip("compose_spec")
    pytest.importorskip("kubernetes_validate")
    (tmp_path / "compose").mkdir()
    (tmp_path / "kubernetes").mkdir()
    (tmp_path / "compose" / "compose.yaml").write_text("services: {a: {imag: x}}\n", encoding="utf-8")
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: many}]}\n"
    (tmp_path / "kubernetes" / "a.yaml").write_text(service, encoding="utf-8")
    assert len(wrong_examples(tmp_path)) == 2


def test_files_that_compose_mounts_are_there_and_names_exist() -> None:
    volumes = set(load_bounded((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))["volumes"])
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert (COMPOSE / source).exists() if source.startswith(".") else source in volumes
        assert set(service.get("depends_on", ())) <= SERVICES.keys()


def test_what_the_image_copies_is_in_the_repository() -> None:
    for line in re.findall(r"^COPY (.*)$", (COMPOSE / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source


def test_the_image_is_built_from_the_package_registry_alone() -> None:
    text = (COMPOSE / "Dockerfile").read_text(encoding="utf-8")
    for command in re.findall(r"^RUN (.*)$", text, re.MULTILINE):
        for part in command.split("&&"):
            assert part.split()[0] in {"useradd", "pip", "mkdir", "chown", "rasa"}, part
    assert "http" not in text.replace("HTTP", "")


def test_the_settings_of_both_are_settings() -> None:
    example = (COMPOSE / "bot.env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^(\w+)=", example, re.MULTILINE))
    settings = next(m for m in manifests() if m["kind"] == "Kustomization")["configMapGenerator"][0]["literals"]
    named |= {literal.partition("=")[0] for literal in settings}
    named |= {variable["name"] for _, _, container in containers() for variable in container.get("env", ())}
    assert named - set(ENVIRONMENT.values()) - OTHERS == set()
    assert {"HAPTIK_BASE_URL", "HAPTIK_TOKEN", "REDIS_URL"} <= named


def test_their_redis_addresses_can_work() -> None:
    check_url(
        re.findall(r"^REDIS_URL=(.*)$", (COMPOSE / "bot.env.example").read_text(encoding="utf-8"), re.MULTILINE)[0]
    )
    for _, _, container in containers():
        for variable in container.get("env", ()):
            if variable["name"] == "REDIS_URL":
                check_url(variable["value"].replace("$(REDIS_PASSWORD)", "secret"))


def test_commands_in_both_are_commands_with_their_options() -> None:
    info = main.to_info_dict(main.make_context("haptik-actions", ["--help"], resilient_parsing=True))["commands"]
    lines = [service["command"] for service in SERVICES.values() if service.get("command")]
    lines += [container["command"] for _, _, container in containers() if "command" in container]
    ours = [line for line in lines if line[0] == "haptik-actions"]
    assert len(ours) == 2
    for _, name, *words in ours:
        known = {spelling for option in info[name]["params"] for spelling in option["opts"]}
        assert {word for word in words if word.startswith("--")} <= known


def test_services_lead_to_pods_that_have_the_port() -> None:
    by_label = {
        m["spec"]["template"]["metadata"]["labels"]["app"]: m for m in manifests() if "template" in m.get("spec", {})
    }
    for service in (m for m in manifests() if m["kind"] == "Service"):
        pod = by_label[service["spec"]["selector"]["app"]]["spec"]["template"]["spec"]
        served = {port["containerPort"] for container in pod["containers"] for port in container.get("ports", ())}
        assert {port.get("targetPort", port["port"]) for port in service["spec"]["ports"]} <= served


def test_probes_volumes_and_secrets_of_a_pod_exist() -> None:
    for name, pod, container in containers():
        ports = {port["name"] for port in container.get("ports", ())}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            handler = container.get(probe, {}).get("httpGet") or container.get(probe, {}).get("tcpSocket")
            assert handler is None or handler["port"] in ports, f"{name}: {probe}"
        claims = next(m for m in manifests() if "template" in m.get("spec", {}) and m["metadata"]["name"] == name)
        volumes = {volume["name"] for volume in pod.get("volumes", ())}
        volumes |= {claim["metadata"]["name"] for claim in claims["spec"].get("volumeClaimTemplates", ())}
        assert {mount["name"] for mount in container.get("volumeMounts", ())} <= volumes, name
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert "memory" in container["resources"]["limits"]


def test_secrets_that_the_manifests_read_are_those_that_the_page_creates() -> None:
    read = {
        variable["valueFrom"]["secretKeyRef"]["key"]
        for _, _, container in containers()
        for variable in container.get("env", ())
        if "secretKeyRef" in variable.get("valueFrom", {})
    }
    page = (KUBERNETES / "README.md").read_text(encoding="utf-8")
    assert read == set(re.findall(r"--from-literal=(\w+)=", page))


def test_the_ingress_passes_on_nothing_of_rasa_but_its_webhooks() -> None:
    ingress = next(manifest for manifest in manifests() if manifest["kind"] == "Ingress")
    rasa = next(
        rule for rule in ingress["spec"]["rules"] if rule["http"]["paths"][0]["backend"]["service"]["name"] == "rasa"
    )
    assert [path["path"] for path in rasa["http"]["paths"]] == ["/webhooks/"]
    assert re.findall(r"location (\S+) \{\n +set \$rasa", (COMPOSE / "nginx.conf").read_text("utf-8")) == ["/webhooks/"]


def test_the_dashboard_asks_for_metrics_and_labels_of_the_code() -> None:
    dashboard = json.loads((COMPOSE / "grafana" / "haptik-actions.json").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    queries.append(dashboard["templating"]["list"][1]["query"])
    queries += re.findall(
        r"`([^`\n]*haptik_[^`\n]*)`", (ROOT / "docs" / "how-to" / "monitoring.md").read_text(encoding="utf-8")
    )
    used = set()
    for query in queries:
        for name, labels in re.findall(r"(haptik_\w+)(?:\{([^}]*)\})?", query):
            if name.startswith("haptik_handoff") and not name.startswith("haptik_handoffs"):
                continue  # The slot.
            used.add(name)
            assert set(re.findall(r"(\w+)=", labels)) <= set(METRICS[name][1]), query
    assert len(used) >= 5
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
