import { describe, expect, test } from 'vitest';
import { SettingsError } from '../../../lambdas/model/errors.ts';
import { parsePause, stoppedBy } from '../../../lambdas/model/pause.ts';

const SSH = 'security-group-ssh-open';
const rules = ['s3-bucket-public', SSH];
const nothing = { all: false, undo: false, rules: new Set(), accounts: new Set() };

describe('the pause parameter', () => {
  test.each<[string, object]>([
    ['none', {}],
    [' none ', {}],
    ['all', { all: true }],
    ['all+undo', { all: true, undo: true }],
    [`s3-bucket-public, ${SSH}`, { rules: new Set(rules) }],
    [`all,${SSH}`, { all: true, rules: new Set([SSH]) }],
    ['account:111122223333', { accounts: new Set(['111122223333']) }],
    [`account:111122223333,${SSH}`, { accounts: new Set(['111122223333']), rules: new Set([SSH]) }],
  ])('%j', (value, stopped) => {
    expect(parsePause(value, rules)).toEqual({ ...nothing, ...stopped });
  });

  test('with all stops everything, whatever the rules are called', () => {
    expect(parsePause('all', ['all'])).toEqual({ ...nothing, all: true });
  });

  test.each([
    '',
    'All',
    'none,all',
    `${SSH},`,
    's3-bucket-publik',
    'CIS-1-2-0-1-4',
    'account:1111',
    'account: 111122223333',
    '111122223333',
  ])('%j is invalid, so nothing is changed', (value) => {
    const parse = () => parsePause(value, rules);

    expect(parse).toThrow(SettingsError);
    expect(parse).toThrow(`in pause "${value}"`);
  });
});

test.each<[string, string | undefined, string | undefined]>([
  ['none', undefined, undefined],
  ['all', 'all', undefined],
  ['all+undo', 'all', 'all'],
  [SSH, 'rule', undefined],
  ['s3-bucket-public', undefined, undefined],
  ['account:111122223333', 'account', undefined],
  ['account:444455556666', undefined, undefined],
  ['all+undo,account:111122223333', 'account', 'all'],
])('%j stops remediation by %s, and undos by %s', (value, remediation, undoing) => {
  const pause = parsePause(value, rules);
  const place = { rule: SSH, account: '111122223333' };

  expect(stoppedBy(pause, 'remediate', place)).toBe(remediation);
  expect(stoppedBy(pause, 'undo', place)).toBe(undoing);
});
