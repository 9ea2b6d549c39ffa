import pLimit from 'p-limit';
import { z } from 'zod';
import { failingRulesSchema } from '../../../lambdas/model/failing-rules.ts';
import { comparableRuleName } from '../../../lambdas/model/rule-name.ts';
import { type CommandResult, type Given, parseGiven } from '../../command.ts';
import type { Context } from '../../context.ts';
import { type Opened, open } from '../../deployed/index.ts';
import { settingsOf } from '../../deployed/settings.ts';
import { callCollector, polledNames } from '../../polls/start.ts';
import { printCoverage } from './print.ts';
import type { Coverage, CoveredRule, NextRule } from './result.ts';
import { namesOf, whatServes } from './serves.ts';

export { coverageSchema as result } from './result.ts';

const RULES_AT_ONCE = 8;

const givenSchema = z.object({ missing: z.boolean().default(false) });

/** Lists the rules that fail in the tenant, and what remediates each. */
export async function run(context: Context, given: Given): Promise<CommandResult> {
  const { missing } = parseGiven(givenSchema, given);
  const { screen } = context;
  const value = await screen.progress('querying Netskope for all failed findings', async () => {
    const opened = await open(context);
    const [answer, polled] = await Promise.all([
      callCollector(context.clients, opened.deployment, { list: 'failing_rules' }, failingRulesSchema),
      polledRules(context, opened),
    ]);
    const rules = answer.failing_rules
      .flatMap(({ rules: of }) => of)
      .map((rule): CoveredRule => ({ ...rule, ...whatServes(rule.name, polled) }))
      .sort((one, other) => other.findings - one.findings || one.name.localeCompare(other.name));
    return withModes(opened, coverageOf(rules, context.now()));
  });
  const shown = missing ? { ...value, rules: value.rules.filter(({ is_enabled: is }) => !is) } : value;
  return { value: shown, text: printCoverage(shown, screen) };
}

function coverageOf(rules: readonly CoveredRule[], now: Date): Coverage {
  const sum = (of: readonly CoveredRule[]): number => of.reduce((total, { findings }) => total + findings, 0);
  return {
    at: now.toISOString(),
    findings: {
      all: sum(rules),
      enabled: sum(rules.filter(({ is_enabled: is }) => is)),
      not_enabled: sum(rules.filter(({ is_enabled: is, rule }) => !is && rule !== undefined)),
      none: sum(rules.filter(({ rule }) => rule === undefined)),
    },
    rules: [...rules],
    next: nextOf(rules),
  };
}

/** Adds up the findings of each rule that could be enabled. A rule can have several names in Netskope. */
function nextOf(rules: readonly CoveredRule[]): NextRule[] {
  const next = new Map<string, NextRule>();
  for (const { rule, served_by, findings, is_enabled } of rules) {
    if (rule === undefined || is_enabled || served_by === 'none' || served_by === 'custom') continue;
    const { findings: before = 0 } = next.get(rule) ?? {};
    next.set(rule, { rule, served_by, findings: before + findings });
  }
  return [...next.values()].sort((one, other) => other.findings - one.findings);
}

/** Reads the Netskope names for which each rule is polled. */
async function polledRules(
  { clients }: Context,
  { deployment }: Opened,
): Promise<ReadonlyMap<string, string>> {
  const names = await pLimit(RULES_AT_ONCE).map(deployment.rules, async (rule) =>
    [...namesOf(rule), ...(await polledNames(clients, deployment, rule))].map(
      (name) => [comparableRuleName(name), rule] as const,
    ),
  );
  return new Map(names.flat());
}

async function withModes({ settings: deployed }: Opened, coverage: Coverage): Promise<Coverage> {
  const enabled = coverage.rules.flatMap(({ rule, is_enabled: is }) =>
    is && rule !== undefined ? rule : [],
  );
  const settings = await settingsOf(deployed, [...new Set(enabled)]);
  const rules = coverage.rules.map((each) => {
    const mode = each.is_enabled ? settings.get(each.rule ?? '')?.mode : undefined;
    return { ...each, ...(mode !== undefined && { mode }) };
  });
  return { ...coverage, rules };
}
