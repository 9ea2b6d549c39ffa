import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Pace } from './pace.ts';

let pace: Pace;
let gone: string[];

beforeEach(() => {
  vi.useFakeTimers();
  pace = new Pace(100);
  gone = [];
});
afterEach(() => {
  vi.useRealTimers();
});

/** A waiting caller, whose name is recorded when it continues. */
function waiter(name: string): object {
  const who = { name };
  pace.turn(who).then(() => gone.push(name));
  return who;
}

test('each caller continues after the delay that is set when it arrives', async () => {
  waiter('first');
  pace.milliseconds = 10;
  waiter('second');

  await vi.advanceTimersByTimeAsync(99);
  expect(gone).toEqual(['second']);
  await vi.advanceTimersByTimeAsync(1);
  expect(gone).toEqual(['second', 'first']);
});

test('while held, neither waiting nor new callers continue until they are released', async () => {
  waiter('before');
  pace.hold();
  waiter('after');

  await vi.advanceTimersByTimeAsync(1_000_000);
  expect(gone).toEqual([]);
  pace.release();
  await vi.advanceTimersByTimeAsync(100);
  expect(gone).toEqual(['before', 'after']);
});

test('a woken caller continues at once, held or not, and one that waits for waking never by itself', async () => {
  pace.hold();
  const held = waiter('held');
  waiter('other');
  const endless = {};
  pace.wakeOnly(endless).then(() => gone.push('endless'));

  pace.wake(held);
  await vi.advanceTimersByTimeAsync(0);
  expect(gone).toEqual(['held']);
  pace.release();
  await vi.advanceTimersByTimeAsync(1_000_000);
  expect(gone).toEqual(['held', 'other']);
  pace.wake(endless);
  await vi.advanceTimersByTimeAsync(0);
  expect(gone).toEqual(['held', 'other', 'endless']);
});
