import { propertiesInTheEnd } from '../../lab/aws-model/cloud-control.ts';
import type { AwsState, Bucket, LogGroup } from '../../lab/aws-model/state.ts';
import { blockText } from '../oracle/bucket.ts';
import { flowLogText } from '../oracle/flow-log.ts';
import { entryText } from '../oracle/network-acl.ts';
import { ruleText } from '../oracle/security-group.ts';
import { sharesText } from '../oracle/snapshot.ts';

/** One item that a call changed, with its content before and after it; null: none. */
export interface Transition {
  readonly item: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** Items with their contents. */
type Items = Iterable<readonly [string, string]>;

export const clusterText = (isPublic: boolean): string => (isPublic ? 'public' : 'private');

/** A document and its parameters, except for the role. */
export function executionText(
  document: string,
  { AutomationAssumeRole: _, ...parameters }: Readonly<Record<string, readonly string[]>>,
): string {
  return `${document} ${JSON.stringify(parameters)}`;
}

const nothing: Items = [];

function diffOf<V>(
  before: Readonly<Record<string, V>>,
  after: Readonly<Record<string, V>>,
  itemsOf: (id: string, value: V) => Items,
): Transition[] {
  if (before === after) return [];
  const ids = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...ids].flatMap((id) => {
    const [from, to] = [before[id], after[id]];
    if (from === to) return [];
    const old = new Map(from === undefined ? nothing : itemsOf(id, from));
    const anew = new Map(to === undefined ? nothing : itemsOf(id, to));
    const items = new Set([...old.keys(), ...anew.keys()]);
    return [...items]
      .map((item) => ({ item, before: old.get(item) ?? null, after: anew.get(item) ?? null }))
      .filter((each) => each.before !== each.after);
  });
}

function blockItems(id: string, { block }: Bucket): Items {
  const text = blockText(block);
  return text === null ? nothing : new Map([[`block ${id}`, text]]);
}

function logGroupItems(id: string, { retention }: LogGroup): Items {
  const items = new Map([[`log group ${id}`, 'exists']]);
  return retention === null ? items : items.set(`retention ${id}`, String(retention));
}

/** Lists the differences between two states: one per item, as texts that can be compared with records. */
export function transitionsOf(before: AwsState, after: AwsState): Transition[] {
  return [
    ...diffOf(before.groups, after.groups, (group, { rules }) =>
      rules.map((rule) => [`rule ${group}/${rule.id}`, ruleText(rule)]),
    ),
    ...diffOf(before.acls, after.acls, (id, { entries }) =>
      entries.map((entry) => [`entry ${id} ${entry.number}`, entryText(entry)]),
    ),
    ...diffOf(before.buckets, after.buckets, blockItems),
    ...diffOf(before.users, after.users, (user, { keys }) =>
      keys.map(({ id, status }) => [`key ${user}/${id}`, status]),
    ),
    ...diffOf(before.trails, after.trails, (id, { isValidated }) => [
      [`trail ${id}`, `validation ${isValidated}`],
    ]),
    ...diffOf(before.vpcs, after.vpcs, (vpc, { flowLogs = [] }) =>
      flowLogs.map(({ id, bucket }) => [`flow log ${vpc}/${id}`, flowLogText(bucket)]),
    ),
    ...diffOf(before.logGroups, after.logGroups, logGroupItems),
    ...diffOf(before.databases, after.databases, (_, { snapshots }) =>
      snapshots.map(({ id, sharedWith }) => [`snapshot ${id}`, sharesText(sharedWith)]),
    ),
    ...diffOf(before.clusters, after.clusters, (id, { isPublic, pending }) => [
      [`cluster ${id}`, clusterText(pending?.isPublic ?? isPublic)],
    ]),
    ...diffOf(before.executions, after.executions, (id, { document, parameters }) => [
      [`execution ${id}`, executionText(document, parameters)],
    ]),
    ...diffOf(before.cloudControl, after.cloudControl, (id, resource) =>
      Object.entries(propertiesInTheEnd(resource)).map(([name, value]) => [
        `property ${id} /${name}`,
        JSON.stringify(value),
      ]),
    ),
  ];
}

export const transitionText = ({ item, before, after }: Transition): string =>
  `${item}: ${before ?? 'nothing'} -> ${after ?? 'nothing'}`;

/** Selects what one list contains and the other one does not; duplicates count separately. */
export function missingFrom(all: readonly Transition[], others: readonly Transition[]): Transition[] {
  const left = new Map<string, number>();
  for (const each of others) {
    const text = transitionText(each);
    left.set(text, (left.get(text) ?? 0) + 1);
  }
  return all.filter((each) => {
    const text = transitionText(each);
    const number = left.get(text) ?? 0;
    left.set(text, number - 1);
    return number <= 0;
  });
}
