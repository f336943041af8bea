"""What to do now, from rows and what is seen: one deployment, no store, no launcher."""

from msgspec.structs import replace
from platform_rows import START_NS, a_container, a_deployment, a_runtime

from pie_deploy.domain.actions import (
    Action,
    AssignPorts,
    Kill,
    Prepare,
    PushConfig,
    Record,
    Remove,
    SaveGenerated,
    SendGo,
    Start,
    Stop,
)
from pie_deploy.domain.observation import Failure, Link, LinkStep, Process, Refusal, Seen
from pie_deploy.domain.plan import Desired, Observed, due_ns, plan
from pie_deploy.domain.records import Container, Deployment
from pie_deploy.domain.upkeep import Traits

SECOND_NS = 10**9


def _seen(step: LinkStep | None = "ready", incarnation: int = 1, *, running: bool = True, **more: object) -> Seen:
    process = Process(
        incarnation=incarnation,
        running=running,
        pid=7 if running else None,
        started_at_ns=START_NS,
        exit_code=None if running else 1,
    )
    link = None if step is None else Link(incarnation="x", step=step, config_seq=0)
    return Seen(process=process, link=link, prepared=True, **more)  # type: ignore[arg-type]


def _plan(
    deployment: Deployment,
    containers: list[tuple[Container, Seen]],
    traits: dict[str, Traits] | None = None,
    now_ns: int = START_NS + SECOND_NS,
) -> list[Action]:
    desired = Desired(
        deployment=deployment, containers=tuple(row for row, _ in containers), runtime=a_runtime(), traits=traits or {}
    )
    return plan(desired, Observed(containers={row.id: seen for row, seen in containers}), now_ns)


def _after(actions: list[Action]) -> Deployment:
    (record,) = (action for action in actions if isinstance(action, Record))
    return record.after


def _row(actions: list[Action], container_id: str = "c-1") -> Container:
    (record,) = (action for action in actions if isinstance(action, Record))
    return next(after for _, after in record.containers if after.id == container_id)


def _effects(actions: list[Action]) -> list[Action]:
    return [action for action in actions if not isinstance(action, Record)]


READY = replace(a_container(state="ready", ready_at_ns=START_NS, started_at_ns=START_NS), pid=7)
RUNNING = a_deployment(status="running", containers_ready=1, started_at_ns=START_NS)


# --- Coming up ---


def test_a_new_container_is_prepared_then_started() -> None:
    row = a_container()
    assert _plan(a_deployment(), [(row, Seen())]) == [Prepare("c-1", 1)]
    assert _plan(a_deployment(), [(row, Seen(prepared=True))]) == [Start("c-1", 1)]


def test_nothing_is_begun_while_something_is_under_way_or_has_just_failed() -> None:
    assert _plan(a_deployment(), [(a_container(), Seen(busy=True))]) == []
    assert _plan(a_deployment(), [(a_container(), Seen(retry_at_ns=START_NS + 2 * SECOND_NS))]) == []


TRAITS = {"web": Traits(ports=("http",)), "tokenise": Traits(refers_to=frozenset({"web"})), "count": Traits()}
WEB = a_container("c-2", vertex="web")


def test_ports_come_first_for_the_container_and_for_those_that_refer_to_it() -> None:
    other, third = a_container(), a_container("c-3", vertex="count")
    actions = _plan(a_deployment(), [(WEB, Seen()), (other, Seen()), (third, Seen())], TRAITS)
    assert actions == [AssignPorts("c-2", ("http",)), Prepare("c-3", 1)]
    with_port = replace(WEB, ports={"http": 20_000})
    assert _plan(a_deployment(), [(with_port, Seen()), (other, Seen())], TRAITS) == [Prepare("c-2", 1), Prepare("c-1", 1)]


def test_a_container_that_dies_before_it_was_ready_gets_other_ports() -> None:
    row = replace(WEB, state="starting", ports={"http": 20_000})
    crashed = _row(_plan(a_deployment(), [(row, _seen("imported", running=False))], TRAITS), "c-2")
    assert (crashed.state, crashed.ports, len(crashed.recent_restarts_ns)) == ("backoff", {}, 1)
    later_ns = crashed.retry_at_ns or 0
    assert _plan(a_deployment(), [(crashed, Seen())], TRAITS, later_ns) == [AssignPorts("c-2", ("http",))]


def test_a_container_that_was_ready_for_long_keeps_its_ports() -> None:
    row = replace(WEB, state="ready", ports={"http": 20_000}, ready_at_ns=START_NS)
    for age_ns, ports in ((59 * SECOND_NS, {}), (60 * SECOND_NS, {"http": 20_000})):
        actions = _plan(RUNNING, [(row, _seen(running=False))], TRAITS, START_NS + age_ns)
        assert _row(actions, "c-2").ports == ports


