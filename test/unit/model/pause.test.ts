import { describe, expect, test } from 'vitest';
import { SettingsError } from '../../../lambdas/model/errors.ts';
import { parsePause } from '../../../lambdas/model/pause.ts';

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
  ])('%j is not understood: so nothing is changed', (value) => {
    const parse = () => parsePause(value, rules);

    expect(parse).toThrow(SettingsError);
    expect(parse).toThrow(`pause is "${value}"`);
  });
});
