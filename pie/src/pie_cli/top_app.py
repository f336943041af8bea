"""The monitor on the terminal: models above, processes below, what is asked and what went wrong at the bottom."""

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import DataTable, Footer, Static

from pie_cli.top_figures import Snapshot, duration, figures, head_line, model_line
from pie_cli.top_source import Source, SourceError
from pie_wire.messages import ListedProcess

LOOK_EVERY_S = 1.0
COLUMNS = ("ID", "USER", "PROGRAM", "STATE", "AGE", "TOKENS", "CLIENT")
SHORT_ID_LENGTH = 8


class Question(ModalScreen[bool]):
    """Yes or no, before something that cannot be taken back."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "answer(True)", "Yes"), Binding("n,escape", "answer(False)", "No")]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        yield Static(f"{self._text} (y/n)", id="question", markup=False)
        yield Footer()

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)


class Details(ModalScreen[None]):
    """Everything about one process."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,q", "dismiss", "Back")]

    def __init__(self, process: ListedProcess) -> None:
        super().__init__()
        self._process = process

    def compose(self) -> ComposeResult:
        process = self._process
        rows = [
            ("process", process.id),
            ("program", process.program),
            ("user", process.username),
            ("state", process.state),
            ("age", duration(process.elapsed_secs)),
            ("tokens", str(process.tokens)),
            ("client", "attached" if process.attached else "none"),
            ("input", process.input),
        ]
        yield Static("\n".join(f"{name:8}  {value}" for name, value in rows), id="details", markup=False)
        yield Footer()


class Monitor(App[None]):
    """Looks at a server once a second. `q` quits."""

    CSS = """
    #models { height: auto; padding: 0 1; }
    #problem { height: auto; padding: 0 1; color: $error; }
    DataTable { height: 1fr; }
    Question, Details { align: center middle; }
    #question, #details { width: auto; max-width: 90%; height: auto; max-height: 80%; padding: 1 2; border: round $primary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "inspect", "Inspect", priority=False),
        Binding("t", "terminate", "Terminate"),
        Binding("q,escape", "quit", "Quit"),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, source: Source, url: str) -> None:
        super().__init__()
        self._source = source
        self._url = url
        self._snapshot: Snapshot | None = None

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static("looking…", id="models", markup=False)
            yield DataTable(cursor_type="row", id="processes")
            yield Static("", id="problem", markup=False)
        yield Footer()

    async def on_mount(self) -> None:
        self._table.add_columns(*COLUMNS)
        await self.look()
        self.set_interval(LOOK_EVERY_S, self.look)

    async def look(self) -> None:
        """Ask the server and show what it says."""
        try:
            snapshot = await self._source.look()
        except SourceError as error:
            self._tell(str(error))
            return
        self._tell("")
        lines = [head_line(snapshot, self._url), *map(model_line, figures(self._snapshot, snapshot))]
        self.query_one("#models", Static).update("\n".join(lines))
        self._snapshot = snapshot
        self._show(snapshot)

    def on_data_table_row_selected(self) -> None:
        self.action_inspect()

    def action_inspect(self) -> None:
        if process := self._selected():
            self.push_screen(Details(process))

    def action_terminate(self) -> None:
        if process := self._selected():
            question = f"End {process.program} of {process.username} ({process.id[:SHORT_ID_LENGTH]})?"
            self.run_worker(self._terminate(process, question))

    async def _terminate(self, process: ListedProcess, question: str) -> None:
        if await self.push_screen_wait(Question(question)):
            try:
                await self._source.terminate(process.id)
            except SourceError as error:
                self._tell(str(error))
            else:
                await self.look()

    def _show(self, snapshot: Snapshot) -> None:
        """The processes; the cursor stays on the process that it was on."""
        chosen = self._selected_id()
        self._table.clear()
        for process in snapshot.processes:
            self._table.add_row(*_row(process), key=process.id)
        ids = [process.id for process in snapshot.processes]
        if chosen in ids:
            self._table.move_cursor(row=ids.index(chosen))

    def _selected(self) -> ListedProcess | None:
        chosen = self._selected_id()
        processes = self._snapshot.processes if self._snapshot is not None else ()
        return next((process for process in processes if process.id == chosen), None)

    def _selected_id(self) -> str | None:
        if self._table.row_count == 0:
            return None
        return self._table.coordinate_to_cell_key(self._table.cursor_coordinate).row_key.value

    def _tell(self, problem: str) -> None:
        self.query_one("#problem", Static).update(problem)

    @property
    def _table(self) -> DataTable[str]:
        return self.query_one("#processes", DataTable)


def _row(process: ListedProcess) -> tuple[str, ...]:
    return (
        process.id[:SHORT_ID_LENGTH],
        process.username,
        process.program,
        process.state,
        duration(process.elapsed_secs),
        f"{process.tokens:,}",
        "attached" if process.attached else "",
    )
