import { z } from 'zod';
import { jsonSchema } from '../../../lambdas/model/json.ts';
import { recordedEffects, unconfirmedItems } from '../oracle/records.ts';
import { clusterText, executionText, type Transition } from './items.ts';

/** The changes that `oracle/records.ts` does not read, in the form of evidence. */
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
    parameters: z.record(z.string(), z.array(z.string())),
    executionId: z.string().optional(),
  }),
  z.object({
    kind: z.literal('cloud-control-properties-set'),
    resource: z.string(),
    properties: z.array(z.object({ pointer: z.string(), before: jsonSchema, after: jsonSchema })),
  }),
]);

const resourceSchema = z.looseObject({ kind: z.string(), resource: z.string() });

/** Names of the items of the kinds that `oracle/records.ts` reads, by their prefix. */
const ITEM_NAMES: Readonly<Record<string, (resource: string, item: string) => string>> = {
  'flow-log': (vpc, item) => `flow log ${vpc}/${item}`,
  iam: (user, item) => `key ${user}/${item}`,
  'network-acl': (acl, item) => `entry ${acl} ${item}`,
  rds: (_, item) => `snapshot ${item}`,
  s3: (bucket) => `block ${bucket}`,
  'security-group': (group, item) => `rule ${group}/${item}`,
};

/** The names of a kind's items; undefined where `oracle/records.ts` does not read it. */
function namesOf(kind: string): ((resource: string, item: string) => string) | undefined {
  return Object.entries(ITEM_NAMES).find(([start]) => kind.startsWith(`${start}-`))?.[1];
}

/**
 * Reads what one recorded change changed.
 * @throws z.ZodError if its form is not documented
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
          ? { item: `log group ${resource}`, before: null, after: 'exists' }
          : { item: `retention ${resource}`, before: null, after: String(change.retentionDays) },
      );
    case 'redshift-cluster-public-access-set':
      return [
        { item: `cluster ${resource}`, before: clusterText(change.before), after: clusterText(change.after) },
      ];
    case 'cloud-control-properties-set':
      return change.properties.map(({ pointer, before, after }) => ({
        item: `property ${resource} ${pointer}`,
        before: JSON.stringify(before),
        after: JSON.stringify(after),
      }));
    case 'automation-execution-start':
      return [
        {
          item: `execution ${change.executionId}`,
          before: null,
          after: executionText(change.document, change.parameters),
        },
      ];
  }
}

export function recordedTransitions(applied: readonly unknown[]): Transition[] {
  return applied.flatMap(transitionsOfChange);
}

/** Tells whether an unconfirmed record means this transition. */
type Means = (transition: Transition) => boolean;

/** The parts of a change that a record lists as unconfirmed. */
function partsInDoubt(recorded: unknown): readonly Means[] {
  const { kind, resource } = resourceSchema.parse(recorded);
  const nameOf = namesOf(kind);
  if (nameOf !== undefined) {
    const all = nameOf(resource, '');
    return [...unconfirmedItems([recorded])].map(
      (each): Means =>
        ({ item, before, after }) =>
          item === nameOf(resource, each) || (item.startsWith(all) && each === (after ?? before)),
    );
  }
  const change = changeSchema.parse(recorded);
  const whole = change.kind === 'log-group-create' ? { ...change, made: ['log group', 'retention'] } : change;
  const isStart = change.kind === 'automation-execution-start';
  // The execution's id is unknown.
  return transitionsOfChange(whole).map(
    (part): Means =>
      (transition) =>
        part.before === transition.before &&
        part.after === transition.after &&
        (isStart ? transition.item.startsWith('execution ') : transition.item === part.item),
  );
}

/** The items that an applied change lists as unconfirmed. */
function itemsInDoubt(recorded: unknown): readonly Means[] {
  const { kind, resource } = resourceSchema.parse(recorded);
  const nameOf = namesOf(kind);
  if (nameOf === undefined) return [];
  const { unconfirmed } = recordedEffects([recorded]);
  return [...unconfirmed].map(
    (each): Means =>
      ({ item }) =>
        item === nameOf(resource, each),
  );
}

/** Unconfirmed texts in records. Each part of an unconfirmed change accounts for at most one transition. */
export class Doubts {
  readonly #means: Means[];

  constructor(applied: readonly unknown[], unconfirmed: readonly unknown[]) {
    this.#means = [...applied.flatMap(itemsInDoubt), ...unconfirmed.flatMap(partsInDoubt)];
  }

  /** Tells whether an unrecorded transition is one that a record lists as unconfirmed. */
  take(transition: Transition): boolean {
    const place = this.#means.findIndex((means) => means(transition));
    if (place < 0) return false;
    this.#means.splice(place, 1);
    return true;
  }
}
