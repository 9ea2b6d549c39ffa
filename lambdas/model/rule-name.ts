/** A source's name of a rule as it is compared: spaces and case don't tell two rules apart. */
export function comparableRuleName(name: string): string {
  return name.replaceAll(/\s/g, '').toLowerCase();
}
