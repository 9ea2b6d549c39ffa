import { describe, expect, test } from 'vitest';
import { SentJobs } from '../../../lambdas/collector/sent-jobs.ts';
import { UnreadableItemError } from '../../../lambdas/model/errors.ts';
import { type Job, MAX_FINDINGS_PER_JOB, type Poll } from '../../../lambdas/model/job.ts';
import { doneKey, sentKey } from '../../../lambdas/model/table-items.ts';
import { ItemsInMemory } from '../support/items-in-memory.ts';
import { FakeClock } from './support/fake-clock.ts';
import { groupId } from './support/items.ts';

const RULE = 'security-group-ssh-open';
const HOUR = 3_600_000;
const place = { account: '111111111111', region: 'eu-central-1' };
const other = { account: '222222222222', region: 'eu-central-1' };

/** A deployment that polls every hour. */
class Polls {
  readonly table = new ItemsInMemory();
  readonly clock = new FakeClock();
  #polls: Poll[] = [];

  /** Runs a complete poll, which sends this many jobs to a place unless earlier ones are pending. */
  async poll(
    jobs: number,
    at = place,
  ): Promise<{ sentJobs: SentJobs; turn: ReturnType<SentJobs['turnOf']> }> {
    const sentJobs = this.start();
    await sentJobs.look([at]);
    const turn = sentJobs.turnOf(at);
    if (turn.is === 'next') for (let chunk = 0; chunk < jobs; chunk += 1) sentJobs.sent(this.job(at, chunk));
    await sentJobs.write();
    await this.clock.sleep(HOUR);
    return { sentJobs, turn };
  }

  /** Starts a poll as of now, or repeats the last one. */
  start(again = false, period: number | undefined = HOUR): SentJobs {
    const poll = { source: 'netskope' as const, rule: RULE, asOf: new Date(this.clock.now()).toISOString() };
    const last = this.#polls.at(-1);
    const chosen = again && last !== undefined ? last : poll;
    if (!again) this.#polls.push(poll);
    return new SentJobs({ table: this.table, clock: this.clock, poll: chosen, period });
  }

  /**
   * Marks jobs of a poll as done, by default of the last poll. A job may have several objects, and continue another
   * job.
   */
  async done(jobs: readonly { job: string; journal?: string; run?: string }[], poll = -1): Promise<void> {
    const name = { rule: RULE, ...place, poll: this.pollAt(poll) };
    const item = {
      ...doneKey(name),
      ...{ version: 1, expiresAt: 1, ...name },
      jobs: jobs.map((each) => ({ number: 1, ...each })),
    };
    await this.table.putIf({
      item,
      condition: { expression: 'attribute_not_exists(none)', names: {}, values: {} },
    });
  }

  pollAt(index: number): Poll {
    const poll = this.#polls.at(index);
    if (poll === undefined) throw new Error('there is no such poll');
    return poll;
  }

  job(at: typeof place, chunk: number): Job {
    const findings = [{ rule: RULE, ...at, resource: groupId(chunk) }];
    return { version: 1, poll: this.pollAt(-1), ...at, chunk, findings };
  }
}

const next = (startAfter = 0) => ({ is: 'next', startAfter });

