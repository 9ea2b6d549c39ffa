"""SQS event source mappings as Lambda runs them: up to the mapping's maximum concurrency, batches side by side."""

import logging
import threading

from localemu.services.lambda_ import provider
from localemu.services.lambda_.event_source_mapping.esm_worker import EsmState, EsmWorker
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

    create = EsmWorker.create

    def create_or_go_on(self):
        """
        LocalEmu makes a worker anew for a mapping that is updated, which then is "Creating". In AWS only a new mapping
        is, and Terraform's provider takes it for an error of the update.
        """
        if self.enabled and self.esm_config["State"] != EsmState.CREATING:
            with self._state_lock:
                self.current_state = EsmState.UPDATING
            self.start()
        else:
            create(self)

    EsmWorker.create = create_or_go_on

    update = provider.LambdaProvider.update_event_source_mapping_v2

    def update_without_late_word(self, context, request):
        """LocalEmu's old worker says "Disabled" of the mapping when its last poll has ended, whatever the new one does."""
        old = self.esm_workers.get(request.get("UUID"))
        updated = update(self, context, request)
        if old is not None:
            old.update_esm_state_in_store = lambda state: None
        return updated

    provider.LambdaProvider.update_event_source_mapping_v2 = update_without_late_word
