import { ALL, type HoldName, type RetryName } from './operator-items.ts';

/** Commands of the command line, for texts that tell operators what to do. */

/** The command that lifts a hold. */
export function releaseCommand({ rule, ...place }: HoldName): string {
  return command('release', ...placeWords(place), ...(rule === ALL ? [] : ['--rule', rule]));
}

/** The command that has findings attempted at the next poll, however often they have failed. */
export function retryCommand(place: RetryName): string {
  return command('retry', ...placeWords(place));
}

/** The command that ends a pause in a region: all of it, or that of a rule or an account. */
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

/** The command that closes the breaker of a rule in an account. */
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

/** A word as a shell takes it: ids come from findings, and people paste commands. */
function quoted(word: string): string {
  return /^[\w./:@+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
