/**
 * The number of cases that a property is tested with. `npm run test:full` sets MORE_CASES: so many times as many as usual.
 */
export function cases(usual: number): number {
  return usual * Number(process.env['MORE_CASES'] ?? 1);
}
