import { decideMode } from '../../lambdas/model/account-modes.ts';
import { awaitedScan } from '../../lambdas/model/awaiting-scan.ts';
import { counts, dueAt, isDue } from '../../lambdas/model/back-off.ts';
import { SettingsError } from '../../lambdas/model/errors.ts';
import { exemptionsOf } from '../../lambdas/model/exemptions.ts';
import type { Finding } from '../../lambdas/model/finding.ts';
import { remediatorRegion } from '../../lambdas/model/finding.ts';
import { limitsOf } from '../../lambdas/model/limits.ts';
import { describeWindow, isOpen } from '../../lambdas/model/maintenance-window.ts';
import {
  releaseCommand,
  resumeBreakerCommand,
  resumeCommand,
  retryCommand,
} from '../../lambdas/model/operator-commands.ts';
import {
  namesOfHolds,
  namesOfRetries,
  retryItemSchema,
  retryKey,
} from '../../lambdas/model/operator-items.ts';
import { parsePause, stoppedBy } from '../../lambdas/model/pause.ts';
import type { Settings } from '../../lambdas/model/settings.ts';
import { accountItemSchema, accountKey, type FindingItem } from '../../lambdas/model/table-items.ts';
import { ruleIds } from '../../lambdas/rules/catalogue.ts';
import type { Context } from '../context.ts';
import { openBreakers } from '../deployed/breakers.ts';
import { readHolds, sayHeld } from '../deployed/holds.ts';
import type { Opened } from '../deployed/index.ts';
import { changesCounted } from '../deployed/limits.ts';
import { pauseIn } from '../deployed/pauses.ts';
import type { FindingName } from './find.ts';

/** A reason why a finding is not changed now. */
export interface Obstacle {
  readonly gate: string;
  readonly says: string;
  readonly until?: string;
  /** The way to remove it. */
  readonly remedy?: string;
}

/** Input of the search for obstacles. */
export interface Situation {
  readonly context: Context;
  readonly opened: Opened;
  readonly settings: Settings;
  readonly finding: FindingName;
  readonly item: FindingItem | undefined;
  /** The finding as the source last reported it, if known. */
  readonly source: Finding | undefined;
  /** The resources that the last poll changed, or would have changed, for it: for example, a snapshot for its instance. */
  readonly changed: readonly string[];
}

type Look = (situation: Situation) => Promise<Obstacle[]> | Obstacle[];

/** Finds everything that prevents a change, in the order in which the remediators check it. */
export async function obstaclesOf(situation: Situation): Promise<Obstacle[]> {
  const looks: readonly Look[] = [
    mode,
    exempt,
    held,
    backOff,
    awaiting,
    roleMissing,
    paused,
    outside,
    breaker,
    limit,
  ];
  return (await Promise.all(looks.map((look) => look(situation)))).flat();
}

/** Gates that stop a finding before the resource is read; the others allow reading and planning. */
export const BEFORE_READING: readonly string[] = ['off', 'exempt', 'back_off', 'awaiting_scan', 'role'];

const mode: Look = ({ settings, finding: { account }, context }) => {
  const decided = decideMode(settings, account, context.now());
  const because = decided.because.join('; ');
  if (decided.mode === 'enforce') return [];
  const is = decided.mode === 'off' ? 'off' : 'in dry run';
  return [{ gate: decided.mode, says: `the rule is ${is} for account ${account}: ${because}` }];
};

const exempt: Look = ({ settings, finding, context }) => {
  const { reason } = exemptionsOf(finding, settings, context.now());
  return reason === undefined ? [] : [{ gate: 'exempt', says: `exempt by the settings: ${reason}` }];
};

const held: Look = async ({ opened, finding, changed, context }) => {
  const names = namesOfHolds(finding, [finding.resource, ...changed]);
  const holds = await readHolds(opened.table, names, context.now());
  return holds.map(({ name, says }) => ({
    gate: 'hold',
    says:
      says === undefined
        ? `${sayHeld(name)} by an item that cannot be parsed`
        : `${sayHeld(name)} by ${says.by}: ${says.reason}`,
    ...(says?.until !== undefined && { until: says.until }),
    remedy: releaseCommand(name),
  }));
};

