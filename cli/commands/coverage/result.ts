import { z } from 'zod';
import { ruleIdSchema, timestampSchema } from '../../../lambdas/model/finding.ts';
import { modeSchema } from '../../../lambdas/model/mode.ts';

const count = z.int().nonnegative();

const coveredRuleSchema = z.object({
  name: z.string().meta({ description: "Netskope's name of the rule." }),
  findings: count.meta({ description: 'Failed findings in AWS, without muted ones.' }),
  accounts: count.meta({ description: 'Accounts with such findings.' }),
  severity: z.string().optional(),
  served_by: z.enum(['built_in', 'library', 'custom', 'none']),
  rule: ruleIdSchema.optional().meta({ description: 'The rule that remediates it.' }),
  is_enabled: z.boolean().meta({ description: 'Whether that rule is polled.' }),
  mode: modeSchema
    .optional()
    .meta({ description: 'The mode of that rule, unless an account or group overrides it.' }),
  reason: z.string().optional().meta({ description: 'Why nothing remediates it.' }),
});
export type CoveredRule = z.infer<typeof coveredRuleSchema>;

const nextRuleSchema = z.object({
  rule: ruleIdSchema,
  served_by: z.enum(['built_in', 'library']),
  findings: count,
});
export type NextRule = z.infer<typeof nextRuleSchema>;

export const coverageSchema = z.object({
  at: timestampSchema,
  findings: z.object({ all: count, enabled: count, not_enabled: count, none: count }).meta({
    description: 'Failed findings by what remediates their rules: an enabled rule, a disabled rule, or none.',
  }),
  rules: z.array(coveredRuleSchema).meta({ description: 'Most findings first.' }),
  next: z
    .array(nextRuleSchema)
    .meta({ description: 'Disabled rules that would remediate findings, most findings first.' }),
});
export type Coverage = z.infer<typeof coverageSchema>;
