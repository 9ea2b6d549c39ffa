import { z } from 'zod';
import type { Deployment } from '../lambdas/model/deployment.ts';
import { isOver } from '../lambdas/model/exemption-tag.ts';
import { accountIdSchema, regionSchema, ruleIdSchema } from '../lambdas/model/finding.ts';
import { findRuleId, ruleIds } from '../lambdas/rules/catalogue.ts';
import { CliError } from './errors.ts';

const NO_REASON = 'expected a reason of at most 1,000 characters';

/** A rule, by its id or legacy id, or a declared rule. */
export const ruleGivenSchema = z.string().transform((text, context) => {
  const id = findRuleId(text) ?? ruleIdSchema.safeParse(text).data;
  if (id !== undefined) return id;
  context.addIssue({ code: 'custom', message: unknownRule(text, ruleIds) });
  return z.NEVER;
});

/**
 * The selected rules: the named one, or all that are polled.
 * @throws CliError `usage` if there is no such rule
 */
export function rulesOf({ rules }: Pick<Deployment, 'rules'>, given: string | undefined): readonly string[] {
  if (given === undefined) return rules;
  const known = [...new Set([...ruleIds, ...rules])].sort();
  if (known.includes(given)) return [given];
  throw new CliError('usage', unknownRule(given, known));
}

function unknownRule(text: string, known: readonly string[]): string {
  return `unknown rule "${text.slice(0, 60)}": expected one of ${known.join(', ')}`;
}

/** An operator's reason. */
export const reasonSchema = z.string().trim().min(1, NO_REASON).max(1000, NO_REASON);

/** The last day of a hold. */
export const lastDaySchema = z.iso.date('expected the last day, such as 2027-06-30');

/** Checks that the last day of a hold is not over. @throws CliError `usage` */
export function expectNotOver(until: string | undefined, now: Date): void {
  if (until === undefined || !isOver(until, now)) return;
  throw new CliError('usage', `--until ${until} is in the past: expected today or a later date`);
}

/** The options that limit most commands. */
export const placeGiven = { account: accountIdSchema.optional() };

/**
 * The regions to show or act in: all of the deployment, or the selected one.
 * @throws CliError `usage` if the deployment does not protect it
 */
export function regionsOf({ regions, name }: Deployment, given: string | undefined): readonly string[] {
  if (given === undefined) return regions;
  const region = regionSchema.safeParse(given);
  if (region.success && regions.includes(region.data)) return [region.data];
  throw new CliError(
    'usage',
    `${name} does not protect the region ${given}: expected one of ${regions.join(', ')}`,
  );
}
