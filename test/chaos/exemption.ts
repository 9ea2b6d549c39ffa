import type { AwsState, Tags } from '../lab/aws-model/state.ts';
import { contentOf } from './resources.ts';

const TAG = 'cspm-auto-remediation:exempt';

/** The tag by which a resource's owner exempts it, as docs/rules.md documents it. */
export const EXEMPTION: Tags = { [TAG]: 'public on purpose until 2099-12-31' };

export function isExempt(state: AwsState, resource: string): boolean {
  return contentOf(state, resource)?.tags[TAG] !== undefined;
}

/** Tells whether an instance has an exempt snapshot: when all public ones are exempt, so is the finding. */
export function hasExemptSnapshot({ databases }: AwsState, resource: string): boolean {
  return (databases[resource]?.snapshots ?? []).some(({ tags }) => tags[TAG] !== undefined);
}
