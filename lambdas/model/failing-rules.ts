import { z } from 'zod';
import { sourceSchema } from './job.ts';

/** A rule of a source for which resources in AWS fail, whether or not a rule here covers it. */
export const failingRuleSchema = z.object({
  /** The rule's name in the source. */
  name: z.string(),
  /** Number of failed findings, excluding muted ones. */
  findings: z.int().positive(),
  /** Number of accounts with such findings. */
  accounts: z.int().positive(),
  severity: z.string().optional(),
});
export type FailingRule = z.infer<typeof failingRuleSchema>;

/** The collector's answer to `{"list": "failing_rules"}`. */
export const failingRulesSchema = z.object({
  failing_rules: z.array(z.object({ source: sourceSchema, rules: z.array(failingRuleSchema) })),
});
export type FailingRules = z.infer<typeof failingRulesSchema>;
