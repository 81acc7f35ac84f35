"""The zygote of every child that is killed: python children.py"""

import msgspec
from campaign.forking import zygote
from campaign.rebuilder import Rebuild, remake
from campaign.writer import Write, write


def run(task: bytes) -> None:
    match msgspec.json.decode(task, type=Write | Rebuild):
        case Write() as writing:
            write(writing)
        case Rebuild() as rebuilding:
            remake(rebuilding)


if __name__ == "__main__":
    zygote(run)