def test_ports_are_given_up_within_the_crash_budget() -> None:
    spent = tuple(START_NS for _ in range(5))
    row = replace(WEB, state="starting", ports={"http": 20_000}, restarts=5, recent_restarts_ns=spent)
    actions = _plan(a_deployment(), [(row, _seen("imported", 6, running=False))], TRAITS)
    assert (_after(actions).status, _after(actions).status_reason) == ("failed", "crashloop")


def test_what_was_told_ports_that_are_given_up_begins_anew_without_having_crashed() -> None:
    web = replace(WEB, state="starting", ports={"http": 20_000})
    both = [(web, _seen("imported", running=False)), (READY, _seen())]
    row = _row(_plan(RUNNING, both, TRAITS))
    assert (row.state, row.restarts, row.recent_restarts_ns) == ("pending", 1, ())
    assert row.last_error == "the ports of web have changed"
    waiting = replace(web, state="backoff", restarts=1, ports={}, retry_at_ns=START_NS + 9 * SECOND_NS)
    assert _effects(_plan(RUNNING, [(waiting, Seen()), (row, _seen())], TRAITS)) == [Stop("c-1")]
    assert _effects(_plan(RUNNING, [(waiting, Seen()), (row, _seen(running=False))], TRAITS)) == []


def test_a_start_that_was_told_ports_that_are_given_up_is_not_begun() -> None:
    web = replace(WEB, state="starting", ports={"http": 20_000})
    both = [(web, _seen("imported", running=False)), (a_container(), Seen(prepared=True))]
    assert _effects(_plan(a_deployment(), both, TRAITS)) == []
    under_way = [(web, _seen("imported", running=False)), (a_container(), Seen(prepared=True, busy=True))]
    assert _row(_plan(a_deployment(), under_way, TRAITS)).restarts == 1


def test_a_container_in_standby_waits_for_the_others() -> None:
    waiting, coming = (
        replace(READY, state="standby", ready_at_ns=None),
        replace(READY, id="c-2", state="starting", ready_at_ns=None),
    )
    assert _plan(a_deployment(), [(waiting, _seen("standby")), (coming, _seen("imported"))]) == []
    up = replace(coming, state="standby")
    assert _plan(a_deployment(), [(waiting, _seen("standby")), (up, _seen("standby"))]) == [SendGo("c-1"), SendGo("c-2")]


def test_go_is_sent_once() -> None:
    waiting = replace(READY, state="standby", ready_at_ns=None)
    gone = Link(incarnation="x", step="standby", config_seq=0, went=True)
    assert _plan(a_deployment(), [(waiting, replace_link(_seen(), gone))]) == []


def replace_link(seen: Seen, link: Link) -> Seen:
    return Seen(process=seen.process, link=link, prepared=True)


def test_when_all_are_ready_it_runs() -> None:
    after = _after(_plan(a_deployment(), [(READY, _seen())]))
    assert (after.status, after.containers_ready, after.started_at_ns) == ("running", 1, START_NS + SECOND_NS)


def test_the_plan_of_a_settled_deployment_is_empty() -> None:
    assert _plan(RUNNING, [(READY, _seen())]) == []


def test_what_does_not_come_up_in_time_fails() -> None:
    actions = _plan(a_deployment(), [(a_container(), Seen(busy=True))], now_ns=START_NS + 300 * SECOND_NS)
    assert (_after(actions).status, _after(actions).status_reason) == ("failed", "startup_timeout")
    assert _effects(actions) == []


def test_what_cannot_be_prepared_fails_the_deployment() -> None:
    seen = Seen(failure=Failure(action="prepare", incarnation=1, message="no disk"), retry_at_ns=START_NS + 9 * SECOND_NS)
    assert _after(_plan(a_deployment(), [(a_container(), seen)])).status_reason == "precondition"


def test_what_cannot_be_started_has_crashed() -> None:
    seen = Seen(prepared=True, failure=Failure(action="start", incarnation=1, message="no processes"))
    row = _row(_plan(a_deployment(), [(a_container(), seen)]))
    assert (row.state, row.restarts, row.last_error) == ("backoff", 1, "no processes")


def test_a_failure_of_an_earlier_start_counts_once() -> None:
    row = a_container(state="backoff", restarts=1, retry_at_ns=START_NS)
    seen = Seen(prepared=True, failure=Failure(action="start", incarnation=1, message="no processes"))
    assert _plan(a_deployment(), [(row, seen)]) == [Start("c-1", 2)]


