import { z } from 'zod';
import type { Block, RuleContent } from '../../lab/aws-model/state.ts';
import { blockText } from './bucket.ts';
import { Effects, type NetEffect } from './judgement.ts';
import { entryText } from './network-acl.ts';
import { ruleText } from './security-group.ts';

/**
 * What a record says that was changed, read as docs/architecture.md documents the changes: by the fields that evidence
 * keeps, not by the schemas of `lambdas/`.
 */
const ruleSchema = z.object({
  id: z.string(),
  protocol: z.string(),
  fromPort: z.number(),
  toPort: z.number(),
  source: z.string(),
  description: z.string(),
});

type Rule = z.infer<typeof ruleSchema>;

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
    made: z.array(ruleSchema).default([]),
    /** The rule in the wide one's place, perhaps a new one; null: someone else's; undefined: it was not shrunk. */
    shrunk: ruleSchema.nullish(),
  }),
  z.object({
    kind: z.literal('security-group-rule-widen'),
    before: ruleSchema.nullable(),
    widened: ruleSchema.optional(),
    revoked: z.array(ruleSchema).default([]),
  }),
  z.object({ kind: z.literal('network-acl-entry-create'), entry: entrySchema, made: z.boolean() }),
  z.object({
    kind: z.literal('network-acl-entry-delete'),
    entry: entrySchema,
    deleted: z.boolean().default(true),
  }),
  z.object({ kind: z.literal('network-acl-entry-replace'), before: entrySchema, after: entrySchema }),
  z.object({ kind: z.literal('s3-public-access-block-set'), before: blockSchema, after: blockSchema }),
]);

const text = (rule: RuleContent): string => ruleText(rule);

/** A rule was modified where its id stays; otherwise another stands in its place, or none of ours does. */
function became(effects: Effects, before: Rule | null, after: Rule | null): void {
  if (before !== null && after?.id === before.id) {
    effects.add(before.id, text(before), text(after));
    return;
  }
  // A narrow rule that an undo replaces is among those that it revoked.
  if (before !== null && after === null) effects.add(before.id, text(before), null);
  if (after !== null) effects.add(after.id, null, text(after));
}

/** @throws z.ZodError where a change is of no form that is documented */
export function recordedEffects(applied: readonly unknown[]): NetEffect {
  const effects = new Effects();
  for (const recorded of applied) {
    const change = changeSchema.parse(recorded);
    switch (change.kind) {
      case 'security-group-rules-authorize':
        for (const rule of change.made) effects.add(rule.id, null, text(rule));
        break;
      case 'security-group-rules-revoke':
        for (const rule of change.revoked ?? change.rules) effects.add(rule.id, text(rule), null);
        break;
      case 'security-group-rule-shrink':
        for (const rule of change.made) effects.add(rule.id, null, text(rule));
        if (change.shrunk !== undefined) {
          if (change.shrunk?.id !== change.before.id) became(effects, change.before, null);
          became(effects, change.shrunk?.id === change.before.id ? change.before : null, change.shrunk);
        }
        break;
      case 'security-group-rule-widen':
        for (const rule of change.revoked) effects.add(rule.id, text(rule), null);
        if (change.widened !== undefined) became(effects, change.before, change.widened);
        break;
      case 'network-acl-entry-create':
        if (change.made) effects.add(String(change.entry.number), null, entryText(change.entry));
        break;
      case 'network-acl-entry-delete':
        if (change.deleted) effects.add(String(change.entry.number), entryText(change.entry), null);
        break;
      case 'network-acl-entry-replace':
        effects.add(String(change.before.number), entryText(change.before), entryText(change.after));
        break;
      case 's3-public-access-block-set':
        effects.add('block', blockOf(change.before), blockOf(change.after));
        break;
    }
  }
  return effects.net;
}

function blockOf(block: Block | null): string | null {
  return blockText(block);
}
