import { describe, expect, test } from 'vitest';
import type { NetworkAclEntry } from '../../../lambdas/changes/network-acl/entry.ts';
import { creating, deleting, isWithin, lets, replacing } from './network-acls.ts';

function entry(ruleNumber: number, change: Partial<NetworkAclEntry> = {}): NetworkAclEntry {
  const all = { protocol: '-1', cidr: '0.0.0.0/0', action: 'allow', ports: null, icmp: null } as const;
  return { ...all, ruleNumber, ...change };
}

const ssh = { source: '203.0.113.7', protocol: '6', port: 22 };

test.each([
  ['203.0.113.7', '203.0.113.0/24', true],
  ['203.0.114.7', '203.0.113.0/24', false],
  ['203.0.113.7', '0.0.0.0/0', true],
  ['2001:db8::1', '2001:db8::/32', true],
  ['2001:db8::1', '0.0.0.0/0', false],
  ['203.0.113.7', '::/0', false],
])('%s within %s: %s', (source, cidr, expected) => {
  expect(isWithin(source, cidr)).toBe(expected);
});

describe('a packet comes in', () => {
  test('by the first entry that matches it, by number and not by position', () => {
    const deny = entry(50, { action: 'deny', protocol: '6', ports: { from: 22, to: 22 } });
    const entries = [entry(100), deny];

    expect(lets(entries, ssh)).toBe(false);
    expect(lets(entries, { ...ssh, port: 443 })).toBe(true);
  });

  test('never if no entry matches it', () => {
    expect(lets([], ssh)).toBe(false);
    expect(lets([entry(100, { protocol: '17' })], ssh)).toBe(false);
  });

  test.each([
    ['its type and code', { type: 8, code: 0 }, true],
    ['all', { type: -1, code: -1 }, true],
    ['another type', { type: 3, code: -1 }, false],
    ['another code', { type: 8, code: 1 }, false],
  ])('by an entry for ICMP of %s: %s', (_what, icmp, expected) => {
    const ping = { source: '203.0.113.7', protocol: '1', port: -1 };

    expect(lets([entry(100, { protocol: '1', icmp })], ping)).toBe(expected);
  });
});

describe('a call', () => {
  const open = entry(100);
  const narrow = entry(100, { cidr: '203.0.113.0/24' });

  test('creates, replaces and deletes by number', () => {
    expect(creating(entry(90))([open])).toEqual([open, entry(90)]);
    expect(replacing(narrow)([open])).toEqual([narrow]);
    expect(deleting(100)([open, entry(110)])).toEqual([entry(110)]);
  });

  test.each([
    ['creates an existing entry', creating(narrow), 'NetworkAclEntryAlreadyExists'],
    ['replaces a missing entry', replacing(entry(90)), 'InvalidNetworkAclEntry.NotFound'],
    ['deletes a missing entry', deleting(90), 'InvalidNetworkAclEntry.NotFound'],
  ])("that %s is refused with EC2's error", (_what, step, code) => {
    expect(() => step([open])).toThrow(code);
  });
});
