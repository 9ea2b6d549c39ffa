import { z } from 'zod';
import { ruleIds } from '../../../lambdas/rules/catalogue.ts';
import type { CommandResult, Given } from '../../command.ts';
import { parseGiven } from '../../command.ts';
import type { Context } from '../../context.ts';
import { alarmsIn } from '../../deployed/alarms.ts';
import { holdText } from '../../deployed/holds.ts';
import { type Opened, open } from '../../deployed/index.ts';
import { pauseIn } from '../../deployed/pauses.ts';
import { depthOf } from '../../deployed/queues.ts';
import { placeGiven, regionsOf, ruleGivenSchema, rulesOf } from '../../given.ts';
import { type Asked, accountsOf, heldUp, holdsOn } from './held-up.ts';
import { printStatus } from './print.ts';
import type { RegionStatus, Status } from './result.ts';
import { readRule } from './rule.ts';

export { statusSchema as result } from './result.ts';

const givenSchema = z.object({ rule: ruleGivenSchema.optional(), ...placeGiven });

/** Reads the status of each rule and region. */
export async function run(context: Context, given: Given): Promise<CommandResult> {
  const { rule, account } = parseGiven(givenSchema, given);
  const asked: Asked = { rule, account, region: context.region };
  const value = await context.screen.progress('reading the deployment', async (say) => {
    const opened = await open(context);
    const { deployment } = opened;
    const regions = regionsOf(deployment, context.region);
    const rules = rulesOf(deployment, asked.rule);
    let done = 0;
    const readAndSay = async (each: string) => {
      const of = await readRule(opened, each, asked, context.now());
      done += 1;
      say(`reading the deployment: ${done} of ${rules.length} rules`);
      return of;
    };
    const [besideRules, accounts, alone] = await Promise.all([
      statusBesideRules(context, opened, regions),
      accountsOf(opened, asked),
      Promise.all(rules.map(readAndSay)),
    ]);
    // A hold can name the resource that would be changed, which only the outcomes name.
    const holds = await holdsOn(context, opened, { alone, accounts }, asked);
    const standing = {
      held: new Set(holds.map(({ name }) => holdText(name))),
      regions: besideRules.regions,
      known: [...ruleIds, ...deployment.rules],
    };
    return {
      ...besideRules,
      holds: holds.map(({ name, says }) => ({
        ...name,
        by: says?.by,
        reason: says?.reason,
        until: says?.until,
      })),
      rules: alone.map((rule) => heldUp(rule, standing, asked)),
    };
  });
  return { value, text: printStatus(value, context.screen, context.now()) };
}

/** Reads everything that does not belong to a single rule. */
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
