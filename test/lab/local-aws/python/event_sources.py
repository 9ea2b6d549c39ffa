"""SQS event source mappings as Lambda runs them: up to the mapping's maximum concurrency, batches side by side."""

import logging
import threading

from localemu.services.lambda_ import provider
from localemu.services.lambda_.event_source_mapping.esm_worker_factory import EsmWorkerFactory
from localemu.services.lambda_.event_source_mapping.pollers.sqs_poller import SqsPoller

LOG = logging.getLogger(__name__)

# How long a mapping's request waits at an empty queue. AWS waits up to twenty seconds; a mapping that is deleted ends here
# with the wait.
WAIT_SECONDS = 2

# Lambda starts with five batches at a time for a standard queue, and one for each message group of a FIFO queue.
DEFAULT_CONCURRENCY = 10


def wait(params, **_):
    params["WaitTimeSeconds"] = max(params["WaitTimeSeconds"], WAIT_SECONDS)


def install():
    """To be called once LocalEmu has loaded its Lambda service."""
    load_service = provider.load_service
    # A mapping on a FIFO queue looks up the model of a service "sqs-fifo", which has none.
    provider.load_service = lambda name: load_service("sqs" if name == "sqs-fifo" else name)

    get_esm_worker = EsmWorkerFactory.get_esm_worker

    def get_esm_worker_with_slots(self):
        worker = get_esm_worker(self)
        scaling = self.esm_config.get("ScalingConfig") or {}
        worker.poller.slots = threading.Semaphore(scaling.get("MaximumConcurrency", DEFAULT_CONCURRENCY))
        if isinstance(worker.poller, SqsPoller):
            # LocalEmu's own asks again and again, which costs more than the messages do.
            worker.poller.source_client.meta.events.register("provide-client-params.sqs.ReceiveMessage", wait)
        return worker

    EsmWorkerFactory.get_esm_worker = get_esm_worker_with_slots
    # For the pollers that don't come from there, of EventBridge pipes.
    SqsPoller.slots = threading.Semaphore(DEFAULT_CONCURRENCY)

    handle_messages = SqsPoller.handle_messages

    def handle_messages_aside(self, messages):
        """
        LocalEmu's own waits for the invocation, so that one slow message group holds up all others. Order within a
        group is kept by the queue: it gives out no message of a group while another of it is in flight.
        """

        def work():
            try:
                handle_messages(self, messages)
            except Exception as error:
                LOG.warning("a batch of %s failed: %s", self.source_arn, error)
            finally:
                self.slots.release()

        self.slots.acquire()
        threading.Thread(target=work, name="event-source-batch", daemon=True).start()

    SqsPoller.handle_messages = handle_messages_aside
