import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { limitPerSession } from '../../../lambdas/changes/limit-per-session.ts';
import { testSession } from '../../lab/accounts/session.ts';

const place = { endpoint: 'http://127.0.0.1:1', account: '111122223333', region: 'eu-central-1' };

test('limits the number of parallel calls per session, regardless of other sessions', async () => {
  const limitOf = limitPerSession(3);
  const inProgress = new Map<string, number>();
  const most = new Map<string, number>();
  const call = async (name: string): Promise<void> => {
    const now = (inProgress.get(name) ?? 0) + 1;
    inProgress.set(name, now);
    most.set(name, Math.max(most.get(name) ?? 0, now));
    await nextTurn();
    inProgress.set(name, (inProgress.get(name) ?? 0) - 1);
  };

  const sessions = ['one', 'other'].map((name) => ({ name, session: testSession(place) }));
  await Promise.all(
    sessions.flatMap(({ name, session }) =>
      Array.from({ length: 7 }, () => limitOf(session)(() => call(name))),
    ),
  );

  expect([...most]).toEqual([
    ['one', 3],
    ['other', 3],
  ]);
});
