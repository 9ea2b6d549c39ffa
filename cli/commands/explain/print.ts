import { ACCOUNTS_KEY, ruleSettingsKey } from '../../../lambdas/model/settings.ts';
import { amount, fold, list } from '../../fold.ts';
import type { Screen } from '../../screen.ts';
import { shortTime } from '../../time.ts';
import type { ExplainedFinding, Explanation } from './result.ts';

type Change = Explanation['changed_lately'][number];

/** The maximum number of sessions that are printed. */
const MOST_SESSIONS = 10;

/** Formats an explanation for people. */
export function printExplanation(explanation: Explanation, screen: Screen): string {
  const { findings, changed_lately: changed, resource } = explanation;
  const { colors, width } = screen;
  const recent = changed.map(
    (change) => `${changeWords(change)}, by ${change.rule} in ${change.account} ${change.region}`,
  );
  return [
    ...(findings.length === 0 ? [fold(`${resource}: there are no findings of this resource.`, width)] : []),
    ...findings.flatMap((finding) => sectionsOf(finding, screen)),
    ...list(colors.bold(`CHANGED RECENTLY: ${resource}`), findings.length === 0 ? recent : [], width),
    ...notUs(explanation, screen),
  ].join('\n\n');
}

function sectionsOf(finding: ExplainedFinding, { colors, width }: Screen): string[] {
  const { rule, account, region, resource, state, against, next_poll: next } = finding;
  const at = next.at === undefined ? '' : ` at ${shortTime(next.at)} UTC`;
  const schedule = next.schedule === undefined ? '' : ` (${next.schedule})`;
  return [
    colors.bold(`${rule} ${account} ${region} ${resource}`),
    ...list(colors.bold('STATE'), stateLines(state), width),
    ...list(colors.bold('NETSKOPE SAYS'), sourceLines(finding.source), width),
    ...list(colors.bold('SETTINGS'), settingsLines(finding), width),
    ...list(colors.bold('HISTORY, OLDEST FIRST'), historyLines(finding.history), width),
    ...list(
      colors.bold('WHAT PREVENTS A CHANGE'),
      against.map(
        ({ says, until, remedy }) =>
          `${says}${until === undefined ? '' : `; until ${until}`}${remedy === undefined ? '' : `. To end it: ${remedy}`}`,
      ),
      width,
    ),
    ...list(colors.bold(`NEXT POLL${at}${schedule}`), [next.does], width),
  ];
}

function stateLines({
  outcome,
  reason,
  since,
  first_seen,
  last_seen,
  attempts,
}: ExplainedFinding['state']): string[] {
  return [
    `${outcome} since ${shortTime(since)} UTC${reason === undefined ? '' : `: ${reason}`}`,
    `first seen ${shortTime(first_seen)}, last seen ${shortTime(last_seen)}, ${amount(attempts, 'attempt')}`,
  ];
}

function sourceLines(source: ExplainedFinding['source']): string[] {
  if (source === undefined) return [];
  const {
    sourceRuleName,
    severity,
    failingSince,
    lastScanTime,
    accountName,
    policies = [],
    profiles = [],
  } = source;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['rule', sourceRuleName],
    ['severity', severity],
    ['account', accountName],
    ['failing since', failingSince],
    ['last scan', lastScanTime],
    ['policies', policies.join(', ') || undefined],
    ['profiles', profiles.join(', ') || undefined],
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : `${name}: ${value}`));
}

function settingsLines({ rule, settings, settings_problem: problem }: ExplainedFinding): string[] {
  if (settings === undefined) return problem === undefined ? [] : [problem];
  const { mode, because, method, maintenance_window: window, limits, breaker, options, versions } = settings;
  const object = ruleSettingsKey(rule);
  const from = (name: string): string =>
    settings.defaults.includes(name) ? '(the default)' : `(from ${object})`;
  return [
    `mode ${mode}: ${because.join('; ')}`,
    `fixed by ${method === 'api' ? 'direct calls' : "AWS's runbook"} ${from('method')}`,
    `changes are allowed ${window === undefined ? 'at any time' : `only ${window}`} ${from('maintenance_window')}`,
    `at most ${limits.per_account_per_hour} changes per hour in an account, ${limits.per_rule_per_hour} in total ${from('limits')}`,
    `the breaker opens when ${breaker.failed_percent} % of at least ${breaker.changes} changes within an hour failed or were undone ${from('breaker')}`,
    `options ${JSON.stringify(options)} ${from('options')}`,
    `${object} (version ${versions.rule}) contains the rule's settings, merged with those of all rules by Terraform; ${ACCOUNTS_KEY} (version ${versions.accounts}) contains those of accounts`,
  ];
}

function historyLines(history: ExplainedFinding['history']): string[] {
  return history.flatMap(({ outcome, at, reason, session, changes, unconfirmed, evidence }) => [
    `${shortTime(at)} ${outcome}${reason === undefined ? '' : `: ${reason}`} (session ${session}; evidence ${evidence})`,
    ...changes.map((change) => `  changed: ${changeWords(change)}`),
    ...unconfirmed.map((line) => `  may have been made: ${line}`),
  ]);
}

function changeWords({
  line,
  at,
  request_ids: ids,
  found,
}: Omit<Change, 'account' | 'region' | 'rule'>): string {
  const requests = ids.length === 0 ? '' : `, requests ${ids.join(', ')}`;
  return `${line} at ${shortTime(at)}${requests}${found ? ', confirmed by a later read' : ''}`;
}

function notUs({ is_ours: isOurs, sessions, resource }: Explanation, { colors, width }: Screen): string[] {
  if (isOurs) return [];
  const { role, names, pattern } = sessions;
  const shown = names.slice(-MOST_SESSIONS);
  const search =
    shown.length === 0
      ? `Within the last three days, it had no session in the account. In CloudTrail, its sessions use the role ${role}, and are named ${pattern}`
      : `In CloudTrail, its recent calls in the account use the role ${role}, in these sessions (user names): ${shown.join(', ')}`;
  return list(
    colors.bold('NOT CHANGED BY THIS DEPLOYMENT'),
    [
      `There is no record that this deployment changed ${resource}.`,
      `${search}. Other calls were made by somebody else.`,
    ],
    width,
  );
}
