"""How long a deployment takes, and how long a redeployment leaves callers without an answer. Three Python vertices, warm caches.

deploy_s  from the request to deploy until the deployment is `running`
gap_s     what a caller who asks every 10 ms sees of a redeploy: from the last answer before a refusal to the first one after it
"""

import statistics
import threading
import time

import httpx

from benches.platform import EXAMPLES, Up, platform
from benches.report import Figure, report
from pie_deploy.domain.records import Deployment

ROUNDS = 5
PAUSE_S = 0.01
BACKEND = "wordcount"
TEXT = "A rose is a rose"


def deploy_s(up: Up) -> float:
    begin = time.perf_counter()
    up.client.post(f"/v1/backends/{BACKEND}/deployment", Deployment, {})
    up.wait_until(BACKEND, "running")
    return time.perf_counter() - begin


def undeploy(up: Up) -> None:
    deployment = up.client.delete(f"/v1/deployments/{BACKEND}", Deployment)
    up.wait_until(deployment.id, "gone")


class Caller(threading.Thread):
    """Asks every 10 ms and notes when it was answered."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._ending = threading.Event()
        self.answers: list[tuple[float, int]] = []
        """When, with which status."""

    def run(self) -> None:
        with httpx.Client(trust_env=False) as client:
            while not self._ending.is_set():
                status = client.post(self._url, content=TEXT).status_code
                self.answers.append((time.perf_counter(), status))
                time.sleep(PAUSE_S)

    def stop(self) -> None:
        self._ending.set()
        self.join()

    def gap_s(self) -> float:
        """The longest time between two good answers with a bad one between them; 0 if there was none."""
        gaps = [0.0]
        good = self.answers[0][0]
        refused = False
        for at, status in self.answers:
            if status != 200:
                refused = True
                continue
            if refused:
                gaps.append(at - good)
            good, refused = at, False
        return max(gaps)


def gap_s(up: Up, url: str) -> float:
    caller = Caller(url)
    caller.start()
    generation = up.client.post(f"/v1/deployments/{BACKEND}/redeploy", Deployment, {}).generation
    while True:
        row = up.client.get(f"/v1/deployments/{BACKEND}", Deployment)
        if row.status == "running" and not row.redeploying and row.generation == generation:
            break
        if row.status == "failed":
            raise RuntimeError(f"the redeployment failed: {row.status_message}")
        time.sleep(PAUSE_S)
    time.sleep(0.3)
    caller.stop()
    return caller.gap_s()


def main() -> None:
    with platform() as up:
        up.pie("backend", "apply", str(EXAMPLES / BACKEND / "backend.yml"))
        deploy_s(up)  # makes the environment
        undeploy(up)
        deploys = []
        for _ in range(ROUNDS):
            deploys.append(deploy_s(up))
            undeploy(up)
        deploy_s(up)
        url = up.pie("backend", "endpoints", BACKEND, "--role", "text").strip()
        gaps = [gap_s(up, url) for _ in range(ROUNDS)]
    report(
        "deploy_time",
        [
            Figure("deploy_s", statistics.median(deploys), "s", "<= 1.5"),
            Figure("deploy_max_s", max(deploys), "s"),
            Figure("gap_s", statistics.median(gaps), "s", "<= 0.3"),
            Figure("gap_max_s", max(gaps), "s"),
        ],
    )


if __name__ == "__main__":
    main()
