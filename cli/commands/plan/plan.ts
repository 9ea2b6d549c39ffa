import { z } from 'zod';
import { modeFor } from '../../../lambdas/model/account-modes.ts';
import type { Settings } from '../../../lambdas/model/settings.ts';
import { type CommandResult, type Given, parseGiven } from '../../command.ts';
import type { Context } from '../../context.ts';
import { open } from '../../deployed/index.ts';
import type { Line } from '../../deployed/outcomes.ts';
import { settingsOf } from '../../deployed/settings.ts';
import { placeGiven, regionsOf, ruleGivenSchema, rulesOf } from '../../given.ts';
import { startPolls, watchPolls } from '../../polls/run.ts';
import { durationSchema } from '../../time.ts';
import { polledOf } from '../poll/polled.ts';
import { countsOf, printPlan } from './print.ts';
import type { Plan, Planned } from './result.ts';

export { planSchema as result } from './result.ts';

const givenSchema = z.object({
  rule: ruleGivenSchema.optional(),
  all: z.boolean().default(false),
  timeout: durationSchema,
  ...placeGiven,
});

/** Shows what enforcement would change. */
export async function run(context: Context, given: Given): Promise<CommandResult> {
  const { rule, account, all, timeout } = parseGiven(givenSchema, given);
  const opened = await open(context);
  const { deployment } = opened;
  const { region } = context;
  if (region !== undefined && region !== 'global') regionsOf(deployment, region);
  const rules = rulesOf(deployment, rule);
  const [settings, started] = await Promise.all([
    settingsOf(opened.settings, rules),
    startPolls(context, opened, rules, { onlyPlans: true }),
  ]);
  const polls = started.flatMap((each) => ('poll' in each ? each.poll : []));
  const watched = await watchPolls(context, opened, polls, Date.now() + timeout);
  const findings = watched
    .flatMap(({ lines }) => lines)
    .map((line) => plannedOf(line, settings, context.now()))
    .filter((each) => account === undefined || each.account === account)
    .filter((each) => region === undefined || each.region === region)
    .sort(byPlace);
  const value: Plan = {
    polls: started.map((each) => {
      const own = watched.find(({ poll }) => poll.rule === each.rule);
      return polledOf(each, own?.summary, own);
    }),
    findings,
    counts: countsOf(findings),
  };
  const isComplete = value.polls.every(
    ({ problem, without_outcome: missing = 0 }) => problem === undefined && missing === 0,
  );
  return {
    value,
    text: printPlan(value, context.screen, all),
    ...(!isComplete && { exit: 'refused' as const }),
  };
}

function plannedOf(
  { outcome: line, evidence }: Line,
  settings: ReadonlyMap<string, Settings>,
  now: Date,
): Planned {
  const { rule, account, accountName, region, resource } = line.finding;
  const own = settings.get(rule);
  return {
    rule,
    account,
    account_name: accountName,
    region,
    resource,
    outcome: line.outcome,
    reason: line.reason,
    mode_now: own && modeFor(own, account, now),
    changes: line.plan.map(({ line: words, ifLeftOpen }) =>
      ifLeftOpen === true ? `${words} (only if the runbook leaves it open)` : words,
    ),
    evidence,
  };
}

function byPlace(one: Planned, other: Planned): number {
  const key = ({ account, region, rule, resource }: Planned) => [account, region, rule, resource].join(' ');
  return key(one).localeCompare(key(other));
}
