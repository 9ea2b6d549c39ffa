import { expect, test } from 'vitest';
import { table } from '../../../cli/table.ts';

const head = ['RULE', 'RESOURCE', 'WHY'];
const long = 'held by arn:aws:sts::111111111111:assumed-role/operators/ada until 2027-06-30';
const rows = [
  ['ssh', 'sg-1', long],
  ['rdp', 'sg-23', 'short'],
];

test('folds nothing without a terminal', () => {
  expect(table(head, rows, undefined)).toBe(
    ['RULE  RESOURCE  WHY', `ssh   sg-1      ${long}`, 'rdp   sg-23     short'].join('\n'),
  );
});

test('folds the last column to the remaining width', () => {
  expect(table(head, rows, 62)).toBe(
    [
      'RULE  RESOURCE  WHY',
      'ssh   sg-1      held by arn:aws:sts::111111111111:assumed-rol',
      '                e/operators/ada until 2027-06-30',
      'rdp   sg-23     short',
    ].join('\n'),
  );
});

test('prints the last column below its row, completely, if little width remains', () => {
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
