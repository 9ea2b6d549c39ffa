import { z } from 'zod';
import { recordedEffects, unconfirmedItems } from '../oracle/records.ts';
import { clusterText, type Transition } from './items.ts';

/** The changes that `oracle/records.ts` does not read, as evidence keeps them. */
const changeSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('cloudtrail-log-file-validation-set'),
    resource: z.string(),
    before: z.boolean(),
    after: z.boolean(),
  }),
  z.object({
    kind: z.literal('log-group-create'),
    resource: z.string(),
    retentionDays: z.number(),
    made: z.array(z.enum(['log group', 'retention'])).default([]),
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

/** Names of the items of the kinds that `oracle/records.ts` reads, by how their names begin. */
const ITEM_NAMES: Readonly<Record<string, (resource: string, item: string) => string>> = {
  'flow-log': (vpc, item) => `flow log ${vpc}/${item}`,
  iam: (user, item) => `key ${user}/${item}`,
  'network-acl': (acl, item) => `entry ${acl} ${item}`,
  rds: (_, item) => `snapshot ${item}`,
  s3: (bucket) => `block ${bucket}`,
  'security-group': (_, item) => `rule ${item}`,
};

/** The names of a kind's items; undefined where `oracle/records.ts` does not read it. */
function namesOf(kind: string): ((resource: string, item: string) => string) | undefined {
  return Object.entries(ITEM_NAMES).find(([start]) => kind.startsWith(`${start}-`))?.[1];
}

/**
 * Reads what one recorded change says that was changed.
 * @throws z.ZodError where it is of no form that is documented
 */
function transitionsOfChange(recorded: unknown): Transition[] {
  const { kind, resource } = resourceSchema.parse(recorded);
  const nameOf = namesOf(kind);
  if (nameOf !== undefined) {
    const { net } = recordedEffects([recorded]);
    return [...net].map(([item, effect]) => ({ item: nameOf(resource, item), ...effect }));
  }
  const change = changeSchema.parse(recorded);
  switch (change.kind) {
    case 'cloudtrail-log-file-validation-set': {
      const [before, after] = [change.before, change.after].map((isOn) => `validation ${isOn}`);
      return [{ item: `trail ${resource}`, before: before ?? null, after: after ?? null }];
    }
    case 'log-group-create':
      return change.made.map((part) =>
        part === 'log group'
          ? { item: `log group ${resource}`, before: null, after: 'there' }
          : { item: `retention ${resource}`, before: null, after: String(change.retentionDays) },
      );
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

/** Tells whether the record says that it does not know whether something was changed. */
export function isUnconfirmed(
  transition: Transition,
  applied: readonly unknown[],
  unconfirmed: readonly unknown[],
): boolean {
  const of = (recorded: unknown): boolean => {
    const { kind, resource, document } = resourceSchema.parse(recorded);
    if (kind === 'automation-execution-start') return transition.after === document;
    const nameOf = namesOf(kind);
    if (nameOf === undefined) return transition.item.includes(resource);
    const items = unconfirmedItems([recorded]);
    const { item, before, after } = transition;
    return [...items].some((each) => item === nameOf(resource, each) || each === (after ?? before));
  };
  const inDoubt = applied.some((recorded) => {
    const { kind, resource } = resourceSchema.parse(recorded);
    const nameOf = namesOf(kind);
    if (nameOf === undefined) return false;
    const { unconfirmed: items } = recordedEffects([recorded]);
    return [...items].some((each) => transition.item === nameOf(resource, each));
  });
  return inDoubt || unconfirmed.some(of);
}
