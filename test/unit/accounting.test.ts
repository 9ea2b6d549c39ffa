import { expect, test } from 'vitest';
import { ruleIds } from '../../lambdas/rules/catalogue.ts';
import { accountLines } from '../chaos/accounting/account.ts';
import { RULE_KINDS } from '../chaos/accounting/findings.ts';
import { runAccounting } from '../chaos/accounting/run.ts';

/** `npm run test:chaos -- --findings` chooses a new seed and does more. */
const SEED = 8;
const FINDINGS = 250;

test('every rule with code is accounted for', () => {
  expect(Object.keys(RULE_KINDS).sort()).toEqual(ruleIds);
});

test('whatever fails, ends or comes twice: one outcome per finding and poll, and every change is in the record', async () => {
  const account = await runAccounting({ seed: SEED, findings: FINDINGS });

  const { problems, counts, transitions } = account;
  expect(problems, accountLines(account, SEED, 0).join('\n')).toEqual([]);
  expect(transitions).toBeGreaterThan(FINDINGS);
  expect(counts.get('functions that were killed')).toBeGreaterThan(0);
  expect(counts.get('double deliveries')).toBeGreaterThan(0);
  expect(counts.get('messages that were processed and not deleted')).toBeGreaterThan(0);
  expect(counts.get('instances whose clock is wrong')).toBeGreaterThan(0);
  expect(counts.get('polls that were killed or failed')).toBeGreaterThan(0);
  const faults = counts.entries.filter(([name]) => name.startsWith('faults: '));
  expect(faults.filter(([name]) => name.endsWith(', permanently')).length).toBeGreaterThan(10);
  expect(faults.filter(([name]) => name.endsWith(' in part')).length).toBeGreaterThan(0);
}, 120_000);

test('a seed determines the whole run', async () => {
  const counts = [];
  for (let runs = 0; runs < 2; runs += 1)
    counts.push((await runAccounting({ seed: SEED, findings: 20 })).counts);

  const [first, second] = counts.map(({ entries }) => entries);
  expect(first).toEqual(second);
  expect(first).toContainEqual(['functions that were killed', expect.any(Number)]);
}, 60_000);