def test_a_refusal_fails_at_once_whether_it_still_runs_or_not() -> None:
    for running in (True, False):
        refusal = Link(incarnation="x", step="started", config_seq=0, refusal=Refusal(reason="transport", message="no socket"))
        seen = replace_link(_seen(running=running), refusal)
        assert _after(_plan(a_deployment(), [(replace(READY, state="starting"), seen)])).status_reason == "transport"


# --- Running ---


def test_a_crash_is_counted_once_and_waits() -> None:
    actions = _plan(RUNNING, [(READY, _seen(running=False))])
    row = _row(actions)
    assert (row.state, row.restarts, row.exit_code, row.retry_at_ns) == ("backoff", 1, 1, START_NS + 2 * SECOND_NS)
    assert _effects(actions) == []
    after = _after(actions)
    assert (after.status, after.status_reason, after.containers_ready) == ("running", "container_restarting", 0)
    assert _plan(after, [(row, _seen(running=False))]) == []


def test_after_its_wait_the_next_incarnation_starts() -> None:
    row = a_container(state="backoff", restarts=1, retry_at_ns=START_NS + SECOND_NS)
    actions = _plan(replace(RUNNING, status_reason="container_restarting"), [(row, _seen(running=False))])
    assert Start("c-1", 2) in actions


def test_a_spent_budget_fails_the_deployment() -> None:
    recent = tuple(START_NS - number for number in range(5))
    actions = _plan(RUNNING, [(replace(READY, restarts=5, recent_restarts_ns=recent), _seen(incarnation=6, running=False))])
    assert (_after(actions).status, _after(actions).status_reason) == ("failed", "crashloop")
    assert _effects(actions) == []


def test_a_process_that_is_gone_without_an_end_has_crashed() -> None:
    assert _row(_plan(RUNNING, [(READY, Seen(prepared=True))])).last_error == "its process has vanished"


def test_a_container_that_has_not_spoken_to_this_control_plane_is_what_it_was() -> None:
    assert _plan(RUNNING, [(READY, _seen(None))]) == []


def test_a_clean_exit_is_a_crash_unless_the_component_is_finite() -> None:
    ended = Seen(process=Process(incarnation=1, running=False, exit_code=0), prepared=True)
    assert _row(_plan(RUNNING, [(READY, ended)])).state == "backoff"
    assert _row(_plan(RUNNING, [(READY, ended)], {"tokenise": Traits(finite=True)})).state == "exited"


def test_what_a_finite_container_has_done_is_not_done_again() -> None:
    row = a_container(state="exited", exit_code=0)
    assert _plan(RUNNING, [(row, Seen())], {"tokenise": Traits(finite=True)}) == []


def test_new_configuration_is_pushed_once() -> None:
    actions = _plan(RUNNING, [(READY, _seen())], {"tokenise": Traits(config_seq=9)})
    assert _effects(actions) == [PushConfig("c-1", 9)]
    pushed = Link(incarnation="x", step="ready", config_seq=0, pushed_seq=9)
    assert _plan(RUNNING, [(_row(actions), replace_link(_seen(), pushed))], {"tokenise": Traits(config_seq=9)}) == []
    applied = Link(incarnation="x", step="ready", config_seq=9, pushed_seq=9)
    row = _row(_plan(RUNNING, [(_row(actions), replace_link(_seen(), applied))], {"tokenise": Traits(config_seq=9)}))
    assert (row.config_seq_wanted, row.config_seq_applied) == (9, 9)


def test_a_restart_that_hangs_is_killed() -> None:
    row = replace(READY, state="starting", ready_at_ns=None)
    deployment = replace(RUNNING, containers_ready=0, status_reason="container_restarting", status_message="restarting: tokenise")
    assert _plan(deployment, [(row, _seen("imported"))], now_ns=START_NS + 300 * SECOND_NS) == [Kill("c-1")]


def test_an_incarnation_that_was_given_up_is_stopped_first() -> None:
    row = a_container(state="backoff", restarts=1, retry_at_ns=START_NS)
    assert Stop("c-1") in _plan(RUNNING, [(row, _seen())])


