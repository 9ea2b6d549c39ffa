"""SQS event source mappings as Lambda runs them: batches side by side, up to the mapping's maximum concurrency."""

import logging
import threading

from localemu.services.lambda_ import provider
from localemu.services.lambda_.event_source_mapping.esm_worker import EsmState, EsmWorker
from localemu.services.lambda_.event_source_mapping.esm_worker_factory import EsmWorkerFactory
from localemu.services.lambda_.event_source_mapping.pollers.sqs_poller import SqsPoller

LOG = logging.getLogger(__name__)

# Duration of a mapping's request at an empty queue. AWS waits up to twenty seconds; here, a deleted mapping ends when
# the request does.
WAIT_SECONDS = 2

# Lambda starts with five concurrent batches for a standard queue, and one per message group for a FIFO queue.
DEFAULT_CONCURRENCY = 10


def wait(params, **_):
    params["WaitTimeSeconds"] = max(params["WaitTimeSeconds"], WAIT_SECONDS)


def install():
    """Must be called after LocalEmu has loaded its Lambda service."""
    load_service = provider.load_service
    # A mapping on a FIFO queue looks up the model of a service "sqs-fifo", which does not exist.
    provider.load_service = lambda name: load_service("sqs" if name == "sqs-fifo" else name)

    get_esm_worker = EsmWorkerFactory.get_esm_worker

    def get_esm_worker_with_slots(self):
        worker = get_esm_worker(self)
        scaling = self.esm_config.get("ScalingConfig") or {}
        worker.poller.slots = threading.Semaphore(scaling.get("MaximumConcurrency", DEFAULT_CONCURRENCY))
        if isinstance(worker.poller, SqsPoller):
            # LocalEmu's own poller sends short requests again and again, which costs more than the messages do.
            worker.poller.source_client.meta.events.register("provide-client-params.sqs.ReceiveMessage", wait)
        return worker

    EsmWorkerFactory.get_esm_worker = get_esm_worker_with_slots
    # For other pollers, those of EventBridge pipes.
    SqsPoller.slots = threading.Semaphore(DEFAULT_CONCURRENCY)

    handle_messages = SqsPoller.handle_messages

    def handle_messages_aside(self, messages):
        """
        LocalEmu itself waits for the invocation, so that one slow message group delays all others. The queue keeps the
        order within a group: it delivers no message of a group while another one is in flight.
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
        LocalEmu creates a new worker for an updated mapping, which then is "Creating". In AWS only a new mapping is,
        and Terraform's provider treats this state as an error of the update.
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
        """LocalEmu's old worker reports "Disabled" for the mapping when its last poll has ended, whatever the new worker does."""
        old = self.esm_workers.get(request.get("UUID"))
        updated = update(self, context, request)
        if old is not None:
            old.update_esm_state_in_store = lambda state: None
        return updated

    provider.LambdaProvider.update_event_source_mapping_v2 = update_without_late_word
