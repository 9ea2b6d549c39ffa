"""
Dead letters as in SQS, with the move to the dead-letter queue and back by StartMessageMoveTask:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
"""

from localemu.aws.api import CommonServiceException
from localemu.services.sqs.models import FifoQueue
from localemu.services.sqs.provider import MessageMoveTaskManager
from localemu.services.sqs.utils import generate_message_id
from localemu.utils.time import now


class Destination:
    """A queue for a task that moves messages: each message is sent as a new one, with no receives yet."""

    def __init__(self, queue):
        self.queue = queue

    def __getattr__(self, name):
        return getattr(self.queue, name)

    def put(self, message, **ids):
        kept = {
            name: value
            for name, value in message["Attributes"].items()
            if name not in ("ApproximateReceiveCount", "DeadLetterQueueSourceArn", "SequenceNumber")
        }
        attributes = {**kept, "SentTimestamp": str(now(millis=True))}
        self.queue.put({**message, "MessageId": generate_message_id(), "Attributes": attributes}, **ids)


def install():
    """Must be called before LocalEmu starts."""
    get_queue = MessageMoveTaskManager._get_queue_by_arn

    def get_destination(self, arn):
        if arn is None:
            # The source of a message that was sent to the dead-letter queue itself is unknown.
            raise CommonServiceException("CouldNotDetermineMessageSource", "the message has no source queue")
        return Destination(get_queue(self, arn))

    MessageMoveTaskManager._get_queue_by_arn = get_destination

    put = FifoQueue.put

    def put_dead_letter(self, message, **options):
        """LocalEmu's own task keeps the deduplication id, and so loses one of two messages that share it, or a redrive."""
        if "DeadLetterQueueSourceArn" in message["Attributes"]:
            options["message_deduplication_id"] = message["MessageId"]
        return put(self, message, **options)

    FifoQueue.put = put_dead_letter