def test_the_expiry_is_renewed_on_the_way() -> None:
    day_ns = 24 * 3600 * SECOND_NS
    deployment = replace(RUNNING, expires_at_ns=START_NS + day_ns)
    assert _plan(deployment, [(READY, _seen())]) == []
    assert _after(_plan(deployment, [(READY, _seen())], now_ns=START_NS + day_ns // 2)).expires_at_ns == START_NS + day_ns * 3 // 2


# --- Redeploying ---

REDEPLOYING = replace(RUNNING, generation=2, redeploying=True)
COMING = replace(READY, id="c-2", generation=2, state="standby", ready_at_ns=None)


def test_while_new_containers_come_up_the_old_ones_are_left_alone() -> None:
    new = a_container("c-2", generation=2)
    assert _plan(REDEPLOYING, [(READY, _seen()), (new, Seen())]) == [Prepare("c-2", 1)]


def test_new_containers_do_not_go_while_the_old_ones_serve() -> None:
    actions = _plan(REDEPLOYING, [(READY, _seen()), (COMING, _seen("standby"))])
    assert _effects(actions) == []
    assert (_after(actions).status, _after(actions).redeploying) == ("deploying", False)


def test_after_the_switch_the_old_ones_go_and_the_new_ones_get_their_go() -> None:
    switched = replace(REDEPLOYING, status="deploying", redeploying=False, containers_ready=0, status_since_ns=START_NS)
    actions = _plan(switched, [(READY, _seen()), (COMING, _seen("standby"))])
    assert _effects(actions) == [Stop("c-1"), SendGo("c-2")]


def test_an_old_container_is_saved_removed_and_its_row_deleted() -> None:
    deployment = replace(RUNNING, generation=2)
    new, old = replace(READY, id="c-2", generation=2), a_container(state="exited", exit_code=1)
    assert _plan(deployment, [(old, _seen(running=False)), (new, _seen())]) == [SaveGenerated("c-1")]
    assert _plan(deployment, [(old, _seen(running=False, saved=True)), (new, _seen())]) == [Remove("c-1")]
    (record,) = _plan(deployment, [(old, Seen(saved=True, removed=True)), (new, _seen())])
    assert isinstance(record, Record)
    assert record.deleted == ("c-1",)


def test_new_containers_have_their_own_time_to_come_up() -> None:
    new = a_container("c-2", generation=2, created_at_ns=START_NS + 1000 * SECOND_NS)
    actions = _plan(REDEPLOYING, [(READY, _seen()), (new, Seen(busy=True))], now_ns=START_NS + 1299 * SECOND_NS)
    assert actions == []
    actions = _plan(REDEPLOYING, [(READY, _seen()), (new, Seen(busy=True))], now_ns=START_NS + 1300 * SECOND_NS)
    assert _after(actions).status_reason == "startup_timeout"


# --- Ending ---


def test_a_failed_deployment_stops_everything_and_keeps_it() -> None:
    failed = replace(RUNNING, status="failed", status_reason="crashloop", containers_ready=0)
    actions = _plan(failed, [(READY, _seen())])
    assert _effects(actions) == [Stop("c-1")]
    resting = a_container(state="exited", exit_code=1, started_at_ns=START_NS)
    assert _plan(failed, [(resting, _seen(None, running=False))]) == []


def test_tearing_down_stops_saves_removes_and_is_gone() -> None:
    ending = replace(RUNNING, status="tearing_down", status_reason="undeploy", containers_ready=0)
    assert _effects(_plan(ending, [(READY, _seen())])) == [Stop("c-1")]
    over = a_container(state="exited", exit_code=1)
    assert _plan(ending, [(over, _seen(None, running=False))]) == [SaveGenerated("c-1")]
    assert _plan(ending, [(over, _seen(None, running=False, saved=True))]) == [Remove("c-1")]
    assert _after(_plan(ending, [(over, Seen(saved=True, removed=True))])).gone_at_ns == START_NS + SECOND_NS


def test_what_is_gone_is_left_alone() -> None:
    assert _plan(replace(RUNNING, status="tearing_down", gone_at_ns=START_NS), [(READY, Seen())]) == []


def test_when_its_time_is_over_it_is_torn_down_in_every_state() -> None:
    for status in ("deploying", "running", "failed"):
        deployment = a_deployment(status=status, expires_at_ns=START_NS + SECOND_NS)
        (record,) = _plan(deployment, [(READY, _seen())])
        assert isinstance(record, Record)
        assert (record.after.status, record.after.status_reason) == ("tearing_down", "expired")


# --- Time ---


def test_it_says_when_time_alone_will_change_something() -> None:
    row = a_container(state="backoff", restarts=1, retry_at_ns=START_NS + 5 * SECOND_NS)
    deployment = replace(RUNNING, expires_at_ns=START_NS + 100 * SECOND_NS, fixed_duration="100s")
    desired = Desired(deployment=deployment, containers=(row,), runtime=a_runtime())
    assert due_ns(desired, Observed(), START_NS) == START_NS + 5 * SECOND_NS
    assert due_ns(desired, Observed(), START_NS + 5 * SECOND_NS) == START_NS + 100 * SECOND_NS
    assert due_ns(desired, Observed(), START_NS + 100 * SECOND_NS) is None
