import type { AwsState, Snapshot } from '../../lab/aws-model/state.ts';
import { EXEMPTION } from '../exemption.ts';
import type { Problem, Write } from './judgement.ts';
import { TextsOracle } from './texts.ts';

export const sharesText = (shares: readonly string[]): string => `[${[...shares].sort().join(' ')}]`;

/** Parses the text that `sharesText` made of shares. */
export const sharesOf = (text: string): string[] => text.slice(1, -1).split(' ');

/** Tells whether any AWS account may restore it, and none of its tags exempts it. */
function isOpen({ sharedWith, tags }: Snapshot): boolean {
  const [tag = ''] = Object.keys(EXEMPTION);
  return sharedWith.includes('all') && tags[tag] === undefined;
}

/** Judges changes of the manual snapshots of DB instances. */
export class SnapshotOracle extends TextsOracle {
  protected textsOf(resource: string, state: AwsState): ReadonlyMap<string, string> {
    const { snapshots = [] } = state.databases[resource] ?? {};
    return new Map(snapshots.map(({ id, sharedWith }) => [id, sharesText(sharedWith)]));
  }

  /** Each snapshot's shares are read by a separate call. */
  protected override shownTo(write: Write): string[] {
    return this.changedBy(write).map(({ item }) => item);
  }

  problemsOf(write: Write): Problem[] {
    const { resource, before, after } = write;
    return this.changedBy(write).flatMap(({ item }) => {
      const [from, to] = [before, after].map((state) =>
        state.databases[resource]?.snapshots.find(({ id }) => id === item),
      );
      if (from === undefined || to === undefined) return [`made or deleted snapshot ${item}`];
      const others = from.sharedWith.filter((share) => share !== 'all');
      return [
        ...(isOpen(from) ? [] : [`changed snapshot ${item}, which is not public, or is on purpose`]),
        ...(sharesText(to.sharedWith) === sharesText(others)
          ? []
          : [
              `shared snapshot ${item} with ${to.sharedWith.join(' ')}, before with ${from.sharedWith.join(' ')}`,
            ]),
      ];
    });
  }

  violates(resource: string, state: AwsState): boolean {
    return (state.databases[resource]?.snapshots ?? []).some(isOpen);
  }
}
