"""
The time by which the lab's clock is ahead of the machine's. Tests set it in a file, see `passTime` in ../server.ts. Functions
and delayed messages use this clock; everything else, such as schedules, uses the machine's.
"""

import os
import time

FILE = os.environ.get("LOCAL_CLOCK_FILE", "")


def ahead():
    """In seconds."""
    try:
        with open(FILE) as file:
            return int(file.read()) / 1000
    except FileNotFoundError:
        return 0


def install():
    """Must be called before LocalEmu loads SQS."""
    from localemu.services.sqs.models import SqsMessage

    begin = SqsMessage.__init__

    def begin_by_clock(self, *arguments, **named):
        begin(self, *arguments, **named)
        self.created_ahead = ahead()

    def is_delayed(self):
        if self.delay_seconds is None:
            return False
        return time.time() + ahead() <= self.created + self.created_ahead + self.delay_seconds

    SqsMessage.__init__ = begin_by_clock
    SqsMessage.is_delayed = property(is_delayed)
