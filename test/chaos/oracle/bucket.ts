import { type AwsState, BLOCK_SETTINGS, type Block, type Bucket } from '../../lab/aws-model/state.ts';
import { Effects, type Problem, type ResourceOracle, type Write } from './judgement.ts';

/**
 * Tells whether a bucket is public, as S3's user guide says ("Blocking public access"): by its ACL unless ACLs are
 * ignored, or by its policy unless public buckets are restricted.
 */
function isPublic({ block, aclIsPublic, policyIsPublic }: Bucket): boolean {
  return (
    (aclIsPublic && block?.IgnorePublicAcls !== true) ||
    (policyIsPublic === true && block?.RestrictPublicBuckets !== true)
  );
}

export function blockText(block: Block | null): string | null {
  return block === null ? null : BLOCK_SETTINGS.map((setting) => `${setting}=${block[setting]}`).join(' ');
}

/** Judges changes of buckets. */
export class BucketOracle implements ResourceOracle {
  #effects = new Map<string, Effects>();
  /** The block before the product set it, by bucket. */
  readonly #ended = new Map<string, string | null>();

  problemsOf({ resource, before, after, job }: Write): Problem[] {
    const from = before.buckets[resource];
    const to = after.buckets[resource];
    if (from === undefined || to === undefined) return [`wrote to ${resource}, which is gone`];
    const problems: Problem[] = [];
    if (!isPublic(from)) problems.push(`changed ${resource}, which is not public`);
    for (const setting of BLOCK_SETTINGS) {
      const was = from.block?.[setting] === true;
      const is = to.block?.[setting] === true;
      if (was && !is) problems.push(`switched ${setting} of ${resource} off`);
      const isNamed =
        setting === 'IgnorePublicAcls' ||
        setting === 'RestrictPublicBuckets' ||
        job.options['block_all'] === true;
      if (!was && is && !isNamed)
        problems.push(`switched ${setting} of ${resource} on, which the plan does not name`);
    }
    return problems;
  }

  remember({ resource, before, after }: Write, seen: Write): { opensForNow: boolean } {
    const texts = [before, after].map((state) => blockText(state.buckets[resource]?.block ?? null));
    this.#effectsOn(resource).add('block', texts[0] ?? null, texts[1] ?? null);
    this.#ended.set(resource, texts[0] ?? null);
    // The read showed another state than the actual one, so the record cannot have it.
    if (seen.before !== before) this.#effectsOn(resource).touch('block');
    return { opensForNow: false };
  }

  showsEnded({ resource, before }: Write): boolean {
    return (
      this.#ended.has(resource) &&
      this.#ended.get(resource) === blockText(before.buckets[resource]?.block ?? null)
    );
  }

  takesBack(): boolean {
    return false;
  }

  takesOutOwn(): boolean {
    return false;
  }

  textAt(resource: string, state: AwsState): string | undefined {
    return blockText(state.buckets[resource]?.block ?? null) ?? undefined;
  }

  acted(resource: string, before: AwsState, after: AwsState): void {
    if (before.buckets[resource]?.block === after.buckets[resource]?.block) return;
    this.#effectsOn(resource).touch('block');
    this.#ended.delete(resource);
  }

  leftBehind(): Problem[] {
    return [];
  }

  violates(resource: string, state: AwsState): boolean {
    const bucket = state.buckets[resource];
    return bucket !== undefined && isPublic(bucket);
  }

  netEffect(resource: string) {
    const effects = this.#effectsOn(resource);
    return effects.isTouched('block') ? new Map() : effects.net;
  }

  madeItems(resource: string): ReadonlyMap<string, ReadonlySet<string | null>> {
    return this.#effectsOn(resource).made;
  }

  begin(): void {
    this.#effects = new Map();
  }

  #effectsOn(resource: string): Effects {
    const effects = this.#effects.get(resource) ?? new Effects();
    this.#effects.set(resource, effects);
    return effects;
  }
}
