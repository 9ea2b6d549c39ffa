import { describe, expect, test } from 'vitest';
import { pagesAhead } from '../../../../lambdas/sources/netskope/pages-ahead.ts';

interface Asked {
  readonly skip: number;
  readonly signal: AbortSignal;
  answer(length: number): void;
  fail(): void;
}

interface Page {
  readonly items: readonly unknown[];
}

/** Pages of ten items. The test answers each request when it chooses to. */
function start(): { readonly asked: Asked[]; readonly pages: AsyncGenerator<{ page: Page; skip: number }> } {
  const asked: Asked[] = [];
  const ask = (skip: number, signal: AbortSignal): Promise<Page> => {
    return new Promise((resolve, reject) => {
      asked.push({
        skip,
        signal,
        answer: (length) => resolve({ items: Array.from({ length }) }),
        fail: () => reject(new Error('no answer')),
      });
    });
  };
  return { asked, pages: pagesAhead(ask, 10) };
}

/** Reads a page whose request is answered with this many items. @returns the offset of the page */
async function read({ asked, pages }: ReturnType<typeof start>, length: number): Promise<number | undefined> {
  const next = pages.next();
  await Promise.resolve();
  for (const each of asked) each.answer(length);
  return (await next).value?.skip;
}

const skips = (asked: readonly Asked[]): number[] => asked.map(({ skip }) => skip);

describe('pages that are requested ahead', () => {
  test('are one at first, then twice as many with each full page, up to six', async () => {
    const reading = start();

    expect(await read(reading, 10)).toBe(0);
    expect(skips(reading.asked)).toEqual([0, 10, 20]);
    expect(await read(reading, 10)).toBe(10);
    expect(skips(reading.asked)).toEqual([0, 10, 20, 30, 40, 50]);
    expect(await read(reading, 10)).toBe(20);
    expect(skips(reading.asked)).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80]);
  });

  test.each([
    ['short', 4],
    ['longer than requested', 12],
  ])('are dropped after a page that is %s, and pages are then requested one at a time', async (_, length) => {
    const reading = start();
    await read(reading, 10);
    reading.asked[2]?.answer(10);

    expect(await read(reading, length)).toBe(10);
    expect(skips(reading.asked)).toEqual([0, 10, 20, 10 + length]);
    expect(reading.asked.map(({ signal }) => signal.aborted)).toEqual([true, true, true, false]);
    // Later full pages change nothing, because this tenant returns other numbers than requested.
    expect(await read(reading, 10)).toBe(10 + length);
    expect(skips(reading.asked).slice(4)).toEqual([20 + length]);
    expect(await read(reading, 0)).toBe(20 + length);
    expect((await reading.pages.next()).done).toBe(true);
    expect(reading.asked).toHaveLength(5);
  });

  test('end at an empty page, and requests after it are dropped', async () => {
    const reading = start();
    await read(reading, 10);
    reading.asked[1]?.answer(0);

    expect((await reading.pages.next()).value).toMatchObject({ skip: 10, page: { items: [] } });
    expect((await reading.pages.next()).done).toBe(true);
    expect(reading.asked.map(({ signal }) => signal.aborted)).toEqual([true, true, true]);
  });

  test('are dropped when one of them fails, or nobody reads further', async () => {
    const failing = start();
    await read(failing, 10);
    failing.asked[2]?.fail();
    failing.asked[1]?.fail();
    const left = start();
    await read(left, 10);

    await expect(failing.pages.next()).rejects.toThrow('no answer');
    await left.pages.return(undefined);

    expect(failing.asked.every(({ signal }) => signal.aborted)).toBe(true);
    expect(left.asked.every(({ signal }) => signal.aborted)).toBe(true);
  });
});
