"""The answer to the query `model_status`: one flat object, each key prefixed with its model, as Pie 0.4 has it."""

from pie.engine.engine import EngineStatistics
from pie.sched.statistics import SchedulerStatistics

Status = dict[str, float | list[int]]


def model_status(statistics: EngineStatistics) -> Status:
    return {
        f"{model}.{key}": value
        for model, scheduler in statistics.schedulers.items()
        for key, value in _of_scheduler(scheduler).items()
    }


def _of_scheduler(scheduler: SchedulerStatistics) -> Status:
    kv = scheduler.kv
    driver_us = scheduler.driver_s * 1e6
    return {
        "kv_pages_total": kv.total,
        "kv_pages_used": kv.total - kv.free - kv.resting,
        "kv_pages_resting": kv.resting,
        "kv_evictions": kv.evictions,
        "running": scheduler.running,
        "waiting": scheduler.waiting,
        "saved_contexts": scheduler.saved,
        "preemptions": scheduler.preemptions,
        "total_batches": scheduler.batches,
        "total_failed_batches": scheduler.failed_batches,
        "total_requests_processed": scheduler.requests,
        "total_tokens_processed": scheduler.computed_tokens,
        "total_tokens_drawn": scheduler.drawn_tokens,
        "total_tokens_reused": kv.adopted_tokens,
        "batch_size_hist": list(scheduler.batch_sizes),
        "cumulative_batch_latency_us": round(driver_us),
        "last_batch_latency_us": round(scheduler.last_batch_s * 1e6),
        "avg_batch_latency_us": round(driver_us / scheduler.batches) if scheduler.batches else 0,
    }
