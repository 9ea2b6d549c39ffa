"""
Message groups of a FIFO queue as SQS has them: a message that is being worked on blocks its own group alone.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagegroupid-property.html
"""

from localemu.services.sqs.models import FifoQueue


def install():
    """To be called before LocalEmu starts."""

    def requeue_inflight_messages(self):
        """LocalEmu's own ends at the first message that is still in flight, whatever group it is of."""
        with self.mutex:
            blocked = set()
            for message in list(self.inflight):
                group = message.message_group_id
                if group in blocked:
                    continue
                if message.is_visible:
                    del self.inflight[message]
                    self._put_message(message)
                else:
                    blocked.add(group)

    FifoQueue.requeue_inflight_messages = requeue_inflight_messages
