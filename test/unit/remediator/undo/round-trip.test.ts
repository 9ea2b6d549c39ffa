import { describe, expect, test } from 'vitest';
import type { Job } from '../../../../lambdas/model/job.ts';
import { notRestored } from '../../../chaos/writes/restored.ts';
import { initialState, SUBJECTS, type Subject } from '../../../chaos/writes/subjects.ts';
import { networkError, sdkError } from '../../../lab/aws-model/session.ts';
import { Killed } from '../support/lifeline.ts';
import { ModelAccount } from '../support/model-account.ts';
import { settingsOf } from '../support/remediator-in-memory.ts';
import { UndoDesk } from '../support/undo-desk.ts';

const MINUTE = 60_000;

class RoundTrip {
  readonly account: ModelAccount;
  readonly desk: UndoDesk;
  readonly #subject: Subject;

  constructor(subject: Subject) {
    const { rule, options = {}, method = 'api' } = subject;
    this.#subject = subject;
    this.account = new ModelAccount(rule, initialState(subject));
    this.account.remediator.settings = settingsOf({ rule, method, options: { ...options } });
    this.desk = new UndoDesk(this.account.remediator);
  }

  get #job(): Job {
    const { rule, resource } = this.#subject;
    const job = this.account.job(resource);
    const region = rule === 'iam-access-key-unrotated' ? 'global' : job.region;
    return { ...job, findings: job.findings.map((finding) => ({ ...finding, region })) };
  }

  /** Fixes the finding, with all follow-up jobs. */
  async fix(): Promise<void> {
    const { remediator } = this.account;
    await remediator.attempt(this.#job);
    for (let next = remediator.later.shift(); next !== undefined; next = remediator.later.shift()) {
      remediator.now += next.delaySeconds * 1000;
      await remediator.attempt(next.job);
    }
    remediator.now += 20 * MINUTE;
  }

  /** Lists what differs from the state before the fix. */
  get left(): string[] {
    return notRestored(initialState(this.#subject), this.account.state);
  }
}

const byApi = SUBJECTS.filter(({ method }) => method !== 'runbook');
const byRunbook = SUBJECTS.filter(({ method }) => method === 'runbook');

describe('undoing a fix', () => {
  const ofGroups = byApi.filter(({ rule }) => rule.startsWith('security-group-'));
  test.each(ofGroups)('$rule, $what: restores rules that AWS can’t modify', async (subject) => {
    const trip = new RoundTrip(subject);
    trip.account.beforeWrite = (operation) => {
      if (operation !== 'ModifySecurityGroupRules') return;
      throw sdkError('OperationNotPermitted', 'this rule cannot be modified', 400, 'r');
    };
    await trip.fix();
    const changed = trip.left;
    const [fixed] = trip.account.remediator.outcomes.values();

    const outcomes = await trip.desk.undo(trip.desk.fixesOf(subject.resource));

    expect(changed).not.toEqual([]);
    expect(fixed).toMatchObject({ outcome: 'remediated' });
    expect(fixed).not.toHaveProperty('unconfirmed');
    expect(outcomes).toMatchObject([{ outcome: 'undone' }]);
    expect(trip.left).toEqual([]);
  });

  test.each(byApi)('$rule, $what: restores the earlier state', async (subject) => {
    const trip = new RoundTrip(subject);
    await trip.fix();
    const changed = trip.left;

    const outcomes = await trip.desk.undo(trip.desk.fixesOf(subject.resource));

    expect(changed).not.toEqual([]);
    expect(outcomes.map(({ outcome, reason = '' }) => ({ outcome, reason }))).toEqual([
      { outcome: 'undone', reason: expect.stringMatching(/^$|are recreated under new ids|remains, with/) },
    ]);
    expect(trip.left).toEqual([]);
    expect(trip.account.remediator.published.at(-1)).toMatchObject({ outcome: 'undone' });
  });

  test.each(byApi)('$rule, $what: although the answer to one of its calls is lost', async (subject) => {
    for (let lost = 1, isOver = false; !isOver; lost += 1) {
      const trip = new RoundTrip(subject);
      await trip.fix();
      let writes = 0;
      trip.account.onWrite = () => {
        writes += 1;
        if (writes === lost) throw networkError();
      };
      const message = trip.desk.ask(trip.desk.fixesOf(subject.resource));
      for (const number of [1, 2, 3]) {
        await trip.desk.act(message, { number });
        trip.account.remediator.now += MINUTE / 2;
      }
      await trip.desk.finish();

      const { results, state } = trip.desk.result(message) ?? {};
      expect({ lost, state, left: trip.left }).toEqual({ lost, state: 'done', left: [] });
      expect(results).toMatchObject([{ is: 'undone' }]);
      isOver = writes < lost;
    }
  });

  test.each(byApi)(
    '$rule, $what: from the record of attempts that were interrupted anywhere',
    async (subject) => {
      // The first undo is interrupted after each of its steps in turn, until it completes.
      for (let steps = 1, isOver = false; !isOver; steps += 1) {
        const trip = new RoundTrip(subject);
        await trip.fix();
        const message = trip.desk.ask(trip.desk.fixesOf(subject.resource));
        isOver = await trip.desk.act(message, { steps }).then(
          () => true,
          (error: unknown) => {
            if (error instanceof Killed) return false;
            throw error;
          },
        );

        await trip.desk.act(message, { number: 2 });
        await trip.desk.finish();

        const { results, state } = trip.desk.result(message) ?? {};
        expect({ steps, state, left: trip.left }).toEqual({ steps, state: 'done', left: [] });
        expect(results).toMatchObject([{ is: 'undone' }]);
      }
    },
  );

  test.each(byRunbook)(
    '$rule, $what: what a document changed is reported, and not undone',
    async (subject) => {
      const trip = new RoundTrip(subject);
      await trip.fix();
      const writes = trip.account.writes.length;

      const outcomes = await trip.desk.undo(trip.desk.fixesOf(subject.resource));

      expect(outcomes.map(({ reason }) => reason)).toEqual([
        expect.stringMatching(/only the document knows its changes/),
      ]);
      if (outcomes[0]?.outcome === 'undo_refused') expect(trip.account.writes).toHaveLength(writes);
    },
  );
});
