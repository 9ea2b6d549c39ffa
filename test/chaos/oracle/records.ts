import { z } from 'zod';
import type { AclEntry, Block, RuleContent } from '../../lab/aws-model/state.ts';
import { blockText } from './bucket.ts';
import { clusterText } from './cluster.ts';
import { flowLogText } from './flow-log.ts';
import { Effects, type NetEffect } from './judgement.ts';
import { entryText } from './network-acl.ts';
import { ruleText } from './security-group.ts';
import { sharesOf, sharesText } from './snapshot.ts';
import { trailText } from './trail.ts';

/**
 * Reads the changes in a record, as docs/architecture.md documents them: by the fields that evidence contains, not by the
 * schemas of `lambdas/`.
 */
const ruleSchema = z.object({
  id: z.string(),
  protocol: z.string(),
  fromPort: z.number(),
  toPort: z.number(),
  source: z.string(),
  description: z.string(),
});

const pieceSchema = ruleSchema.omit({ id: true });

const entrySchema = z
  .object({
    ruleNumber: z.number(),
    action: z.enum(['allow', 'deny']),
    protocol: z.string(),
    cidr: z.string(),
    ports: z.object({ from: z.number(), to: z.number() }).nullable(),
    icmp: z.object({ type: z.number(), code: z.number() }).nullable(),
  })
  .transform(({ ruleNumber, ...entry }) => ({ ...entry, number: ruleNumber }));

const blockSchema = z
  .object({
    BlockPublicAcls: z.boolean(),
    IgnorePublicAcls: z.boolean(),
    BlockPublicPolicy: z.boolean(),
    RestrictPublicBuckets: z.boolean(),
  })
  .nullable();

const changeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('security-group-rules-authorize'), made: z.array(ruleSchema).default([]) }),
  z.object({
    kind: z.literal('security-group-rules-revoke'),
    rules: z.array(ruleSchema),
    revoked: z.array(ruleSchema).optional(),
  }),
  z.object({
    kind: z.literal('security-group-rule-shrink'),
    before: ruleSchema,
    after: pieceSchema,
    pieces: z.array(pieceSchema),
    made: z.array(ruleSchema).default([]),
    shrunk: ruleSchema.nullable().optional(),
  }),
  z.object({
    kind: z.literal('security-group-rule-widen'),
    before: ruleSchema.nullable(),
    widened: ruleSchema.optional(),
    revoked: z.array(ruleSchema).default([]),
  }),
  z.object({
    kind: z.literal('network-acl-entry-narrow'),
    before: entrySchema,
    after: entrySchema.nullable(),
    created: z.array(entrySchema),
    made: z.array(z.number()),
    closed: z.enum(['no', 'yes', 'unconfirmed']),
  }),
  z.object({
    kind: z.literal('network-acl-entry-restore'),
    open: entrySchema.nullable(),
    over: entrySchema.nullable(),
    remove: z.array(entrySchema),
  }),
  z.object({ kind: z.literal('s3-public-access-block-set'), before: blockSchema, after: blockSchema }),
  z.object({
    kind: z.literal('flow-log-create'),
    flowLogId: z.string().nullable(),
    destination: z
      .object({ arn: z.string().optional(), logGroup: z.string().optional() })
      .transform(({ arn, logGroup }) => arn ?? logGroup ?? 'nowhere'),
  }),
  z.object({
    kind: z.literal('iam-access-key-status-set'),
    key: z.string(),
    before: z.string(),
    after: z.string(),
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
    before: z.boolean().transform(clusterText),
    after: z.boolean().transform(clusterText),
  }),
  z.object({
    kind: z.literal('cloudtrail-log-file-validation-set'),
    resource: z.string(),
    before: z.boolean().transform(trailText),
    after: z.boolean().transform(trailText),
  }),
  z.object({
    kind: z.literal('automation-execution-start'),
    document: z.string(),
    executionId: z.string().optional(),
  }),
]);

const text = (rule: RuleContent): string => ruleText(rule);

/**
 * Reads the items (ids, numbers) and contents (of rules with an unknown id) that a record lists as possibly changed but
 * unconfirmed.
 */
export function unconfirmedItems(unconfirmed: readonly unknown[]): ReadonlySet<string> {
  const items = new Set<string>();
  for (const recorded of unconfirmed) {
    const change = changeSchema.parse(recorded);
    switch (change.kind) {
      case 'security-group-rules-revoke':
        for (const { id } of change.rules) items.add(id);
        break;
      case 'security-group-rule-shrink':
        items.add(change.before.id);
        for (const part of [change.after, ...change.pieces]) items.add(text({ ...part }));
        break;
      case 'network-acl-entry-narrow':
        for (const { number } of [change.before, ...change.created]) items.add(String(number));
        break;
      case 's3-public-access-block-set':
        items.add('block');
        break;
      case 'flow-log-create':
        items.add(change.flowLogId ?? flowLogText(change.destination));
        break;
      case 'iam-access-key-status-set':
        items.add(change.key);
        break;
      case 'rds-snapshot-shares-change':
      case 'redshift-cluster-public-access-set':
      case 'cloudtrail-log-file-validation-set':
        items.add(change.resource);
        break;
      case 'automation-execution-start':
        items.add(change.executionId ?? change.document);
        break;
      default:
        break;
    }
  }
  return items;
}

