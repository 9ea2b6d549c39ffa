"""
Requests that Terraform repeats because it got no answer: they get the first answer, where AWS would report that the
resource exists already. No network loses answers on one machine, so an apply must not fail because of it.

LocalEmu's own server loses answers on a busy machine: its log then shows a CreateQueue that is answered with 200, and the
same call again within 200 milliseconds. The server here (gateway.py) is not known to do so. Concurrent first calls
(first_use.py) are no cause: they lose a written value, never an answer.

Only Terraform's requests: tests check what the functions do after a lost answer, with answers that the proxy loses.
"""

import logging
import threading
from collections import OrderedDict

LOG = logging.getLogger(__name__)

KEPT = 4096
# A client that waits longer than this for its first answer has given up.
SECONDS = 120


class Answers:
    """The answers to the last requests, by the id that the SDK gives a call and all its attempts."""

    def __init__(self):
        self.lock = threading.Lock()
        self.calls = OrderedDict()

    def begin(self, chain, context, response):
        """A request handler: answers a repeated request."""
        headers = context.request.headers
        call = headers.get("amz-sdk-invocation-id")
        if call is None or "terraform-provider-aws" not in headers.get("User-Agent", ""):
            return
        with self.lock:
            first = self.calls.get(call)
            if first is None:
                self.calls[call] = {"done": threading.Event(), "answer": None}
                while len(self.calls) > KEPT:
                    self.calls.popitem(last=False)
                return
        first["done"].wait(SECONDS)
        answer = first["answer"]
        if answer is None:
            return
        what = f"{context.service.service_name}.{context.operation.name} in {context.account_id}"
        LOG.warning("%s was answered before, and sent again (%s)", what, headers.get("amz-sdk-request"))
        status, body, answer_headers = answer
        response.status_code = status
        response.data = body
        response.headers.update(answer_headers)
        chain.stop()

    def end(self, chain, context, response):
        """A response handler: stores the answer to a successful request; a failed one may be tried again."""
        call = context.request.headers.get("amz-sdk-invocation-id")
        with self.lock:
            first = self.calls.get(call)
        if first is None:
            return
        if response.status_code < 300 and not response.is_streamed:
            first["answer"] = (response.status_code, response.get_data(), dict(response.headers))
        first["done"].set()


def install():
    """Must be called before LocalEmu starts."""
    from localemu.aws import handlers

    answers = Answers()
    handlers.serve_custom_service_request_handlers.append(answers.begin)
    handlers.run_custom_response_handlers.append(answers.end)
