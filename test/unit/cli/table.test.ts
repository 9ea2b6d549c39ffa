import { expect, test } from 'vitest';
import { table } from '../../../cli/table.ts';

const head = ['RULE', 'RESOURCE', 'WHY'];
const long = 'held by arn:aws:sts::111111111111:assumed-role/operators/ada until 2027-06-30';
const rows = [
  ['ssh', 'sg-1', long],
  ['rdp', 'sg-23', 'short'],
];

test('nothing is folded where there is no terminal', () => {
  expect(table(head, rows, undefined)).toBe(
    ['RULE  RESOURCE  WHY', `ssh   sg-1      ${long}`, 'rdp   sg-23     short'].join('\n'),
  );
});

test('the last column is folded into what the others leave', () => {
  expect(table(head, rows, 62)).toBe(
    [
      'RULE  RESOURCE  WHY',
      'ssh   sg-1      held by arn:aws:sts::111111111111:assumed-rol',
      '                e/operators/ada until 2027-06-30',
      'rdp   sg-23     short',
    ].join('\n'),
  );
});

test('where they leave little, it stands below its row, and nothing of it is lost', () => {
  expect(table(head, rows, 50)).toBe(
    [
      'RULE  RESOURCE',
      '    WHY',
      'ssh   sg-1',
      '    held by',
      '    arn:aws:sts::111111111111:assumed-role/operators/ada',
      '    until 2027-06-30',
      'rdp   sg-23',
      '    short',
    ].join('\n'),
  );
});