const backOff: Look = async (situation) => {
  const { item, settings, context } = situation;
  const failed = item?.backOff;
  if (failed === undefined || !counts(failed, settings.versions)) return [];
  if (isDue(failed, context.now().getTime(), settings.poll_minutes)) return [];
  if (await isRetried(situation, Date.parse(failed.last))) return [];
  const until = new Date(dueAt(failed)).toISOString();
  const times = failed.failures === 1 ? 'once' : `${failed.failures} times in a row`;
  return [
    {
      gate: 'back_off',
      says: `it has failed ${times}, most recently at ${failed.last}`,
      until,
      remedy: retryCommand(situation.finding),
    },
  ];
};

const awaiting: Look = async (situation) => {
  const { item, source, context } = situation;
  const awaited = source === undefined ? undefined : awaitedScan(source, item);
  if (awaited === undefined || context.now().getTime() >= awaited.until) return [];
  if (await isRetried(situation, awaited.fixedAt)) return [];
  const fixed = new Date(awaited.fixedAt).toISOString();
  return [
    {
      gate: 'awaiting_scan',
      says: `it was fixed at ${fixed}, and has not been scanned since`,
      until: new Date(awaited.until).toISOString(),
      remedy: retryCommand(situation.finding),
    },
  ];
};

/** Reports whether an operator has requested a retry of the finding since the given time. */
async function isRetried({ opened, finding, context }: Situation, since: number): Promise<boolean> {
  const items = await opened.table.read(retryItemSchema, namesOfRetries(finding).map(retryKey));
  return items.some(({ at }) => Date.parse(at) >= since && Date.parse(at) <= context.now().getTime());
}

const roleMissing: Look = async ({ opened, finding: { account } }) => {
  const [item] = await opened.table.read(accountItemSchema, [accountKey(account)]);
  if (item === undefined) return [];
  return [
    {
      gate: 'role',
      says: `the target role in account ${account} has not been assumable since ${item.since}`,
      remedy: 'deploy modules/target in that account; the next poll tries to assume it again',
    },
  ];
};

const paused: Look = async ({ context, opened, settings, finding }) => {
  const { deployment } = opened;
  const region = remediatorRegion(finding.region, deployment.home_region);
  const value = await pauseIn(context.clients, deployment, region);
  const remedy = resumeCommand(region);
  if (value === undefined) return [{ gate: 'settings', says: `the pause parameter in ${region} is missing` }];
  try {
    const known = [...ruleIds, ...(settings.allRules.declared_rules ?? [])];
    const by = stoppedBy(parsePause(value, known), 'remediate', finding);
    return by === undefined ? [] : [{ gate: 'pause', says: `paused in ${region} (${value})`, remedy }];
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return [{ gate: 'settings', says: error.message, remedy }];
  }
};

const outside: Look = ({ settings: { maintenance_window: window }, context }) => {
  if (window === undefined || isOpen(window, context.now())) return [];
  return [
    {
      gate: 'maintenance_window',
      says: `nothing is changed outside the maintenance window, ${describeWindow(window)}`,
    },
  ];
};

const breaker: Look = async ({ opened, settings, finding: { rule, account }, context }) => {
  const open = await openBreakers(opened.table, rule, [account], settings.breaker, context.now());
  return open.map(({ at, failed, changes, reasons }) => ({
    gate: 'breaker',
    says: `the rule has only planned in account ${account} since ${at}: ${failed} of ${changes} changes failed or were undone (${reasons.join('; ')})`,
    remedy: resumeBreakerCommand(rule, account),
  }));
};

const limit: Look = async ({ opened, settings, finding, context }) => {
  const limits = limitsOf({ account: finding.account, poll: finding }, settings.limits);
  const counted = await changesCounted(
    opened.table,
    limits.map(({ counter }) => counter),
    context.now(),
  );
  return limits
    .filter(({ counter, most }) => (counted.get(counter.scope) ?? 0) >= most)
    .map(({ name, counter, most }) => ({
      gate: 'limit',
      says: `${name} is ${most}, and ${counted.get(counter.scope)} changes already count toward it`,
      remedy: `wait, or raise limits.${name}`,
    }));
};
