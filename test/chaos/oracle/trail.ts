import type { AwsState } from '../../lab/aws-model/state.ts';
import type { Problem, Write } from './judgement.ts';
import { TextsOracle } from './texts.ts';

export const trailText = (isValidated: boolean): string => `validation ${isValidated ? 'on' : 'off'}`;

/**
 * Judges changes of trails. UpdateTrail only changes what it names.
 * https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_UpdateTrail.html
 */
export class TrailOracle extends TextsOracle {
  protected textsOf(resource: string, state: AwsState): ReadonlyMap<string, string> {
    const trail = state.trails[resource];
    return new Map(trail === undefined ? [] : [[resource, trailText(trail.isValidated)]]);
  }

  problemsOf(write: Write): Problem[] {
    return this.changedBy(write).flatMap(({ item, from, to }) =>
      from === trailText(false) && to === trailText(true)
        ? []
        : [`set ${item} to ${to ?? 'nothing'}, before ${from ?? 'nothing'}`],
    );
  }

  violates(resource: string, state: AwsState): boolean {
    return state.trails[resource]?.isValidated === false;
  }
}
