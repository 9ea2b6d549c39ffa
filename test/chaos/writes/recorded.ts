import { z } from 'zod';
import { recordedEffects, unconfirmedItems } from '../oracle/records.ts';
import { sharesText } from '../oracle/snapshot.ts';
import { clusterText, type Transition } from './items.ts';

/** The changes of the other rules, read as evidence keeps them: see `oracle/records.ts`. */
const changeSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('iam-access-key-status-set'),
    resource: z.string(),
    key: z.string(),
    before: z.string(),
    after: z.string(),
  }),
  z.object({
    kind: z.literal('cloudtrail-log-file-validation-set'),
    resource: z.string(),
    before: z.boolean(),
    after: z.boolean(),
  }),
  z.object({
    kind: z.literal('flow-log-create'),
    resource: z.string(),
    flowLogId: z.string().nullable(),
    destination: z.object({ logGroup: z.string().optional(), arn: z.string().optional() }),
  }),
  z.object({
    kind: z.literal('log-group-create'),
    resource: z.string(),
    retentionDays: z.number(),
    made: z.array(z.enum(['log group', 'retention'])).default([]),
  }),
  z.object({
    kind: z.literal('rds-snapshot-shares-change'),
    resource: z.string(),
    before: z.array(z.string()),
    after: z.array(z.string()),
  }),
  z.object({
    kind: z.literal('redshift-cluster-public-access-set'),
    resource: z.string(),
    before: z.boolean(),
    after: z.boolean(),
  }),
  z.object({
    kind: z.literal('automation-execution-start'),
    resource: z.string(),
    document: z.string(),
    executionId: z.string().optional(),
  }),
]);

const resourceSchema = z.looseObject({
  kind: z.string(),
  resource: z.string(),
  document: z.string().optional(),
});

function isOfNetworkOrBucket(kind: string): boolean {
  return /^(security-group|network-acl|s3)-/.test(kind);
}

function itemName(kind: string, resource: string, item: string): string {
  if (kind.startsWith('network-acl')) return `entry ${resource} ${item}`;
  return kind.startsWith('s3') ? `block ${resource}` : `rule ${item}`;
}

/** What one recorded change says that was changed. @throws z.ZodError where it is of no form that is documented */
function transitionsOfChange(recorded: unknown): Transition[] {
  const { kind, resource } = resourceSchema.parse(recorded);
  if (isOfNetworkOrBucket(kind)) {
    const { net } = recordedEffects([recorded]);
    return [...net].map(([item, effect]) => ({ item: itemName(kind, resource, item), ...effect }));
  }
  const change = changeSchema.parse(recorded);
  switch (change.kind) {
    case 'iam-access-key-status-set':
      return [{ item: `key ${resource}/${change.key}`, before: change.before, after: change.after }];
    case 'cloudtrail-log-file-validation-set': {
      const [before, after] = [change.before, change.after].map((isOn) => `validation ${isOn}`);
      return [{ item: `trail ${resource}`, before: before ?? null, after: after ?? null }];
    }
    case 'flow-log-create': {
      const { logGroup, arn } = change.destination;
      const after = `${resource} ${logGroup ?? arn}`;
      return [{ item: `flow log ${change.flowLogId}`, before: null, after }];
    }
    case 'log-group-create':
      return change.made.map((part) =>
        part === 'log group'
          ? { item: `log group ${resource}`, before: null, after: 'there' }
          : { item: `retention ${resource}`, before: null, after: String(change.retentionDays) },
      );
    case 'rds-snapshot-shares-change':
      return [
        { item: `snapshot ${resource}`, before: sharesText(change.before), after: sharesText(change.after) },
      ];
    case 'redshift-cluster-public-access-set':
      return [
        { item: `cluster ${resource}`, before: clusterText(change.before), after: clusterText(change.after) },
      ];
    case 'automation-execution-start':
      return [{ item: `execution ${change.executionId}`, before: null, after: change.document }];
  }
}

export function recordedTransitions(applied: readonly unknown[]): Transition[] {
  return applied.flatMap(transitionsOfChange);
}

/** Whether the record says that it does not know whether something was changed. */
export function isUnconfirmed(
  transition: Transition,
  applied: readonly unknown[],
  unconfirmed: readonly unknown[],
): boolean {
  const of = (recorded: unknown): boolean => {
    const { kind, resource, document } = resourceSchema.parse(recorded);
    if (kind === 'automation-execution-start') return transition.after === document;
    if (!isOfNetworkOrBucket(kind)) return transition.item.includes(resource);
    const items = unconfirmedItems([recorded]);
    const { item, before, after } = transition;
    return [...items].some((each) => item === itemName(kind, resource, each) || each === (after ?? before));
  };
  const inDoubt = applied.some((recorded) => {
    const { kind, resource } = resourceSchema.parse(recorded);
    if (!isOfNetworkOrBucket(kind)) return false;
    const { unconfirmed: items } = recordedEffects([recorded]);
    return [...items].some((each) => transition.item === itemName(kind, resource, each));
  });
  return inDoubt || unconfirmed.some(of);
}
