"""Whoever is killed: nothing accepted is lost, what should serve serves again, no process is left behind. Real processes."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator

import httpx
import psutil
import pytest
from e2e.deploy_platform import EXAMPLES, Platform, platform, until

pytestmark = pytest.mark.slow

BACKEND = "wordcount"


@pytest.fixture
def here() -> Iterator[Platform]:
    with platform() as up:
        yield up


@pytest.fixture
def serving(here: Platform) -> Platform:
    here.deploy(BACKEND)
    return here


def answers(here: Platform) -> bool:
    try:
        return here.ask(BACKEND, "text").status_code == 200
    except httpx.TransportError:
        return False


def identities(here: Platform) -> dict[str, tuple[str, int]]:
    return {vertex: (row["id"], row["pid"]) for vertex, row in here.containers(BACKEND).items()}


def test_a_new_control_plane_adopts_what_runs(serving: Platform) -> None:
    before, url = identities(serving), serving.url(BACKEND, "text")
    serving.kill()
    serving.up()
    assert identities(serving) == before
    assert serving.url(BACKEND, "text").rpartition("/")[2] == url.rpartition("/")[2]
    until(lambda: answers(serving), "the adopted containers answer")
    assert {row["restarts"] for row in serving.containers(BACKEND).values()} == {0}


@pytest.mark.parametrize("vertex", ["tokenise", "count", "report"])
def test_R22_a_killed_component_is_started_again(serving: Platform, vertex: str) -> None:
    row = serving.containers(BACKEND)[vertex]
    psutil.Process(row["pid"]).kill()
    until(lambda: serving.containers(BACKEND)[vertex]["restarts"] == 1, "the crash is counted")
    until(lambda: answers(serving), "the graph answers again")
    assert serving.containers(BACKEND)[vertex]["id"] == row["id"]
    assert serving.status(BACKEND) == "running"


def test_a_killed_supervisor_is_replaced_and_its_containers_come_back(serving: Platform) -> None:
    (supervisor,) = serving.supervisors()
    old = [row["pid"] for row in serving.containers(BACKEND).values()]
    supervisor.kill()
    until(lambda: not any(map(psutil.pid_exists, old)), "the containers go with their supervisor")
    until(lambda: answers(serving), "the graph answers again")
    assert len(serving.supervisors()) == 1


def test_no_port_listens_but_those_of_api_and_gateway(serving: Platform) -> None:
    listening = {
        connection.laddr
        for process in serving.processes()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    address = json.loads((serving.home / "address.json").read_text())
    own = {httpx.URL(address[key]).port for key in ("api_url", "gateway_url")}
    assert {(place.ip, place.port) for place in listening} == {("127.0.0.1", port) for port in own}


def test_pie_down_leaves_no_process_behind(serving: Platform) -> None:
    serving("down")
    until(lambda: not serving.processes(), "all processes of the platform end")


def test_containers_of_a_control_plane_that_never_comes_back_end_after_the_grace(here: Platform) -> None:
    here("down")
    (here.home / "config.yml").write_text("process: {orphan_grace: 2s}\n")
    here.up()
    here.deploy(BACKEND)
    here.kill()
    until(lambda: not here.processes(), "supervisor and containers end")


def test_what_is_stopped_with_the_platform_runs_again_when_it_is_up(serving: Platform) -> None:
    serving("down")
    serving.up()
    until(lambda: answers(serving), "the deployment is back")


def test_R23_a_graph_that_gives_wrong_answers_still_reports_running(serving: Platform) -> None:
    """Health is that containers are up; whether what comes out is right is for the proof loop."""
    serving("backend", "change-parameter", BACKEND, "report", "top", "-1")
    until(lambda: len(serving.ask(BACKEND, "text", "a b c").json()["top"]) == 2, "the last of three words is cut off")
    assert serving.status(BACKEND) == "running"


DEPLOY = ("backend", "deploy", BACKEND)
REDEPLOY = ("backend", "redeploy", BACKEND)
UNDEPLOY = ("backend", "undeploy", BACKEND)


@pytest.mark.parametrize("delay_ms", [0, 30, 100, 250, 500])
def test_killed_in_mid_deploy_the_deployment_comes_up_once(here: Platform, delay_ms: int) -> None:
    here("backend", "apply", str(EXAMPLES / BACKEND / "backend.yml"))
    here(*DEPLOY)
    killed_after(here, delay_ms)
    until(lambda: here.status(BACKEND) == "running", "the deployment comes up")
    assert answers(here)
    assert_one_process_per_container(here, 3)


@pytest.mark.parametrize("delay_ms", [0, 100, 300, 600])
def test_killed_in_mid_redeploy_the_new_generation_serves_alone(serving: Platform, delay_ms: int) -> None:
    old = {container for container, _ in identities(serving).values()}
    serving(*REDEPLOY)
    killed_after(serving, delay_ms)
    until(lambda: not old & {container for container, _ in identities(serving).values()}, "new containers take over")
    until(lambda: serving.status(BACKEND) == "running" and answers(serving), "the new generation serves")
    until(lambda: containers_running(serving) == 3, "the old generation is gone")


@pytest.mark.parametrize("delay_ms", [0, 50, 200])
def test_killed_in_mid_undeploy_everything_goes(serving: Platform, delay_ms: int) -> None:
    serving(*UNDEPLOY)
    killed_after(serving, delay_ms)
    until(lambda: containers_running(serving) == 0, "all containers end")
    until(lambda: serving.json("deployment", "list") == [], "the deployment is gone")
    assert serving.ask(BACKEND, "text").status_code == 404


def killed_after(here: Platform, delay_ms: int) -> None:
    time.sleep(delay_ms / 1000)
    here.kill()
    here.up()


def containers_running(here: Platform) -> int:
    """How many containers have their process; a sandbox around it names it too, but is none."""
    return sum("pie_component" in process.cmdline() and process.name() != "bwrap" for process in here.processes())


def assert_one_process_per_container(here: Platform, count: int) -> None:
    until(lambda: containers_running(here) == count, f"{count} containers run, no more")


def test_two_platforms_cannot_share_a_home(here: Platform) -> None:
    done = subprocess.run(["pie", "up"], env=here.environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "already up" in done.stderr


def test_ctrl_c_stops_the_platform_and_its_containers(here: Platform) -> None:
    here.deploy(BACKEND)
    psutil.Process(here.pid).send_signal(signal.SIGINT)
    until(lambda: not here.processes(), "all processes of the platform end")
