import { isDeepStrictEqual } from 'node:util';
import type { AwsSession } from '../../aws/session.ts';
import { hasValue, type Properties, patchOf, valueAt } from '../../changes/cloud-control/patch.ts';
import { pendingOf } from '../../changes/cloud-control/pending.ts';
import { readProperties, stackOf } from '../../changes/cloud-control/read.ts';
import type { PatchOperation, PropertiesSet } from '../../changes/cloud-control/schema.ts';
import { tagsOf } from '../../changes/cloud-control/tags.ts';
import type { DesiredState, PropertyCondition } from '../../model/custom-rule.ts';
import type { Json } from '../../model/json.ts';
import type { RuleFacts } from '../facts.ts';
import { defineRule, type Inspection, type Rule } from '../rule.ts';
import { accountOfArn, fill } from './placeholders.ts';

/** The observed state. A type, not an interface, so that it is assignable to JSON. */
type Seen = {
  identifier: string;
  /** The existing properties that the rule concerns. */
  values: Record<string, Json>;
  patch: PatchOperation[];
};

function meets(properties: Properties, pointer: string, condition: PropertyCondition): boolean {
  if ('equals' in condition) return hasValue(properties, pointer, condition.equals);
  const value = valueAt(properties, pointer);
  if ('absent' in condition) return value === undefined;
  return Array.isArray(value) && value.some((item) => isDeepStrictEqual(item, condition.contains));
}

/**
 * Reports whether a resource violates the rule: a property differs from the desired value, and all declared conditions
 * are true.
 */
function isViolation(properties: Properties, { violates, set }: DesiredState): boolean {
  const isWanted = Object.entries(set).every(([pointer, value]) => hasValue(properties, pointer, value));
  if (isWanted) return false;
  return Object.entries(violates).every(([pointer, condition]) => meets(properties, pointer, condition));
}

/** Returns the reason why AWS would refuse to change the resource now, if any. */
function notReady(properties: Properties, { ready }: DesiredState): string | undefined {
  const waiting = Object.entries(ready).filter(([pointer, value]) => !hasValue(properties, pointer, value));
  if (waiting.length === 0) return undefined;
  return waiting
    .map(([pointer, value]) => {
      const word = pointer.slice(1).replaceAll('/', '.');
      return `${word} is ${JSON.stringify(valueAt(properties, pointer) ?? null)}, and AWS changes it only while it is ${JSON.stringify(value)}`;
    })
    .join('; ');
}

async function inspectOne(
  session: AwsSession,
  resource: string,
  state: DesiredState,
): Promise<Inspection<Seen>> {
  const owner = accountOfArn(resource);
  if (owner !== undefined && owner !== session.account) {
    const reason = `${resource} belongs to account ${owner}: only its owner can change it`;
    return { state: 'not_applicable', reason };
  }
  const { account, region, partition } = session;
  const identifier = fill(state.identifier, { resource, account, region, partition });
  const model = { type: state.resource_type, identifier };
  const properties = await readProperties(session, model);
  if (properties === undefined) return { state: 'gone' };
  if (!isViolation(properties, state)) return { state: 'compliant' };
  const busy = notReady(properties, state);
  if (busy !== undefined) return { state: 'busy', reason: `${resource}: ${busy}` };
  const stack = state.allow_stack_managed ? undefined : await stackOf(session, model);
  if (stack !== undefined) {
    const reason = `CloudFormation stack ${stack} manages ${resource}: change the stack's template, or set allow_stack_managed`;
    return { state: 'not_applicable', reason, violates: true };
  }
  const pending = await pendingOf(session, model);
  if (pending !== undefined) return { state: 'busy', reason: `${resource}: ${pending}` };
  const named = [...new Set([...Object.keys(state.violates), ...Object.keys(state.set)])].sort();
  const values = named.flatMap((pointer) => {
    const value = valueAt(properties, pointer);
    return value === undefined ? [] : [[pointer, value] as const];
  });
  return {
    state: 'violation',
    seen: {
      identifier,
      values: Object.fromEntries(values),
      patch: patchOf(properties, changed(state, Object.fromEntries(values)), state.primary_identifier),
    },
    tags: tagsOf(properties, state.tags),
  };
}

/** Returns the properties that differ from the desired values. */
function changed({ set, defaults }: DesiredState, values: Readonly<Record<string, Json>>) {
  return Object.entries(set)
    .filter(([pointer, value]) => !isDeepStrictEqual(values[pointer], value))
    .map(([pointer, after]) => {
      const [before, otherwise] = [values[pointer], defaults[pointer]];
      return {
        pointer,
        after,
        ...(before !== undefined && { before }),
        ...(before === undefined && otherwise !== undefined && { otherwise }),
      };
    });
}

/**
 * Creates a rule that sets properties of a resource to desired values through Cloud Control. Each resource is read with
 * one call, and all properties that differ are set with one request.
 */
export function desiredStateRule(facts: RuleFacts, state: DesiredState, risk: string): Rule {
  return defineRule<Seen, unknown>(facts, {
    async inspect(session, resources) {
      const inspections = new Map<string, Inspection<Seen>>();
      for (const resource of resources) inspections.set(resource, await inspectOne(session, resource, state));
      return inspections;
    },
    plan(_resource, { identifier, values, patch }): readonly PropertiesSet[] {
      return [
        {
          kind: 'cloud-control-properties-set',
          resource: identifier,
          type: state.resource_type,
          properties: changed(state, values),
          patch,
          ...(state.tags !== null && { tags: state.tags }),
          risk,
        },
      ];
    },
  });
}
