import { describe, expect, test } from 'vitest';
import type { Job } from '../../../../lambdas/model/job.ts';
import { notRestored } from '../../../chaos/writes/restored.ts';
import { initialState, SUBJECTS, type Subject } from '../../../chaos/writes/subjects.ts';
import { sdkError } from '../../../lab/aws-model/session.ts';
import { ModelAccount } from '../support/model-account.ts';
import { settingsOf } from '../support/remediator-in-memory.ts';
import { UndoDesk } from '../support/undo-desk.ts';

const MINUTE = 60_000;
const WORDS = 'not authorized, with an explicit deny in a service control policy';

function refuse(account: ModelAccount, denied: string): void {
  account.beforeWrite = (operation) => {
    if (operation === denied) throw sdkError('UnauthorizedOperation', WORDS, 403, 'r');
  };
}

function accountOf({ rule, options = {}, ...subject }: Subject): ModelAccount {
  const account = new ModelAccount(rule, initialState({ rule, ...subject }));
  account.remediator.settings = settingsOf({ rule, options: { ...options } });
  return account;
}

function jobOf(account: ModelAccount, { rule, resource }: Subject): Job {
  const job = account.job(resource);
  const region = rule === 'iam-access-key-unrotated' ? 'global' : job.region;
  return { ...job, findings: job.findings.map((finding) => ({ ...finding, region })) };
}

/** Fixes the finding, with all follow-up jobs. */
async function fix(account: ModelAccount, subject: Subject): Promise<void> {
  const { remediator } = account;
  await remediator.attempt(jobOf(account, subject));
  for (let next = remediator.later.shift(); next !== undefined; next = remediator.later.shift()) {
    remediator.now += next.delaySeconds * 1_000;
    await remediator.attempt(next.job);
  }
  remediator.now += 20 * MINUTE;
}

/** Lists the operations that change something, each once. */
async function writesOf(subject: Subject, isUndone: boolean): Promise<ReadonlySet<string>> {
  const account = accountOf(subject);
  await fix(account, subject);
  if (!isUndone) return new Set(account.writes);
  account.writes.splice(0);
  const desk = new UndoDesk(account.remediator);
  await desk.undo(desk.fixesOf(subject.resource));
  return new Set(account.writes);
}

const byApi = SUBJECTS.filter(({ method, definition }) => method !== 'runbook' && definition === undefined);

describe.each(byApi)('if AWS denies one of the calls ($rule, $what)', (subject) => {
  test('of a fix, the finding fails at once with AWS’s message, and nothing is unconfirmed', async () => {
    for (const operation of await writesOf(subject, false)) {
      const account = accountOf(subject);
      refuse(account, operation);

      const { remediator } = account;
      await remediator.attempt(jobOf(account, subject));

      const reason = expect.stringContaining(WORDS);
      const outcomes = [...remediator.outcomes.values()];
      expect({ operation, outcomes }).toMatchObject({ operation, outcomes: [{ outcome: 'failed', reason }] });
      expect(outcomes[0]).not.toHaveProperty('unconfirmed');
      expect(remediator.later).toEqual([]);
    }
  });

  test('of an undo, the reason says so, nothing is unconfirmed, and another request completes it', async () => {
    for (const operation of await writesOf(subject, true)) {
      const account = accountOf(subject);
      await fix(account, subject);
      const desk = new UndoDesk(account.remediator);
      refuse(account, operation);
      const fixes = desk.fixesOf(subject.resource);

      const refused = await desk.undo(fixes);
      account.beforeWrite = () => {};
      account.remediator.now += 20 * MINUTE;
      const undone = await desk.undo(fixes);

      const reason = expect.stringContaining(WORDS);
      expect({ operation, refused }).toMatchObject({
        operation,
        refused: [{ outcome: 'undo_refused', reason }],
      });
      expect(refused[0]).not.toHaveProperty('unconfirmed');
      expect(undone).toMatchObject([{ outcome: 'undone' }]);
      expect(notRestored(initialState(subject), account.state)).toEqual([]);
    }
  });
});
