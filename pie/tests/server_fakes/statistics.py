"""Statistics of an engine and its sessions, as they might be."""

from pie.engine.engine import EngineStatistics
from pie.kv.statistics import KvStatistics
from pie.net.statistics import HubStatistics
from pie.processes.table import ProcessStatistics
from pie.sched.statistics import SchedulerStatistics

KV = KvStatistics(
    total=100, free=50, resting=20, leaving=0, owned=25, shared=5, indexed=40, lineages=3, adopted_tokens=64, evictions=2
)
MODEL = SchedulerStatistics(
    kv=KV,
    running=3,
    waiting=1,
    in_flight=2,
    saved=4,
    batches=10,
    failed_batches=1,
    requests=40,
    computed_tokens=1000,
    drawn_tokens=300,
    preemptions=5,
    driver_s=1.5,
    batch_sizes=(4, 3, 2, 1, 0, 0, 0, 0),
)
ENGINE = EngineStatistics(ProcessStatistics(live=2, launched=9, returned=4, failed=2, terminated=1), {"m": MODEL}, draining=False)
HUB = HubStatistics(**{name: number for number, name in enumerate(HubStatistics.__dataclass_fields__, 1)})
