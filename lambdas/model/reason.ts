/** Number of characters of a reason that are compared: the beginning, which includes the main part of an error. */
const COMPARED = 300;

/**
 * Reduces a reason to the words that are the same at every poll, so that reasons can be compared. Words with digits may
 * differ even if nothing has changed: times, counts, and ids of requests, sessions and executions. Long words may
 * differ, too, because AWS encodes the context of a denial.
 */
export function sortOf(reason: string): string {
  const words = reason.split(/\s+/).filter((word) => !/\d/.test(word) && word.length < 40);
  return words.join(' ').slice(0, COMPARED);
}
