import { expect, test } from 'vitest';
import type { AppliedChange } from '../../../../lambdas/model/outcome.ts';
import { skipDisabled } from '../../../../lambdas/remediator/gates/off.ts';
import { gateContext } from '../support/gate-context.ts';
import { ACCOUNT, findingOf } from '../support/remediator-in-memory.ts';

const begun: AppliedChange[] = [
  { change: { kind: 'k', resource: 'deploy' }, line: '~', appliedAt: '2026-06-30T11:00:00Z', requestIds: [] },
];

test('a rule that is off does not process a finding, unless an earlier attempt changed something for it', async () => {
  const off = gateContext({ mode: 'off' });
  const on = gateContext({ mode: 'dry_run' });

  const untouched = await skipDisabled(findingOf('deploy'), off);
  off.journal.apply('deploy', begun);
  const changed = await skipDisabled(findingOf('deploy'), off);
  const enabled = await skipDisabled(findingOf('deploy'), on);

  expect(untouched).toMatchObject({
    state: 'concluded',
    outcome: 'not_applicable',
    details: { reason: expect.stringMatching(/ until its settings are changed: mode for rule .* is off$/) },
  });
  expect([changed, enabled]).toEqual([undefined, undefined]);
});

test.each([
  { what: 'the settings name other accounts', modes: { '999999999999': 'enforce' }, expected: 'failed' },
  {
    what: 'the settings name it, as off',
    modes: { '999999999999': 'enforce', [ACCOUNT]: 'off' },
    expected: undefined,
  },
  { what: 'the rule is off everywhere', modes: { '999999999999': 'off' }, expected: undefined },
] as const)('an unfinished change in an account, if $what: $expected', async ({ modes, expected }) => {
  const context = gateContext({ mode: 'off', mode_by_account: { ...modes } });
  context.journal.apply('deploy', begun);

  const verdict = await skipDisabled(findingOf('deploy'), context);

  expect(verdict && 'outcome' in verdict ? verdict.outcome : undefined).toBe(expected);
});
