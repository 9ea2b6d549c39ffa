import { expect, test } from 'vitest';
import { journalId } from '../../../../lambdas/model/job.ts';
import { inProgressElsewhere } from '../../../../lambdas/remediator/gates/in-progress-elsewhere.ts';
import { loadRule } from '../../../../lambdas/rules/index.ts';
import { gateContext } from '../support/gate-context.ts';
import { findingOf, RemediatorInMemory } from '../support/remediator-in-memory.ts';

test('an execution of another job stops a finding, for two hours', async () => {
  const { runbook } = await loadRule('redshift-cluster-public');
  const remediator = new RemediatorInMemory();
  const context = { ...gateContext({}, remediator), runbook };
  const { poll } = context.job;
  const place = { ...findingOf('deploy'), region: 'eu-central-1' };
  const since = new Date(remediator.now).toISOString();
  const verdictOf = async (job: string) => {
    remediator.inProgress.clear();
    await context.ports.evidence.writeInProgress(place, { version: 1, job, poll, since });
    return inProgressElsewhere(findingOf('deploy'), context);
  };

  const other = await verdictOf('other');
  const own = await verdictOf(journalId(context.job));
  remediator.now += 2 * 3_600_000 + 1;
  const old = await verdictOf('other');

  expect(other).toMatchObject({
    outcome: 'deferred',
    details: { reason: expect.stringMatching(/^in progress/) },
  });
  expect([own, old]).toEqual([undefined, undefined]);
});
