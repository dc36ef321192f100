"""A worker process of the local engine: jobs come in on standard input, outcomes go out on standard output.

Lines of JSON both ways. When its input ends, the driver has closed it or is no more, and the worker leaves at once, in
the midst of a run if there is one: the run has its checkpoint, and another driver may be waiting to go on with it.
"""

import faulthandler
import json
import os
import queue
import signal
import sys
import threading
from dataclasses import asdict
from typing import TextIO


def main() -> None:
    """Serve until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to hear
    faulthandler.enable()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # whatever else prints, prints into the log
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin, jobs), daemon=True).start()

    from semimetric.studies.perform import Job, perform

    while True:
        outcome = perform(Job(**json.loads(jobs.get())))
        answers.write(json.dumps(asdict(outcome)) + "\n")
        answers.flush()


def _listen(lines: TextIO, jobs: "queue.SimpleQueue[str]") -> None:
    for line in lines:
        jobs.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()
