import { ALL, type HoldName, type RetryName } from './operator-items.ts';

/** Builders of command lines, for texts that tell operators what to do. */

/** Returns the command that releases a hold. */
export function releaseCommand({ rule, ...place }: HoldName): string {
  return command('release', ...placeWords(place), ...(rule === ALL ? [] : ['--rule', rule]));
}

/** Returns the command that makes the next poll attempt findings again, regardless of earlier failures. */
export function retryCommand(place: RetryName): string {
  return command('retry', ...placeWords(place));
}

/** Returns the command that ends a pause in a region: all of it, or the part for a rule or an account. */
export function resumeCommand(
  region: string,
  { rule, account }: { readonly rule?: string; readonly account?: string } = {},
): string {
  const words = [
    ...(rule === undefined ? [] : [rule]),
    ...(account === undefined ? [] : ['--account', account]),
  ];
  return command('resume', ...words, '--region', region);
}

/** Returns the command that closes the breaker of a rule in an account. */
export function resumeBreakerCommand(rule: string, account: string): string {
  return command('resume', '--breaker', rule, '--account', account);
}

function placeWords({ account, region, resource }: RetryName): string[] {
  return [
    ...(resource === ALL ? [] : [resource]),
    '--account',
    account,
    ...(region === ALL ? [] : ['--region', region]),
  ];
}

function command(...words: readonly string[]): string {
  return ['cspm-remediation', ...words.map(quoted)].join(' ');
}

/** Quotes a word for the shell if necessary: ids come from findings, and people paste these commands. */
function quoted(word: string): string {
  return /^[\w./:@+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
