import { expect, test } from 'vitest';
import { proxiedCall } from '../aws-proxy/proxied-call.ts';
import { SettingsReads } from './settings-reads.ts';

const read = {
  service: 's3',
  operation: 'GetObject',
  parameters: { Bucket: 'cspm-auto-remediation-settings-111111111111-eu-central-1', Key: 'accounts.json' },
};

/** Waits for the settings at a time after the calls. @returns the wait in milliseconds */
async function waitedAfter(calls: readonly Parameters<typeof proxiedCall>[0][], at: number): Promise<number> {
  const reads = new SettingsReads();
  for (const call of calls) reads.note(proxiedCall(call));
  let now = at;
  await reads.forgotten({
    now: () => now,
    sleep: async (milliseconds) => {
      // A timer may be early.
      now += Math.ceil(milliseconds / 2);
    },
  });
  return now - at;
}

test.each([
  { what: 'the last read is 5 s ago', calls: [0, 10_000], at: 15_000, waits: 10_000 },
  { what: 'the last read is 16 s ago', calls: [0, 10_000], at: 26_000, waits: 0 },
  { what: 'nothing was read', calls: [], at: 1_000, waits: 0 },
])('if $what, it waits $waits ms', async ({ calls, at, waits }) => {
  const reads = calls.map((startedAt) => ({ ...read, startedAt: new Date(startedAt) }));

  expect(await waitedAfter(reads, at)).toBe(waits);
});

test.each([
  ['a write', { operation: 'PutObject' }],
  [
    'a read of another bucket',
    { parameters: { Bucket: 'cspm-auto-remediation-evidence-111111111111-eu-central-1' } },
  ],
  ['a read without a role', { principal: { account: '111111111111' } }],
])('%s does not count', async (_what, change) => {
  expect(await waitedAfter([{ ...read, startedAt: new Date(0), ...change }], 1_000)).toBe(0);
});
