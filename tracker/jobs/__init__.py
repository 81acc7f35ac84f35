"""What time sets off: one file per job, each in this tuple."""

from tracker.jobs import cut, rebuild, send, sign, tidy, watch
from tracker.jobs.job import Job

JOBS: tuple[Job, ...] = (cut.JOB, rebuild.JOB, send.JOB, sign.JOB, tidy.JOB, watch.JOB)
