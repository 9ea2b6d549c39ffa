"""
Requests that Terraform sends again because it got no answer: it gets the answer of the first time, where AWS would tell
it that what it makes exists already. On one machine no network loses answers: an apply must not fail of it.

LocalEmu's own server loses some on a busy machine: its log then shows a CreateQueue that is answered with 200, and the
same call again within 200 milliseconds. Ours (gateway.py) is not known to. First calls side by side (first_use.py) can't do
the same: what they lose is a value that was written, never an answer.

Terraform's alone: what the functions do about a lost answer is tested, with answers that the proxy loses.
"""

import logging
import threading
from collections import OrderedDict

LOG = logging.getLogger(__name__)

KEPT = 4096
# A client that waits longer than this for its first answer has given up.
SECONDS = 120


class Answers:
    """The answers of the last requests, by the id that the SDK gives a call and all its attempts."""

    def __init__(self):
        self.lock = threading.Lock()
        self.calls = OrderedDict()

    def begin(self, chain, context, response):
        """A request handler: answers a request that was here before."""
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
        """A response handler: keeps the answer of a request that succeeded; one that failed may be tried again."""
        call = context.request.headers.get("amz-sdk-invocation-id")
        with self.lock:
            first = self.calls.get(call)
        if first is None:
            return
        if response.status_code < 300 and not response.is_streamed:
            first["answer"] = (response.status_code, response.get_data(), dict(response.headers))
        first["done"].set()


def install():
    """To be called before LocalEmu starts."""
    from localemu.aws import handlers

    answers = Answers()
    handlers.serve_custom_service_request_handlers.append(answers.begin)
    handlers.run_custom_response_handlers.append(answers.end)
