"""Writes down what a plan decided: rows and events, in one transaction for all deployments of a step.

A plan stands on rows that were read before. Whoever changed one of them since is not overwritten: the records of that deployment
are left out, and the next plan sees the change.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from pie_deploy.domain.actions import Record
from pie_deploy.domain.records import Container, Deployment
from pie_deploy.domain.upkeep import STARTED
from pie_deploy.ports.store import Store, Transaction


@dataclass(frozen=True, slots=True)
class Happened:
    """An event to be written."""

    type: str
    data: dict[str, Any]


def write(store: Store, records: Sequence[Record], now_ns: int) -> list[Record]:
    """Write what still holds; returns that."""
    with store.transaction() as transaction:
        written = [record for record in records if _still_holds(transaction, record)]
        for record in written:
            _write(transaction, record, now_ns)
    return written


def put_to_rest(store: Store) -> None:
    """Everything was stopped with the platform, on purpose: it starts again with the platform, and that counts as no crash. Its
    ports are for others until then.
    """
    with store.transaction() as transaction:
        living = {row.id for row in transaction.deployments() if row.status in ("deploying", "running")}
        for row in transaction.containers():
            if row.deployment_id in living and row.state in STARTED:
                rested = replace(row, state="pending", restarts=row.restarts + 1, ports={}, pid=None, ready_at_ns=None)
                transaction.put_container(rested)


def _still_holds(transaction: Transaction, record: Record) -> bool:
    if transaction.find_deployment(record.before.id) != record.before:
        return False
    return all(transaction.find_container(before.id) == before for before, _ in record.containers)


def _write(transaction: Transaction, record: Record, now_ns: int) -> None:
    for _, container in record.containers:
        transaction.put_container(container)
    if record.deleted:
        transaction.delete_containers(record.deleted)
    if record.after != record.before:
        transaction.put_deployment(record.after)
    deployment = record.after
    for happened in events_of(record):
        transaction.add_event(
            happened.type,
            now_ns,
            backend_id=deployment.backend_id,
            deployment_id=deployment.id,
            lease_id=deployment.lease_id,
            data=happened.data,
        )


def events_of(record: Record) -> Iterator[Happened]:
    """What a record says has happened, containers first."""
    for before, after in record.containers:
        if after.state != before.state:
            yield Happened(f"container.{after.state}", _about(after))
        if after.config_seq_applied != before.config_seq_applied or after.config_error != before.config_error:
            yield Happened("container.configured", {**_about(after), "seq": after.config_seq_applied, "error": after.config_error})
    yield from _deployment_events(record.before, record.after)


def _deployment_events(before: Deployment, after: Deployment) -> Iterator[Happened]:
    if after.gone_at_ns is not None and before.gone_at_ns is None:
        yield Happened("deployment.gone", {"reason": after.status_reason})
    elif after.status != before.status:
        data = {"reason": after.status_reason, "message": after.status_message, "generation": after.generation}
        yield Happened(f"deployment.{after.status}", data)
    elif after.expires_at_ns != before.expires_at_ns:
        yield Happened("deployment.extended", {"expires_at_ns": after.expires_at_ns})


def _about(container: Container) -> dict[str, Any]:
    data: dict[str, Any] = {"container": container.id, "vertex": container.vertex, "generation": container.generation}
    if container.state in ("backoff", "exited"):
        data |= {"exit_code": container.exit_code, "restarts": container.restarts, "error": container.last_error}
    return data
