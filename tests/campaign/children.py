"""The zygote of every child that is killed: python children.py"""

import msgspec
from campaign.forking import zygote
from campaign.rebuilder import Rebuild, remake
from campaign.teller import Tell, cut_and_send, warm_up
from campaign.writer import Write, write


def run(task: bytes) -> None:
    match msgspec.json.decode(task, type=Write | Rebuild | Tell):
        case Write() as writing:
            write(writing)
        case Rebuild() as rebuilding:
            remake(rebuilding)
        case Tell() as telling:
            cut_and_send(telling)


if __name__ == "__main__":
    warm_up()
    zygote(run)
