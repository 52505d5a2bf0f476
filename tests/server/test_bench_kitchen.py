"""The bench of the kitchen times real work: it finds what it has filled in."""

from pathlib import Path

from dafan import db
from server.bench_kitchen import PLAN_DISHES, bench_kitchen


def test_the_bench_fills_a_kitchen_plans_a_week_and_traces_both_ways(tmp_path: Path) -> None:
    engine = db.make_engine(f"sqlite:///{tmp_path / 'bench.db'}")
    told = bench_kitchen(engine, entries=2000, sold=50, cameras=False)
    engine.dispose()
    assert told["plan"]["dishes"] == PLAN_DISHES
    assert told["plan"]["lines"] > 50
    assert (told["meals"], told["lots"], told["entries"]) == (2, 100, 2000)
    assert told["trace_dish"]["median_ms"] > 0
    assert told["trace_lot"]["most_ms"] >= told["trace_lot"]["median_ms"]
