import { amount, fold, list } from '../../fold.ts';
import type { Screen } from '../../screen.ts';
import { table } from '../../table.ts';
import { shortTime } from '../../time.ts';
import { changedAt, type UndoableFix, unconfirmedOf } from '../../undo/fixes.ts';
import type { Undone, UndoneFix } from './result.ts';

type Style = Pick<Screen, 'colors' | 'width'>;

/** Formats what would be restored, for people to confirm. */
export function planOf(
  fixes: readonly UndoableFix[],
  undoneBefore: readonly UndoableFix[],
  { force, until }: { readonly force: boolean; readonly until?: string | undefined },
  { colors, width }: Style,
): string {
  const end = until === undefined ? 'until they are released' : `until ${until}`;
  const resources = new Set(
    fixes.flatMap(({ account, resources: of }) => of.map((each) => `${account} ${each}`)),
  );
  return [
    ...fixes.map((fix) => planOfFix(fix, { colors, width })),
    fold(
      `${colors.bold('Undo:')} ${fixes.length} ${fixes.length === 1 ? 'fix' : 'fixes'}, newest first. Restored resources are held for all rules ${end}: ${amount(resources.size, 'resource')}.${force ? ' If someone has changed a resource since, the rest of the fix is undone.' : ''}${undoneBefore.length === 0 ? '' : ` Left out, because they were already undone: ${undoneBefore.length}.`}`,
      width,
    ),
  ].join('\n\n');
}

function planOfFix(fix: UndoableFix, { colors, width }: Style): string {
  const { rule, region, resource } = fix.fix;
  const note = (words: string): string => colors.yellow(fold(`! Note: ${words}`, width, 6, 8));
  const lines = fix.steps.flatMap(({ inverse, leaves }) => [
    ...(inverse === undefined ? [] : [fold(inverse.line, width, 6, 8)]),
    ...(leaves === undefined ? [] : [note(leaves)]),
  ]);
  const unconfirmed = unconfirmedOf(fix);
  const at = shortTime(changedAt(fix));
  return [
    fold(`# ${resource} in ${fix.account} ${region}: ${rule} fixed it at ${at} UTC`, width, 2, 4),
    ...(lines.length === 0
      ? [
          fold(
            '! Note: this version of the command line does not know this kind of change; the remediator decides',
            width,
            6,
            8,
          ),
        ]
      : lines),
    ...unconfirmed.map(note),
  ].join('\n');
}

/** Prints the result of an undo. */
export function printResult(
  { requests, fixes, held, held_before: before }: Undone,
  { colors, width }: Style,
): string {
  const rows = fixes.map(({ rule, account, region, resource, is, reason, changes }) => [
    rule,
    account,
    region,
    resource,
    is === 'undone' ? colors.green(is) : colors.red(is),
    reason ?? (is === 'undone' ? changes.join('\n') : ''),
  ]);
  const counts = new Map<string, number>();
  for (const { is } of fixes) counts.set(is, (counts.get(is) ?? 0) + 1);
  const words = [...counts].map(([is, number]) => `${number} ${is}`).join(', ');
  const others =
    before.length === 0
      ? ''
      : `; ${before.length} ${before.length === 1 ? 'was' : 'were'} held before, for at least as long`;
  return [
    table(['RULE', 'ACCOUNT', 'REGION', 'RESOURCE', 'RESULT', ''].map(colors.bold), rows, width),
    ...(fixes.some(({ is }) => !isAnswered.has(is)) ? standing(requests, held, width) : []),
    fold(
      `${words}. The command put ${amount(held.length, 'resource')} on hold${others}. To end a hold, use cspm-remediation release.`,
      width,
    ),
  ].join('\n\n');
}

/** Lists the requests and holds that remain if not every fix was undone. */
function standing(
  requests: Undone['requests'],
  held: readonly string[],
  width: number | undefined,
): readonly string[] {
  const words = requests.map(
    ({ id, account, region, problem = 'submitted' }) => `${id} for ${account} ${region}: ${problem}`,
  );
  return [...list('Requests:', words, width), ...list('On hold:', held, width)];
}

/** Results that come from a remediator. */
const isAnswered: ReadonlySet<UndoneFix['is']> = new Set(['undone', 'undo_refused', 'waiting']);
