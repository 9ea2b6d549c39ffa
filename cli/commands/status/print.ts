import { resumeBreakerCommand } from '../../../lambdas/model/operator-commands.ts';
import { describeHold } from '../../deployed/holds.ts';
import { list } from '../../fold.ts';
import type { Screen } from '../../screen.ts';
import { table } from '../../table.ts';
import { shortDuration, shortTime } from '../../time.ts';
import type { RegionStatus, RuleStatus, Status } from './result.ts';

type Style = (text: string) => string;

/** Formats the status for people: rules, regions, and what prevents changes. */
export function printStatus(status: Status, { colors, width }: Screen, now: Date): string {
  const { name, account, home_region, module, rules, regions } = status;
  const sections = [
    `${colors.bold(name)} in account ${account}, home region ${home_region}, version ${module}`,
    table(
      ['RULE', 'MODE', 'LAST POLL', 'OLDEST', 'CHANGES/H', 'FINDINGS'].map(colors.bold),
      rules.map((rule) => rowOfRule(rule, status, now, colors.red)),
      width,
    ),
    table(
      ['REGION', 'PAUSE', 'JOBS', 'DELAYED', 'DEAD LETTERS'].map(colors.bold),
      regions.map((region) => rowOfRegion(region, colors.red)),
      width,
    ),
    ...list(colors.bold('PROBLEMS'), problemsOf(status), width),
    ...list(colors.bold('BREAKERS'), breakersOf(rules), width),
    ...list(colors.bold('HOLDS'), holdsOf(status), width),
    ...list(colors.bold('ALARMS'), alarmsOf(status), width),
  ];
  return sections.join('\n\n');
}

function rowOfRule(rule: RuleStatus, { alarms }: Status, now: Date, alert: Style): string[] {
  const { last_poll: poll, oldest, changes, breakers } = rule;
  const ago = (moment: string): string => shortDuration(now.getTime() - Date.parse(moment));
  const counts = Object.entries(rule.outcomes).map(([outcome, number]) => {
    const text = `${number} ${outcome}`;
    return outcome === 'failed' ? alert(text) : text;
  });
  const rest = [
    ...(rule.without_outcome > 0 ? [`${rule.without_outcome} without outcome yet`] : []),
    ...((poll?.unprocessable ?? 0) > 0 ? [alert(`${poll?.unprocessable} unprocessable`)] : []),
    ...(rule.held > 0 ? [`of which ${rule.held} held`] : []),
    ...(breakers.length > 0 ? [alert(`breaker open in ${breakers.length}`)] : []),
    ...rule.paused.map(({ region, accounts }) =>
      alert(`paused in ${region}${accounts === undefined ? '' : ` for ${accounts.join(' and ')}`}`),
    ),
    ...alarms.flatMap(({ name, region }) =>
      name.endsWith(`-${rule.rule}`) ? [alert(`alarm ${name} in ${region}`)] : [],
    ),
  ];
  return [
    rule.rule,
    rule.problem === undefined ? modesIn(rule.modes) : alert('settings unusable'),
    poll === undefined ? 'never' : `${ago(poll.as_of)} ago`,
    oldest === undefined ? '-' : ago(oldest.since),
    changes === undefined ? '-' : `${changes.counted} of ${changes.most}`,
    [...counts, ...rest].join(', ') || 'none',
  ];
}

function modesIn(modes: RuleStatus['modes']): string {
  const entries = Object.entries(modes);
  if (entries.length === 1) return entries[0]?.[0] ?? '';
  return entries.map(([mode, accounts]) => `${mode} ${accounts}`).join(', ');
}

function rowOfRegion(region: RegionStatus, alert: Style): string[] {
  const { pause = 'no parameter' } = region;
  const letters = (region.dead_letters ?? 0) + (region.delayed_dead_letters ?? 0);
  return [
    region.region,
    pause === 'none' ? pause : alert(pause),
    region.jobs === undefined ? alert('no queue') : String(region.jobs),
    String(region.jobs_delayed ?? '-'),
    letters > 0 ? alert(String(letters)) : '0',
  ];
}

function problemsOf({ rules, polls_dead_letters: letters = 0 }: Status): string[] {
  const ofRules = rules.flatMap(({ rule, problem }) => (problem === undefined ? [] : `${rule}: ${problem}`));
  const ofPolls =
    letters > 0 ? [`${letters} polls failed in all attempts: their events are in the dead-letter queue`] : [];
  return [...ofRules, ...ofPolls];
}

function breakersOf(rules: readonly RuleStatus[]): string[] {
  return rules.flatMap(({ rule, breakers }) =>
    breakers.map(
      ({ account, since, failed, changes, reasons }) =>
        `${rule} has only planned in ${account} since ${shortTime(since)}: ${failed} of ${changes} changes failed or were undone (${reasons.join('; ')}). To resume: ${resumeBreakerCommand(rule, account)}`,
    ),
  );
}

function holdsOf({ holds }: Status): string[] {
  return holds.map((hold) => {
    const end = hold.until === undefined ? '' : ` until ${hold.until}`;
    const why =
      hold.reason === undefined
        ? 'cannot be parsed, so nothing is changed there'
        : `${hold.reason} (${hold.by})`;
    return `${describeHold(hold)}${end}: ${why}`;
  });
}

/** One item per alarm: all regions in which it is active, and the first sentence of its description. */
function alarmsOf({ alarms }: Status): string[] {
  const byName = new Map<string, Status['alarms']>();
  for (const alarm of alarms) byName.set(alarm.name, [...(byName.get(alarm.name) ?? []), alarm]);
  const points = [...byName].map(([name, of]) => {
    const places = of.map(({ region, since }) =>
      since === undefined ? region : `${region} since ${shortTime(since)}`,
    );
    const [first = ''] = (of[0]?.says ?? '').split(/(?<=\.) /);
    return `${name} in ${places.join(', ')}: ${first}`;
  });
  return points.length === 0 ? [] : [...points, 'What to do about each: docs/operations.md, "Alarms"'];
}
