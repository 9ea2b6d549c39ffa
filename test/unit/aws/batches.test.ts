import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batches } from '../../../lambdas/aws/batches.ts';

test('batches contain all items in order, within both limits, and none has room for the next item', () => {
  const weights = fc.array(fc.nat({ max: 12 }));
  fc.assert(
    fc.property(
      weights,
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 10 }),
      (items, count, bytes) => {
        const result = batches(items, count, bytes, (weight) => weight);

        const heavy = (batch: readonly number[]) => batch.reduce((sum, weight) => sum + weight, 0);
        expect(result.flat()).toEqual(items);
        for (const [index, batch] of result.entries()) {
          expect(batch.length).toBeGreaterThan(0);
          expect(batch.length).toBeLessThanOrEqual(count);
          if (batch.length > 1) expect(heavy(batch)).toBeLessThanOrEqual(bytes);
          const [next] = result[index + 1] ?? [];
          if (next !== undefined) expect(batch.length === count || heavy(batch) + next > bytes).toBe(true);
        }
      },
    ),
  );
});