/** The texts of records, and the items that they list as unconfirmed. */
export interface Recorded {
  readonly net: NetEffect;
  readonly unconfirmed: ReadonlySet<string>;
}

/** Tells whether an item is as planned by a change; null if it should be gone. */
export type End = ((text: string) => boolean) | null;

/** Reads the planned contents of rules, entries, keys and settings, by id, number and `block`. */
export function endsOf(applied: readonly unknown[]): ReadonlyMap<string, End> {
  const ends = new Map<string, End>();
  const begins = (start: string | null): End => (start === null ? null : (each) => each.startsWith(start));
  for (const recorded of applied) {
    const change = changeSchema.parse(recorded);
    if (change.kind === 'security-group-rule-shrink') {
      ends.set(change.before.id, begins(text({ ...change.after, description: '' }).replace(/""$/, '')));
    } else if (change.kind === 'network-acl-entry-narrow') {
      ends.set(String(change.before.number), begins(textOf(change.after)));
    } else if (change.kind === 'security-group-rules-revoke') {
      for (const { id } of change.rules) ends.set(id, null);
    } else if (change.kind === 's3-public-access-block-set') {
      ends.set('block', begins(blockOf(change.after)));
    } else if (change.kind === 'iam-access-key-status-set') {
      ends.set(change.key, begins(change.after));
    } else if (change.kind === 'rds-snapshot-shares-change') {
      // RDS removes single shares: the shares of others are not part of the change.
      const taken = change.before.filter((share) => !change.after.includes(share));
      ends.set(change.resource, (each) => !taken.some((share) => sharesOf(each).includes(share)));
    } else if (
      change.kind === 'redshift-cluster-public-access-set' ||
      change.kind === 'cloudtrail-log-file-validation-set'
    ) {
      ends.set(change.resource, begins(change.after));
    }
  }
  return ends;
}

const textOf = (entry: AclEntry | null): string | null => (entry === null ? null : entryText(entry));

/** @throws z.ZodError if the form of a change is not documented */
export function recordedEffects(applied: readonly unknown[]): Recorded {
  const effects = new Effects();
  const unconfirmed = new Set<string>();
  for (const recorded of applied) {
    const change = changeSchema.parse(recorded);
    switch (change.kind) {
      case 'security-group-rules-authorize':
        for (const rule of change.made) effects.add(rule.id, null, text(rule));
        break;
      case 'security-group-rules-revoke':
        for (const rule of change.revoked ?? change.rules) effects.add(rule.id, text(rule), null);
        break;
      case 'security-group-rule-shrink': {
        const { before, made, shrunk } = change;
        for (const rule of made) effects.add(rule.id, null, text(rule));
        if (shrunk === undefined) break;
        // AWS modified the wide rule; or it was revoked, and another one replaced it.
        if (shrunk?.id === before.id) effects.add(before.id, text(before), text(shrunk));
        else {
          effects.add(before.id, text(before), null);
          if (shrunk !== null) effects.add(shrunk.id, null, text(shrunk));
        }
        break;
      }
      case 'security-group-rule-widen': {
        const { before, widened, revoked } = change;
        if (widened !== undefined) {
          const was = before?.id === widened.id ? text(before) : null;
          effects.add(widened.id, was, text(widened));
        }
        for (const rule of revoked) effects.add(rule.id, text(rule), null);
        break;
      }
      case 'network-acl-entry-narrow': {
        const { before, after, created, made, closed } = change;
        for (const entry of created) {
          if (made.includes(entry.number)) effects.add(String(entry.number), null, entryText(entry));
        }
        if (closed === 'yes') effects.add(String(before.number), entryText(before), textOf(after));
        if (closed === 'unconfirmed') unconfirmed.add(String(before.number));
        break;
      }
      case 'network-acl-entry-restore':
        for (const entry of change.remove) effects.add(String(entry.number), entryText(entry), null);
        if (change.open !== null) {
          effects.add(String(change.open.number), textOf(change.over), entryText(change.open));
        }
        break;
      case 's3-public-access-block-set':
        effects.add('block', blockOf(change.before), blockOf(change.after));
        break;
      case 'flow-log-create':
        if (change.flowLogId !== null) {
          effects.add(change.flowLogId, null, flowLogText(change.destination));
        }
        break;
      case 'iam-access-key-status-set':
        effects.add(change.key, change.before, change.after);
        break;
      case 'rds-snapshot-shares-change':
        effects.add(change.resource, sharesText(change.before), sharesText(change.after));
        break;
      case 'redshift-cluster-public-access-set':
      case 'cloudtrail-log-file-validation-set':
        effects.add(change.resource, change.before, change.after);
        break;
      case 'automation-execution-start':
        if (change.executionId !== undefined) effects.add(change.executionId, null, change.document);
        break;
    }
  }
  return { net: effects.net, unconfirmed };
}

function blockOf(block: Block | null): string | null {
  return blockText(block);
}
