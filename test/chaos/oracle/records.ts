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
