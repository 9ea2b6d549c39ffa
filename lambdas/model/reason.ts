/** Number of characters of a reason that are compared: the words of an error and what is before it. */
const COMPARED = 300;

/**
 * Reduces a reason to the words that are the same at every poll. Words with digits differ between polls though nothing
 * has changed: times, counts, the ids of requests, sessions and executions. So do long ones: AWS encodes the context
 * of a denial.
 */
export function sortOf(reason: string): string {
  const words = reason.split(/\s+/).filter((word) => !/\d/.test(word) && word.length < 40);
  return words.join(' ').slice(0, COMPARED);
}
