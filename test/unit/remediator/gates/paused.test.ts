import { expect, test } from 'vitest';
import { firstVerdict } from '../../../../lambdas/remediator/gates/gate.ts';
import { paused } from '../../../../lambdas/remediator/gates/paused.ts';
import { gateContext } from '../support/gate-context.ts';
import { ACCOUNT, findingOf, RemediatorInMemory, RULE } from '../support/remediator-in-memory.ts';

/** A reason that ends with the command that resumes the rule. */
const resumed = (words: string) => expect.stringMatching(`: cspm-remediation resume ${words}$`);

test.each([
  ['none', undefined],
  ['s3-bucket-public', undefined],
  [RULE, { outcome: 'deferred', details: { reason: resumed(`${RULE} --region eu-central-1`) } }],
  ['all', { outcome: 'deferred', details: { reason: resumed('--region eu-central-1') } }],
  ['all+undo', { outcome: 'deferred' }],
  ['account:444455556666', undefined],
  [
    `account:${ACCOUNT}`,
    {
      outcome: 'deferred',
      details: { reason: resumed(`--account ${ACCOUNT} --region eu-central-1`) },
    },
  ],
  ['stop!', { outcome: 'failed', details: { reason: expect.stringContaining('in pause "stop!"') } }],
])('pause "%s"', async (pause, expected) => {
  const remediator = new RemediatorInMemory();
  remediator.pause = pause;

  const verdict = await firstVerdict([paused], findingOf('deploy'), gateContext({}, remediator));

  if (expected === undefined) expect(verdict).toBeUndefined();
  else expect(verdict).toMatchObject(expected);
});

test('a pause that cannot be read now leaves the finding to the next attempt', async () => {
  const remediator = new RemediatorInMemory();
  const error = new Error('throttled');
  remediator.fault = () => error;

  const verdict = await firstVerdict([paused], findingOf('deploy'), gateContext({}, remediator));

  expect(verdict).toMatchObject({ state: 'retry', error });
});
