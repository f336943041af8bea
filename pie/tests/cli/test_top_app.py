"""The monitor, driven by Textual's pilot, on a server that is not there."""

from collections.abc import Sequence

from textual.widgets import DataTable, Static

from pie.server.status import Status
from pie_cli.top_app import Details, Monitor, Question
from pie_cli.top_figures import Snapshot
from pie_cli.top_source import SourceError
from pie_wire.messages import ListedProcess

AGENT = ListedProcess("aaaaaaaa-1111", "alice", "agent@1.0.0", '{"prompt": "[b]hi[/b]"}', 61.0, "running", True, 1234)
OTHER = ListedProcess("bbbbbbbb-2222", "bob", "other@2.0.0", "{}", 5.0, "running")


class FakeSource:
    """Processes that end when told to; `broken` as if the connection were."""

    def __init__(self, processes: Sequence[ListedProcess]) -> None:
        self.processes = list(processes)
        self.terminated: list[str] = []
        self.broken = ""

    async def look(self) -> Snapshot:
        if self.broken:
            raise SourceError(self.broken)
        return Snapshot(0.0, Status("0.1.0", "ready", 1.0, {}, {"live": len(self.processes)}, 1, 1), list(self.processes))

    async def terminate(self, process_id: str) -> None:
        self.terminated.append(process_id)
        self.processes = [process for process in self.processes if process.id != process_id]


def text(app: Monitor, selector: str) -> str:
    return str(app.screen.query_one(selector, Static).render())


def ids(app: Monitor) -> list[str | None]:
    return [key.value for key in app.query_one(DataTable).rows]


async def test_models_and_processes_are_shown() -> None:
    app = Monitor(FakeSource([AGENT, OTHER]), "ws://x")
    async with app.run_test():
        assert "ready" in text(app, "#models")
        assert app.query_one(DataTable).get_row(AGENT.id) == [
            "aaaaaaaa",
            "alice",
            "agent@1.0.0",
            "running",
            "1:01",
            "1,234",
            "attached",
        ]
        assert ids(app) == [AGENT.id, OTHER.id]


async def test_q_quits() -> None:
    app = Monitor(FakeSource([]), "ws://x")
    async with app.run_test() as pilot:
        await pilot.press("q")
    assert app.return_code == 0
    assert not app.is_running


async def test_a_process_is_ended_only_after_a_yes() -> None:
    source = FakeSource([AGENT, OTHER])
    app = Monitor(source, "ws://x")
    async with app.run_test() as pilot:
        await pilot.press("down", "t")
        assert isinstance(app.screen, Question)
        await pilot.press("n")
        assert source.terminated == []
        await pilot.press("t")
        await pilot.press("y")
        await app.workers.wait_for_complete()
        assert source.terminated == [OTHER.id]
        assert ids(app) == [AGENT.id]


async def test_enter_shows_everything_about_a_process_as_it_is() -> None:
    app = Monitor(FakeSource([AGENT]), "ws://x")
    async with app.run_test() as pilot:
        await pilot.press("enter")
        assert isinstance(app.screen, Details)
        assert AGENT.id in text(app, "#details")
        assert "[b]hi[/b]" in text(app, "#details")
        await pilot.press("escape")
        assert not isinstance(app.screen, Details)


async def test_the_cursor_stays_on_its_process_when_others_come() -> None:
    source = FakeSource([AGENT, OTHER])
    app = Monitor(source, "ws://x")
    async with app.run_test() as pilot:
        await pilot.press("down")
        source.processes.insert(0, ListedProcess("cccccccc", "carol", "new@1.0.0", "{}", 0.0))
        await app.look()
        await pilot.press("enter")
        assert OTHER.id in text(app, "#details")


async def test_a_server_that_does_not_answer_is_told_and_looked_at_again() -> None:
    source = FakeSource([AGENT])
    app = Monitor(source, "ws://x")
    async with app.run_test():
        source.broken = "connection [lost]"
        await app.look()
        assert text(app, "#problem") == "connection [lost]"
        source.broken = ""
        await app.look()
        assert text(app, "#problem") == ""


async def test_keys_do_nothing_without_processes() -> None:
    app = Monitor(FakeSource([]), "ws://x")
    async with app.run_test() as pilot:
        await pilot.press("t", "enter")
        assert not isinstance(app.screen, Question | Details)
