"""
Composite alarms, and the events of alarms to EventBridge, as in CloudWatch: LocalEmu itself only supports rules with `OR`,
and sends no events.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
"""

import functools
import json
import re
from datetime import datetime, timezone

from localemu.aws.handlers.service_plugin import ServiceLoader

TOKEN = re.compile(r'\s*(\(|\)|"[^"]*"|[^\s()"]+)')


class Rule:
    """A rule: `(ALARM("a") OR OK(b)) AND NOT INSUFFICIENT_DATA(c)`."""

    def __init__(self, text):
        self.tokens = TOKEN.findall(text)
        self.names = [
            self.tokens[at + 2].strip('"')
            for at, token in enumerate(self.tokens)
            if token in ("ALARM", "OK", "INSUFFICIENT_DATA") and self.tokens[at + 1] == "("
        ]

    def holds(self, state_of):
        """Whether it is true; `state_of` returns the state of an alarm by its name or ARN."""
        self.at = 0
        value = self.either(state_of)
        if self.at != len(self.tokens):
            raise ValueError(f"unexpected {self.tokens[self.at]}")
        return value

    def take(self, *expected):
        if self.at < len(self.tokens) and self.tokens[self.at] in expected:
            self.at += 1
            return self.tokens[self.at - 1]
        return None

    def must(self, expected):
        if not self.take(expected):
            raise ValueError(f"expected {expected} at token {self.at}")

    def either(self, state_of):
        value = self.both(state_of)
        while self.take("OR"):
            other = self.both(state_of)
            value = value or other
        return value

    def both(self, state_of):
        value = self.single(state_of)
        while self.take("AND"):
            other = self.single(state_of)
            value = value and other
        return value

    def single(self, state_of):
        if self.take("NOT"):
            return not self.single(state_of)
        if self.take("("):
            value = self.either(state_of)
            self.must(")")
            return value
        if word := self.take("TRUE", "FALSE"):
            return word == "TRUE"
        state = self.take("ALARM", "OK", "INSUFFICIENT_DATA")
        if state is None:
            raise ValueError(f"expected a state at token {self.at}")
        self.must("(")
        name = self.tokens[self.at].strip('"')
        self.at += 1
        self.must(")")
        return state_of(name) == state


def patch():
    from localemu.aws.api import CommonServiceException
    from localemu.aws.connect import connect_to
    from localemu.services.cloudwatch.models import LocalEmuCompositeAlarm
    from localemu.services.cloudwatch.provider_v2 import CloudwatchProvider as Provider

    def state_in(store):
        states = {}
        for arn, alarm in store.alarms.items():
            states[arn] = states[alarm.alarm["AlarmName"]] = alarm.alarm["StateValue"]

        def state_of(name):
            if name not in states:
                raise CommonServiceException("ValidationError", f"there is no alarm {name}", 400)
            return states[name]

        return state_of

    def combined_in(store):
        return [alarm for alarm in store.alarms.values() if isinstance(alarm, LocalEmuCompositeAlarm)]

    def evaluate(self, context, combined, triggering):
        store = self.get_store(context.account_id, context.region)
        old = combined.alarm["StateValue"]
        new = "ALARM" if Rule(combined.alarm["AlarmRule"]).holds(state_in(store)) else "OK"
        if old == new:
            return
        now = datetime.now(timezone.utc)
        combined.alarm["StateTransitionedTimestamp"] = now
        reason = f"{combined.alarm['AlarmArn']} was created and its alarm rule evaluates to {new}"
        if triggering is not None:
            arn, state = triggering.alarm["AlarmArn"], triggering.alarm["StateValue"]
            reason = f"{arn} transitioned to {state} at {now:%A %d %B, %Y %H:%M:%S} UTC"
        self._update_state(context, combined, new, reason, None)
        if triggering is not None and combined.alarm["ActionsEnabled"]:
            self._run_composite_alarm_actions(context, combined, old, triggering)

    put_composite_alarm = Provider.put_composite_alarm

    @functools.wraps(put_composite_alarm)
    def put_and_evaluate(self, context, request):
        store = self.get_store(context.account_id, context.region)
        state_of = state_in(store)
        for name in Rule(request["AlarmRule"]).names:
            state_of(name)
        standing = next((one for one in combined_in(store) if one.alarm["AlarmName"] == request["AlarmName"]), None)
        put_composite_alarm(self, context, request)
        combined = next(one for one in combined_in(store) if one.alarm["AlarmName"] == request["AlarmName"])
        if standing is not None:
            # An update leaves the state as it was.
            combined.alarm["StateValue"] = standing.alarm["StateValue"]
        evaluate(self, context, combined, None)

    delete_alarms = Provider.delete_alarms

    @functools.wraps(delete_alarms)
    def delete_unless_needed(self, context, alarm_names, **named):
        store = self.get_store(context.account_id, context.region)
        needed = set()
        for combined in combined_in(store):
            if combined.alarm["AlarmName"] not in alarm_names:
                needed |= set(Rule(combined.alarm["AlarmRule"]).names) & set(alarm_names)
        if needed:
            names = ",".join(sorted(needed))
            message = f"Cannot delete {names} as there are composite alarm(s) depending on it."
            raise CommonServiceException("ValidationError", message, 400)
        return delete_alarms(self, context, alarm_names, **named)

    update_state = Provider._update_state

    def update_and_tell(self, context, alarm, state_value, state_reason, state_reason_data=None):
        previous = {"value": alarm.alarm["StateValue"], "reason": alarm.alarm["StateReason"]}
        update_state(self, context, alarm, state_value, state_reason, state_reason_data)
        known = alarm.alarm
        if isinstance(alarm, LocalEmuCompositeAlarm):
            configuration = {"alarmRule": known["AlarmRule"]}
        else:
            configuration = {"description": known.get("AlarmDescription", ""), "metrics": []}
        detail = {
            "alarmName": known["AlarmName"],
            "state": {"value": state_value, "reason": state_reason},
            "previousState": previous,
            "configuration": configuration,
        }
        events = connect_to(aws_access_key_id=context.account_id, region_name=context.region).events
        entry = {
            "Source": "aws.cloudwatch",
            "DetailType": "CloudWatch Alarm State Change",
            "Resources": [known["AlarmArn"]],
            "Detail": json.dumps(detail),
        }
        events.put_events(Entries=[entry])

    Provider._evaluate_composite_alarm = evaluate
    Provider._validate_alarm_rule_expression = lambda self, rule: []
    Provider.put_composite_alarm = put_and_evaluate
    Provider.delete_alarms = delete_unless_needed
    Provider._update_state = update_and_tell


def install():
    """Must be called before LocalEmu starts."""
    require = ServiceLoader.require_service
    patched = []

    def require_with_alarms(self, chain, context, response):
        if not patched and context.service is not None and context.service.service_name == "cloudwatch":
            patched.append(True)
            patch()
        require(self, chain, context, response)

    ServiceLoader.require_service = require_with_alarms
