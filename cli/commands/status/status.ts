import { z } from 'zod';
import { SettingsError } from '../../../lambdas/model/errors.ts';
import { ALL, type HoldName } from '../../../lambdas/model/operator-items.ts';
import { parsePause, stoppedBy } from '../../../lambdas/model/pause.ts';
import { ruleIds } from '../../../lambdas/rules/catalogue.ts';
import type { CommandResult, Given } from '../../command.ts';
import { parseGiven } from '../../command.ts';
import type { Context } from '../../context.ts';
import { alarmsIn } from '../../deployed/alarms.ts';
import { findHolds, type Hold, holdText } from '../../deployed/holds.ts';
import { type Opened, open } from '../../deployed/index.ts';
import { pauseIn } from '../../deployed/pauses.ts';
import { depthOf } from '../../deployed/queues.ts';
import { knownAccounts } from '../../findings/places.ts';
import { placeGiven, regionsOf, ruleGivenSchema, rulesOf } from '../../given.ts';
import { printStatus } from './print.ts';
import type { RegionStatus, RuleStatus, Status } from './result.ts';
import { type RuleAlone, readRule } from './rule.ts';

export { statusSchema as result } from './result.ts';

const givenSchema = z.object({ rule: ruleGivenSchema.optional(), ...placeGiven });

/** What is asked for; undefined: all. */
interface Asked {
  readonly rule: string | undefined;
  readonly account: string | undefined;
  readonly region: string | undefined;
}

/** Reads what each rule and each region is at. */
export async function run(context: Context, given: Given): Promise<CommandResult> {
  const { rule, account } = parseGiven(givenSchema, given);
  const asked: Asked = { rule, account, region: context.region };
  const value = await context.screen.progress('reading the deployment', async (say) => {
    const opened = await open(context);
    const { deployment } = opened;
    const regions = regionsOf(deployment, context.region);
    const rules = rulesOf(deployment, asked.rule);
    let done = 0;
    const alone = await Promise.all(
      rules.map(async (each) => {
        const of = await readRule(opened, each, asked, context.now());
        done += 1;
        say(`reading the deployment: ${done} of ${rules.length} rules`);
        return of;
      }),
    );
    const [surroundings, holds] = await Promise.all([
      statusBesideRules(context, opened, regions),
      holdsOn(context, opened, alone, asked),
    ]);
    return {
      ...surroundings,
      holds: holds.map(({ name, says }) => ({
        ...name,
        by: says?.by,
        reason: says?.reason,
        until: says?.until,
      })),
      rules: alone.map((rule) =>
        heldUp(
          rule,
          { holds, regions: surroundings.regions, known: [...ruleIds, ...deployment.rules] },
          asked,
        ),
      ),
    };
  });
  return { value, text: printStatus(value, context.screen, context.now()) };
}

/** Finds the holds on what is asked for, whoever wrote them. */
async function holdsOn(
  { now }: Context,
  opened: Opened,
  alone: readonly RuleAlone[],
  asked: Asked,
): Promise<Hold[]> {
  const { deployment, table } = opened;
  const accounts = asked.account === undefined ? await accountsOf(opened) : [asked.account];
  const places = {
    accounts: [...new Set([...accounts, ...alone.flatMap((rule) => rule.accounts)])],
    regions: deployment.regions,
    rules: alone.map(({ status: { rule } }) => rule),
    resources: alone.flatMap(({ holds }) => holds.flat()),
  };
  const holds = await findHolds(table, places, now());
  return holds.filter(({ name }) => isAsked(name, asked));
}

/** The accounts that are known; none beside those of polls where the settings of accounts can't be used. */
async function accountsOf(opened: Opened): Promise<string[]> {
  try {
    return await knownAccounts(opened);
  } catch (error) {
    if (error instanceof SettingsError) return [];
    throw error;
  }
}

function isAsked(name: HoldName, { rule, account, region }: Asked): boolean {
  return (
    (account === undefined || name.account === account) &&
    (region === undefined || [region, ALL].includes(name.region)) &&
    (rule === undefined || [rule, ALL].includes(name.rule))
  );
}

/** What stands against changes, of any rule. */
interface Standing {
  readonly holds: readonly Hold[];
  readonly regions: readonly RegionStatus[];
  /** Ids of all rules. */
  readonly known: readonly string[];
}

/** Adds what stands against changes of a rule now. */
function heldUp(
  { status, holds: names }: RuleAlone,
  { holds, regions, known }: Standing,
  { account }: Asked,
): RuleStatus {
  const held = new Set(holds.map(({ name }) => holdText(name)));
  const paused = regions.flatMap(({ region, pause }) => {
    const by = pausedBy(pause, { rule: status.rule, account, known });
    return by === undefined ? [] : [{ region, ...(by !== 'all' && { accounts: by }) }];
  });
  return {
    ...status,
    paused,
    held: names.filter((of) => of.some((name) => held.has(holdText(name)))).length,
  };
}

/** The accounts in which a pause stops a rule; undefined: in none. What nobody understands stops everything. */
function pausedBy(
  pause: string | undefined,
  { rule, account, known }: Pick<RuleStatus, 'rule'> & Pick<Asked, 'account'> & Pick<Standing, 'known'>,
): 'all' | string[] | undefined {
  if (pause === undefined) return 'all';
  try {
    const parsed = parsePause(pause, known);
    const everywhere = stoppedBy(parsed, 'remediate', { rule, account: account ?? '' });
    if (everywhere !== undefined) return 'all';
    return account === undefined && parsed.accounts.size > 0 ? [...parsed.accounts] : undefined;
  } catch (error) {
    if (error instanceof SettingsError) return 'all';
    throw error;
  }
}

/** Reads all that is not of one rule. */
async function statusBesideRules(
  { clients, now }: Context,
  { deployment }: Opened,
  regions: readonly string[],
): Promise<Omit<Status, 'rules' | 'holds'>> {
  const { name, account, home_region, module, queues } = deployment;
  const [ofRegions, alarms, letters] = await Promise.all([
    Promise.all(regions.map((region) => statusOfRegion(clients, deployment, region))),
    Promise.all(regions.map((region) => alarmsIn(clients, region, name))),
    depthOf(clients, home_region, queues.polls_dead_letters),
  ]);
  return {
    at: now().toISOString(),
    name,
    account,
    home_region,
    module,
    regions: ofRegions,
    polls_dead_letters: letters && letters.waiting + letters.working,
    alarms: alarms.flat().map(({ since, ...alarm }) => ({ ...alarm, ...(since !== undefined && { since }) })),
  };
}

async function statusOfRegion(
  clients: Context['clients'],
  deployment: Opened['deployment'],
  region: string,
): Promise<RegionStatus> {
  const { queues } = deployment;
  const depth = async (queue: string): Promise<number | undefined> => {
    const found = await depthOf(clients, region, queue);
    return found === undefined ? undefined : found.waiting + found.working;
  };
  const [pause, jobs, jobs_delayed, dead_letters, delayed_dead_letters] = await Promise.all([
    pauseIn(clients, deployment, region),
    depth(queues.jobs),
    depth(queues.jobs_delayed),
    depth(queues.jobs_dead_letters),
    depth(queues.jobs_delayed_dead_letters),
  ]);
  return { region, pause, jobs, jobs_delayed, dead_letters, delayed_dead_letters };
}
