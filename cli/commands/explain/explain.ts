import { z } from 'zod';
import { remediatorRegion } from '../../../lambdas/model/finding.ts';
import { type CommandResult, type Given, parseGiven } from '../../command.ts';
import type { Context } from '../../context.ts';
import { type Opened, open } from '../../deployed/index.ts';
import { findKnown, type Known } from '../../findings/find.ts';
import { subjectOf } from '../../findings/subject.ts';
import { placeGiven, ruleGivenSchema } from '../../given.ts';
import { changeOf } from './change.ts';
import { explainFinding } from './finding.ts';
import { printExplanation } from './print.ts';
import type { Explanation } from './result.ts';
import { sessionsOf } from './sessions.ts';

export { explanationSchema as result } from './result.ts';

const givenSchema = z.object({
  finding: z.string().trim().min(1),
  rule: ruleGivenSchema.optional(),
  ...placeGiven,
});

/** Explains everything that is known about a finding or a resource. */
export async function run(context: Context, given: Given): Promise<CommandResult> {
  const { finding: asked, ...hints } = parseGiven(givenSchema, given);
  const value = await context.screen.progress(`looking for ${asked}`, async (say) => {
    const opened = await open(context);
    const subject = subjectOf(asked, { ...hints, region: context.region }, opened.deployment.rules);
    const known = await findKnown(opened, subject);
    say('reading its history');
    const findings = await Promise.all(known.findings.map((item) => explainFinding(context, opened, item)));
    const changed = known.changed.flatMap(({ account, region, changes }) =>
      changes.map((change) => ({ account, region, rule: change.rule, job: change.job, ...changeOf(change) })),
    );
    const isOurs =
      changed.length > 0 || findings.some(({ history }) => history.some(({ changes }) => changes.length > 0));
    const explanation: Explanation = {
      asked,
      resource: subject.resource,
      findings,
      changed_lately: changed,
      is_ours: isOurs,
      sessions: await sessionsOf(
        opened,
        placesToSearch(opened, known, subject),
        subject.rules,
        context.now(),
      ),
    };
    return explanation;
  });
  return { value, text: printExplanation(value, context.screen) };
}

/**
 * The places whose polls may have had sessions in the resource's account. They are few enough to search for in CloudTrail.
 */
function placesToSearch(
  { deployment }: Opened,
  { findings, changed }: Known,
  { account, region }: { readonly account: string | undefined; readonly region: string | undefined },
) {
  const known = [...findings, ...changed].map((item) => ({ account: item.account, region: item.region }));
  const asked =
    account === undefined
      ? []
      : (region === undefined ? deployment.regions : [region]).map((each) => ({ account, region: each }));
  const places = (known.length > 0 ? known : asked).map((place) => ({
    ...place,
    region: remediatorRegion(place.region, deployment.home_region),
  }));
  return [...new Map(places.map((place) => [`${place.account} ${place.region}`, place])).values()];
}
