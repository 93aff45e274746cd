"""What lies in deploy/ agrees with the code, with itself, and with the schemas that can be had."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from pipeline.verbs.arguments import parser
from tests.image import steps
from tests.runs import ROOT

DEPLOY = ROOT / "deploy"
RAY = re.search(r'"ray\[default\]==([\d.]+)"', (ROOT / "pyproject.toml").read_text())
JOB: dict[str, Any] = yaml.safe_load((DEPLOY / "kuberay" / "rayjob.yaml").read_text())["spec"]
CLUSTER: dict[str, Any] = yaml.safe_load((DEPLOY / "ray-cluster.yaml").read_text())


def pods() -> dict[str, dict[str, Any]]:
    groups = JOB["rayClusterSpec"]
    found = {"head": groups["headGroupSpec"], **{group["groupName"]: group for group in groups["workerGroupSpecs"]}}
    return {name: group["template"]["spec"] for name, group in found.items()} | {
        "submitter": JOB["submitterPodTemplate"]["spec"]
    }


def test_the_cluster_file_by_rays_own_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    from ray.autoscaler._private.commands import _bootstrap_config
    from ray.autoscaler._private.util import prepare_config, validate_config

    prepared = prepare_config(dict(CLUSTER))
    validate_config({**prepared, "cluster_synced_files": []})
    assert _bootstrap_config is not None
    assert set(prepared["available_node_types"]) == {"local.cluster.node"}
    broken = {**prepared, "cluster_synced_files": [], "max_worker": 3}
    with pytest.raises(jsonschema.ValidationError):
        validate_config(broken)


def test_everything_runs_one_image_of_one_version() -> None:
    tag = re.search(r"docker build .* -t (\S+) \.", (DEPLOY / "Dockerfile").read_text())
    assert tag is not None
    images = {c["image"] for pod in pods().values() for c in pod["containers"]} | {CLUSTER["docker"]["image"]}
    assert images == {tag[1]}
    assert f'version = "{tag[1].partition(":")[2]}"' in (ROOT / "pyproject.toml").read_text()
    assert RAY is not None
    assert JOB["rayClusterSpec"]["rayVersion"] == RAY[1]
    assert f"ray=={RAY[1]}" in (ROOT / "requirements.lock").read_text().replace("ray[default]", "ray")


def test_the_command_of_the_job_is_one_of_ours_and_its_places_are_mounted_everywhere() -> None:
    program, *arguments = shlex.split(JOB["entrypoint"])
    options = parser().parse_args(arguments)
    assert (program, options.verb.__name__) == ("seimai", "run")
    for name, pod in pods().items():
        if name == "submitter":
            continue
        (container,) = pod["containers"]
        mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        for place in (options.recipe, options.work, options.release):
            assert any(Path(place).is_relative_to(at) for at in mounts), f"{place} is not mounted in {name}"
        assert set(mounts.values()) == {volume["name"] for volume in pod["volumes"]}
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["resources"]["limits"]["memory"]


def test_every_pod_shows_the_same_token_and_no_secret_stands_in_a_file() -> None:
    tokens = [container["env"] for pod in pods().values() for container in pod["containers"]]
    assert all(token == tokens[0] for token in tokens)
    assert {"name": "RAY_AUTH_MODE", "value": "token"} in tokens[0]
    assert all("secretKeyRef" in each["valueFrom"] for each in tokens[0] if "TOKEN" in each["name"])


def test_a_try_goes_on_and_the_cluster_goes() -> None:
    assert JOB["shutdownAfterJobFinishes"] is True
    assert JOB["backoffLimit"] > 0
    assert JOB["ttlSecondsAfterFinished"] < JOB["activeDeadlineSeconds"]


def test_the_image_runs_as_nobody_in_particular_and_copies_what_is_there() -> None:
    done = steps((DEPLOY / "Dockerfile").read_text())
    base = next(rest for word, rest in done if word == "FROM")
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base), "the base is pinned to a patch version"
    words = [word for word, _ in done]
    assert words.index("USER") > max(i for i, word in enumerate(words) if word == "RUN")
    assert "ENTRYPOINT" not in words, "Ray's nodes are started by a shell line"
    copied = {file for word, rest in done if word == "COPY" for file in rest.split()[:-1]}
    assert all((ROOT / file).exists() for file in copied)
    packages = set(
        re.findall(r'"(\w+)[".]', re.search(r"packages = \[(.*)\]", (ROOT / "pyproject.toml").read_text())[1])
    )  # type: ignore[index]
    assert packages <= copied
    uid = re.search(r"--uid (\d+)", (DEPLOY / "Dockerfile").read_text())
    assert uid is not None
    assert all(pod["securityContext"]["runAsUser"] == int(uid[1]) for n, pod in pods().items() if n != "submitter")


def test_the_hashes_of_the_lock_are_asked_for() -> None:
    installs = [
        rest for word, rest in steps((DEPLOY / "Dockerfile").read_text()) if word == "RUN" and "pip install" in rest
    ]
    assert len(installs) == 2
    assert all("--require-hashes" in line or "--no-build-isolation" in line for line in installs)
