"""Those who write over HTTP, to any web process: what they sent, and what they were told came of it."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Event, Lock
from typing import Any
from uuid import uuid4

import httpx

from tests.several.orders import CONTESTED, amended, command, crossing

REFUSALS = {409, 412}
"""What a writer may be told where others were quicker."""


class Ledger:
    """What all writers together know: nothing else may be in the log."""

    def __init__(self) -> None:
        self.positions: list[int] = []
        self.developments: list[str] = []
        self.versions = dict.fromkeys(CONTESTED, 1)
        self.won: list[tuple[str, int]] = []
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._lock = Lock()

    def add(self, what: str, answer: httpx.Response) -> Any:
        """Note an answer; what it says, where it was recorded now."""
        with self._lock:
            self.answers[f"{what} {answer.status_code}"] += 1
            if answer.status_code == 201:
                said = answer.json()
                if not said["repeated"]:
                    self.positions += [event["position"] for event in said["events"]]
                return said
            if answer.status_code not in REFUSALS:
                self.wrong.append(f"{what}: {answer.status_code} {answer.text}")
            return None

    def claim(self, subject: str, seen: int, now: int) -> None:
        """Note who was first: they saw this version, and the subject has the other now."""
        with self._lock:
            self.won.append((subject, seen))
            self.versions[subject] = now

    def fault(self, said: str) -> None:
        with self._lock:
            self.wrong.append(said)


class Writer:
    """One who writes what comes to mind."""

    def __init__(self, ports: list[int], key: str, ledger: Ledger, seed: int) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._webs = [
            httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) for port in ports
        ]
        self._ledger, self._random = ledger, Random(seed)
        self._pool = ThreadPoolExecutor(len(ports))

    def write_until(self, stopped: Event) -> None:
        acts = [self._log, self._race, self._repeat, self._log, self._correct, self._log, self._withdraw]
        done = 0
        while not stopped.is_set() or done < len(acts):
            acts[done % len(acts)]()
            done += 1
        for web in self._webs:
            web.close()
        self._pool.shutdown()

    def _post(self, path: str, sent: Any, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._random.choice(self._webs).post(path, json=sent, headers=named)

    def _everywhere(self, sent: Any, **headers: str) -> list[httpx.Response]:
        """The same request to every web process, at the same time."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        send: Callable[[httpx.Client], httpx.Response] = lambda web: web.post(  # noqa: E731
            "/v1/developments", json=sent, headers=named
        )
        return [*self._pool.map(send, self._webs)]

    def _log(self) -> None:
        answer = self._post("/v1/developments", command("Logged", *crossing(self._random)))
        if said := self._ledger.add("log", answer):
            self._ledger.developments.append(said["development"])

    def _correct(self) -> None:
        if self._ledger.developments:
            id = self._random.choice(self._ledger.developments)
            sent = {"reason": "a slip", "development": command("Corrected", *crossing(self._random))}
            self._ledger.add("correct", self._post(f"/v1/developments/{id}/corrections", sent))

    def _withdraw(self) -> None:
        if self._ledger.developments:
            id = self._random.choice(self._ledger.developments)
            self._ledger.add("withdraw", self._post(f"/v1/developments/{id}/withdrawals", {"reason": "no"}))

    def _repeat(self) -> None:
        """A request that is sent by three, as after a timeout: recorded once, all are told the same."""
        answers = self._everywhere(command("Repeated", *crossing(self._random)), Idempotency_Key=str(uuid4()))
        told = [said for answer in answers if (said := self._ledger.add("repeat", answer))]
        if sorted(said.pop("repeated") for said in told) != [False, *[True] * (len(self._webs) - 1)]:
            self._ledger.fault("a repeated request was not recorded once")
        if any(said != told[0] for said in told):
            self._ledger.fault(f"a repeated request was answered otherwise: {told}")

    def _race(self) -> None:
        """Three who saw the same version, of whom at most one is first."""
        subject = self._random.choice(CONTESTED)
        version = self._ledger.versions[subject]
        sent = command("Contested", amended(subject, version % 100))
        for answer in self._everywhere(sent, If_Match=f'"{subject}@{version}"'):
            if said := self._ledger.add("race", answer):
                self._ledger.claim(subject, version, said["events"][0]["version"])
