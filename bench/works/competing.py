"""What works have in common that all subjects do: each gets a database of its own, and what it wrote is counted."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from bench.databases import Place
from bench.measuring import Plan, Run
from bench.subjects import SUBJECTS
from bench.subjects.store import Store


@contextmanager
def competing(
    plan: Plan, place: Place, besides: str = ""
) -> Iterator[tuple[dict[str, Store], dict[str, str]]]:
    """The subjects that are there (``besides`` one), each over an empty database; and those that are not, with why."""
    left_out: dict[str, str] = {}
    with ExitStack() as until_done:
        stores: dict[str, Store] = {}
        for subject in SUBJECTS:
            if besides == subject.NAME or (plan.names and subject.NAME not in plan.names):
                continue
            if (why := subject.missing(place.kind)) is not None:
                left_out[subject.NAME] = why
                continue
            store = subject.open(until_done.enter_context(place.empty()))
            until_done.callback(store.close)
            stores[subject.NAME] = store
        yield stores, left_out


def checked(stores: Mapping[str, Store], runs: Mapping[str, Sequence[Run]]) -> None:
    """Refuse figures of what is not there: what fails is quick."""
    for name, store in stores.items():
        done, there = sum(run.done for run in runs[name]), store.count()
        if done != there:
            raise RuntimeError(f"{name} says that it wrote {done:,} events, and {there:,} are there")
