import { expect, test } from 'vitest';
import { EXEMPTION_TAG } from '../../../../lambdas/model/exemption-tag.ts';
import { exemptByTag } from '../../../../lambdas/remediator/gates/exempt-by-tag.ts';
import { gateContext } from '../support/gate-context.ts';
import { findingOf } from '../support/remediator-in-memory.ts';

test.each([
  [
    'migration until 2026-12-31',
    {
      outcome: 'exempt',
      details: {
        reason: expect.stringMatching(/^migration \(tag, until 2026-12-31\); .*remove the resource's tag/),
      },
    },
  ],
  ['please leave', { outcome: 'failed', details: { willRetry: true, gate: 'exemption' } }],
  ['migration until 2026-06-01', undefined],
  [undefined, undefined],
])('the tag "%s"', async (tag, expected) => {
  const tags = tag === undefined ? {} : { [EXEMPTION_TAG]: tag };
  const violation = { state: 'violation', seen: {}, tags, plan: [] } as const;

  const verdict = await exemptByTag(findingOf('deploy'), { ...gateContext(), violation });

  if (expected === undefined) expect(verdict).toBeUndefined();
  else expect(verdict).toMatchObject(expected);
});
