import { expect, test } from 'vitest';
import { LeaseHeldError } from '../../../../lambdas/model/errors.ts';
import { findingKey } from '../../../../lambdas/model/finding.ts';
import type { Job } from '../../../../lambdas/model/job.ts';
import { Killed } from '../support/lifeline.ts';
import {
  accountSettingsOf,
  findingOf,
  jobOf,
  RemediatorInMemory,
  settingsOf,
} from '../support/remediator-in-memory.ts';

/** A delivery of the job's own message, or of one of a repeated poll, after a time in milliseconds. */
interface Delivery {
  readonly run: 'own' | 'repeated';
  readonly number: number;
  readonly after: number;
}

/** Time after which the message of a killed function is delivered again. */
const LATER = 1_860_000;
const SOON = 1_000;
const own = (number: number, after = LATER): Delivery => ({ run: 'own', number, after });
const repeated = (number: number, after = LATER): Delivery => ({ run: 'repeated', number, after });

/** The ways in which a job comes back after its first attempt was killed. */
const WAYS: readonly (readonly [string, readonly Delivery[]])[] = [
  ['delivered again', [own(2)]],
  ['redriven', [own(1)]],
  ['redriven while its lease is held', [own(1, SOON), own(2)]],
  ['sent by a repeated poll while its lease is held, and then delivered again', [repeated(1, SOON), own(2)]],
  ['sent by a repeated poll, and then redriven', [repeated(1), repeated(2), own(1)]],
];

/** The ways in which a function ends: before or after a call of a port, while others of that moment have an effect. */
const ENDS = ['publish', 'endLease', 'writeOutcomes', 'writeDone', 'writeChanged', 'writeJournal'].flatMap(
  (port) => ['before', 'after'].flatMap((when) => [0, 1, 2, 3].map((further) => ({ port, when, further }))),
);
type End = (typeof ENDS)[number];

/** Ends the function of the next attempt. */
function killAt(remediator: RemediatorInMemory, { port, when, further }: End): void {
  let left = further;
  let isKilled = false;
  remediator.fault = (called) => {
    if (isKilled) {
      left -= 1;
      return left < 0 ? new Killed('the function was ended') : undefined;
    }
    isKilled = called === port;
    return isKilled && when === 'before' ? new Killed('the function was ended') : undefined;
  };
}

/** Delivers a job. @returns whether it is done */
async function deliver(remediator: RemediatorInMemory, job: Job, number: number): Promise<boolean> {
  try {
    const { unfinished, failures } = await remediator.attempt(job, { number });
    return unfinished.length === 0 && failures.length === 0;
  } catch (error) {
    expect(error).toBeInstanceOf(LeaseHeldError);
    return false;
  }
}

test.each(
  WAYS.flatMap(([name, way]) =>
    (['enforce', 'dry_run'] as const).map((mode) => ({ name, way, mode }) as const),
  ),
)(
  'wherever a function is killed, a job that is $name has one outcome, and its event is sent ($mode)',
  async ({ way, mode }) => {
    const job: Job = { ...jobOf('deploy'), run: 'own' };
    const earlier: Job = { ...job, poll: { ...job.poll, asOf: '2026-06-30T10:00:00Z' } };
    const all = { allRules: accountSettingsOf({ events: 'all' }) };
    const begin = async (kill: (remediator: RemediatorInMemory) => Promise<boolean>): Promise<boolean> => {
      const remediator = new RemediatorInMemory({ deploy: ['old'] });
      remediator.settings = settingsOf({ mode: 'dry_run', ...all });
      await remediator.attempt(earlier);
      remediator.settings = settingsOf({ mode, ...all });
      remediator.published.length = 0;

      const isOver = await kill(remediator);
      remediator.fault = () => undefined;
      const done = new Set<Delivery['run']>();
      for (const { run, number, after } of [...way, own(3)]) {
        remediator.now += after;
        if (!done.has(run) && (await deliver(remediator, { ...job, run }, number))) done.add(run);
      }
      await remediator.workOffLater();

      const outcome = remediator.outcome('deploy');
      const lines = [...remediator.objects.values()].flat().filter(({ poll }) => poll.asOf === job.poll.asOf);
      expect(lines).toEqual([outcome]);
      expect(remediator.published).toContainEqual(outcome);
      expect(remediator.account.changed).toEqual(mode === 'enforce' ? ['deploy/old'] : []);
      const known = remediator.table.findings.get(findingKey(findingOf('deploy')));
      expect(known?.outcome).toBe(outcome?.outcome);
      return isOver;
    };

    for (const end of ENDS) {
      await begin(async (remediator) => {
        killAt(remediator, end);
        await remediator.attempt(job).catch(() => undefined);
        return false;
      });
    }
    let steps = 0;
    let isOver = false;
    while (!isOver) {
      steps += 1;
      isOver = await begin(async (remediator) => {
        const result = await remediator.attempt(job, { steps }).catch(() => undefined);
        return result !== undefined && result.failures.length === 0 && result.unfinished.length === 0;
      });
    }
    expect(steps).toBeGreaterThan(20);
  },
);