describe('an account and region', () => {
  test('gets jobs if it had none before, or if its previous jobs are done', async () => {
    const polls = new Polls();

    const first = await polls.poll(2);
    await polls.done([{ job: 'a' }, { job: 'b', run: 'run' }]);
    const second = await polls.poll(2);

    expect([first.turn, second.turn]).toEqual([next(), next()]);
  });

  test('gets no jobs while one of its jobs is pending, and others get theirs', async () => {
    const polls = new Polls();
    await polls.poll(2);
    await polls.poll(1, other);
    // One job has written two objects, the second one by the job that continues it.
    await polls.done([{ job: 'a' }, { job: 'c', journal: 'a' }], 0);

    const again = await polls.poll(2);
    const ofOther = await polls.poll(1, { ...place, region: 'us-east-1' });

    expect(again.turn).toEqual({ is: 'pending' });
    expect(ofOther.turn).toEqual(next());
  });

  test('gets jobs again once the pending ones count as lost, beginning with the findings that those never reached', async () => {
    const polls = new Polls();
    await polls.poll(4);
    await polls.done([{ job: 'a' }, { job: 'b' }]);

    const turns = [];
    for (let poll = 0; poll < 6; poll += 1) turns.push((await polls.poll(4)).turn);

    expect(turns.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => ({ is: 'pending' })));
    expect(turns[5]).toEqual(next(2 * MAX_FINDINGS_PER_JOB));
  });

  test('waits for its jobs for four periods of the rule', async () => {
    const polls = new Polls();
    const daily = 24 * HOUR;
    const first = polls.start(false, daily);
    await first.look([place]);
    first.sent(polls.job(place, 0));
    await first.write();
    await polls.clock.sleep(3 * daily);

    const second = polls.start(false, daily);
    await second.look([place]);
    await polls.clock.sleep(daily);
    const third = polls.start(false, daily);
    await third.look([place]);

    expect([second.turnOf(place), third.turnOf(place)]).toEqual([{ is: 'pending' }, next(0)]);
  });

  test('gets the same jobs if a poll is repeated, also after a later poll, whose jobs stay recorded', async () => {
    const polls = new Polls();
    await polls.poll(2);
    const late = polls.start();
    await polls.clock.sleep(1_000);
    await polls.done([{ job: 'a' }, { job: 'b' }], 0);
    await polls.poll(2);

    const same = polls.start(true);
    await same.look([place]);
    await late.look([place]);
    await late.write();

    expect([same.turnOf(place), late.turnOf(place)]).toEqual([next(), next()]);
    expect(polls.table.items.find(({ pk }) => pk === sentKey({ rule: RULE, ...place }).pk)).toMatchObject({
      poll: polls.pollAt(-1),
    });
  });

  test('gets jobs at the next poll if a poll sent some and did not complete', async () => {
    const polls = new Polls();
    const failed = polls.start();
    await failed.look([place]);
    failed.sent(polls.job(place, 0));
    await polls.clock.sleep(HOUR);

    const { turn } = await polls.poll(1);

    expect(turn).toEqual(next());
  });
});

describe('a place that is behind', () => {
  test('is reported after twelve hours, even if jobs were counted as lost in between, until its jobs are done', async () => {
    const polls = new Polls();
    const { sentJobs: first } = await polls.poll(1);
    const lasting: (string | undefined)[] = [];
    for (let poll = 0; poll < 14; poll += 1) {
      const { sentJobs } = await polls.poll(1);
      lasting.push(sentJobs.lasting[0]?.since);
    }
    // The jobs of these two polls replaced the lost ones.
    await polls.done([{ job: 'a' }], 6);
    await polls.done([{ job: 'a' }], 12);
    const { sentJobs: last } = await polls.poll(1);

    expect(first.lasting).toEqual([]);
    expect(lasting.slice(0, 12)).toEqual(Array.from({ length: 12 }, () => undefined));
    expect(lasting.slice(12)).toEqual([polls.pollAt(1).asOf, polls.pollAt(1).asOf]);
    expect(last.lasting).toEqual([]);
  });

  test('is recorded once, not at each poll', async () => {
    const polls = new Polls();
    await polls.poll(1);
    await polls.poll(1);
    const { writes } = polls.table;

    await polls.poll(1);
    await polls.poll(1);

    expect(polls.table.writes).toBe(writes);
  });
});

test('an item of a newer version fails the poll', async () => {
  const polls = new Polls();
  await polls.table.putIf({
    item: { ...sentKey({ rule: RULE, ...place }), version: 2 },
    condition: { expression: 'attribute_not_exists(pk)', names: {}, values: {} },
  });

  await expect(polls.poll(1)).rejects.toThrow(UnreadableItemError);
});
