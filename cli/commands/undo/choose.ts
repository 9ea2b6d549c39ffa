import { z } from 'zod';
import { remediatorRegion } from '../../../lambdas/model/finding.ts';
import type { Context } from '../../context.ts';
import type { Opened } from '../../deployed/index.ts';
import type { Line } from '../../deployed/outcomes.ts';
import { CliError } from '../../errors.ts';
import type { FindingName } from '../../findings/find.ts';
import { lenientSubjectOf } from '../../findings/subject.ts';
import { placeGiven, regionsOf, ruleGivenSchema, rulesOf } from '../../given.ts';
import { sinceSchema } from '../../time.ts';
import { changedAt, fixesOf, fixName, type UndoableFix } from '../../undo/fixes.ts';
import { linesOfJob, linesOfPollId, linesOfRulesSince, linesOfSubject, undoneOf } from '../../undo/select.ts';

/** The options that select fixes. */
export function chosenSchema(now: Date) {
  return z.object({
    resource: z.string().trim().min(1).optional(),
    poll: z.string().trim().min(1).optional(),
    job: z.string().trim().min(1).optional(),
    since: sinceSchema(now).optional(),
    rule: ruleGivenSchema.optional(),
    withNewer: z.boolean().default(false),
    ...placeGiven,
  });
}
export type Chosen = z.infer<ReturnType<typeof chosenSchema>>;

/** The selected fixes, newest first, and those that are left out because they were already undone. */
export interface ChosenFixes {
  readonly fixes: readonly UndoableFix[];
  readonly undoneBefore: readonly UndoableFix[];
}

/** Checks that fixes are selected in one way. @throws CliError `usage` */
export function expectOneWay({ resource, poll, job, since }: Chosen): void {
  const ways = [resource, poll, job, since].filter((way) => way !== undefined);
  if (ways.length === 1) return;
  throw new CliError('usage', 'expected one of: a resource, --poll, --job, or --since');
}

/**
 * Finds the selected fixes.
 * @throws CliError `usage` for a region that is not protected, `notFound` if there is no such poll or job
 */
export async function chooseFixes(context: Context, opened: Opened, chosen: Chosen): Promise<ChosenFixes> {
  const { resource } = chosen;
  const { region } = context;
  // `global` is a region of findings, not of AWS.
  if (region !== undefined && region !== 'global') regionsOf(opened.deployment, region);
  if (resource !== undefined) return ofResource(context, opened, resource, chosen);
  const place = { ...chosen, region, homeRegion: opened.deployment.home_region };
  const lines = (await linesBy(context, opened, chosen)).filter(({ outcome: { finding } }) =>
    isMeant(finding, place),
  );
  const undone = await undoneOf(opened, lines);
  const own = await fixesOf(lines, opened.deployment.home_region);
  const newer = chosen.withNewer ? await newerFixes(opened, own) : [];
  return parted([...own, ...newer], undone);
}

function isMeant(
  finding: Pick<FindingName, 'rule' | 'account' | 'region'>,
  {
    rule,
    account,
    region,
    homeRegion,
  }: Pick<Chosen, 'rule' | 'account'> & { readonly region: string | undefined; readonly homeRegion: string },
): boolean {
  const isInRegion = finding.region === region || remediatorRegion(finding.region, homeRegion) === region;
  return (
    (rule === undefined || finding.rule === rule) &&
    (account === undefined || finding.account === account) &&
    (region === undefined || isInRegion)
  );
}

async function linesBy(context: Context, opened: Opened, chosen: Chosen): Promise<Line[]> {
  const { poll, job, since, rule, account } = chosen;
  const { home_region: homeRegion } = opened.deployment;
  const filter = { account, region: context.region && remediatorRegion(context.region, homeRegion) };
  if (poll !== undefined) return linesOfPollId(opened, poll, filter);
  if (job !== undefined) return linesOfJob(opened, job);
  const rules = rulesOf(opened.deployment, rule);
  return linesOfRulesSince(opened, rules, { since: since ?? context.now(), now: context.now(), filter });
}

/** The newest fix of a resource that was not undone; with `withNewer`, all of them. */
async function ofResource(
  { region }: Context,
  opened: Opened,
  resource: string,
  { rule, account, withNewer }: Chosen,
): Promise<ChosenFixes> {
  const { deployment } = opened;
  const subject = lenientSubjectOf(resource, { rule, account, region }, deployment.rules);
  const { lines, undone } = await linesOfSubject(opened, subject);
  const all = parted(await fixesOf(lines, deployment.home_region), undone);
  if (withNewer || all.fixes.length === 0) return all;
  return { ...all, fixes: all.fixes.slice(0, 1) };
}

/** The fixes of the same resources that came later, by any rule. */
async function newerFixes(opened: Opened, fixes: readonly UndoableFix[]): Promise<UndoableFix[]> {
  const places = new Map(
    fixes.flatMap((fix) =>
      fix.resources.map(
        (resource) => [`${fix.account} ${fix.fix.region} ${resource}`, { fix, resource }] as const,
      ),
    ),
  );
  const found: UndoableFix[] = [];
  for (const { fix, resource } of places.values()) {
    const subject = lenientSubjectOf(
      resource,
      { account: fix.account, region: fix.fix.region },
      opened.deployment.rules,
    );
    const { lines, undone } = await linesOfSubject(opened, subject);
    const others = await fixesOf(lines, opened.deployment.home_region);
    found.push(...others.filter((other) => changedAt(other) > changedAt(fix) && !isUndone(other, undone)));
  }
  return found;
}

function parted(fixes: readonly UndoableFix[], undone: ReadonlySet<string>): ChosenFixes {
  const unique = [...new Map(fixes.map((fix) => [JSON.stringify(fix.fix), fix])).values()].sort(
    (one, other) => changedAt(other) - changedAt(one),
  );
  return {
    fixes: unique.filter((fix) => !isUndone(fix, undone)),
    undoneBefore: unique.filter((fix) => isUndone(fix, undone)),
  };
}

function isUndone({ evidence, outcome: { finding } }: UndoableFix, undone: ReadonlySet<string>): boolean {
  return undone.has(fixName(evidence, finding));
}
